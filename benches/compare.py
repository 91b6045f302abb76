#!/usr/bin/env python3
"""alembic-gate beside a peer, in turn, as whole processes.

usage: compare.py OURS PEER…      for example: compare.py target/release/alembic-gate squawk pgsafe
Each is run on one small file, on 1,000 statements, and (ours alone) on a 10 MB dump; wall seconds, the median of
pairs run one after the other, and the ratio ours / peer. The MCP figure is a review of 50 statements over stdio.
"""
import json
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

FORMS = [
    "ALTER TABLE t{n} ADD COLUMN c{n} text;",
    "CREATE INDEX CONCURRENTLY i{n} ON t{n} (a);",
    "ALTER TABLE t{n} ADD CONSTRAINT k{n} CHECK (a > 0) NOT VALID;",
    "UPDATE t{n} SET a = 1 WHERE id = {n};",
    "CREATE TABLE n{n} (id bigint primary key, v text not null default 'x');",
]


def statements(count):
    return "\n".join(FORMS[n % 5].format(n=n) for n in range(count)) + "\n"


def wall(command):
    begun = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return time.perf_counter() - begun


def pairs(ours, peer, runs):
    both = [(wall(ours), wall(peer)) for _ in range(runs)]
    mine, theirs = zip(*both)
    return statistics.median(mine), statistics.median(theirs), statistics.median(a / b for a, b in both)


def over_mcp(program):
    server = subprocess.Popen([program, "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def ask(message):
        server.stdin.write(json.dumps(message) + "\n")
        server.stdin.flush()
        return server.stdout.readline()

    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}
    ask({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello})
    server.stdin.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n')
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "review_sql", "arguments": {"sql": statements(50)}}}
    times = []
    for _ in range(1000):
        begun = time.perf_counter()
        ask(call)
        times.append((time.perf_counter() - begun) * 1000)
    server.kill()
    server.wait()
    times.sort()
    return times[500], times[990]


def main():
    ours, peers = sys.argv[1], sys.argv[2:]
    with tempfile.TemporaryDirectory() as folder:
        small, many, dump = (pathlib.Path(folder) / name for name in ("small.sql", "many.sql", "dump.sql"))
        small.write_text("ALTER TABLE users ADD COLUMN phone text;\n")
        many.write_text(statements(1000))
        row = ", ".join(f"({n}, 'name {n}', 1.5)" for n in range(20))
        dump.write_text("".join(f"INSERT INTO t VALUES {row};\n" for _ in range(25_000)))
        for peer in peers:
            for name, file, runs in (("one small file", small, 31), ("1,000 statements", many, 21)):
                mine, theirs, ratio = pairs([ours, "review-sql", str(file)], [peer, str(file)], runs)
                print(f"{name:18} ours {mine * 1000:7.1f} ms   {pathlib.Path(peer).name} {theirs * 1000:7.1f} ms   ratio {ratio:.2f}")
        seconds = statistics.median(wall([ours, "review-sql", str(dump)]) for _ in range(5))
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(f"{dump.stat().st_size / 1e6:.0f} MB dump         ours {seconds:7.2f} s    at most {peak:.0f} MB in memory")
    middle, slowest = over_mcp(ours)
    print(f"50 statements over MCP   p50 {middle:.2f} ms   p99 {slowest:.2f} ms")


if __name__ == "__main__":
    main()
