#!/usr/bin/env python3
"""The server under load: start, calls over standard input, calls over HTTP, clients that begin and go away.

usage: server.py PROGRAM [PART…]      for example: server.py target/release/alembic-gate; server.py PROGRAM hostile
Each figure is held to its bound, and the exit code says whether all were kept. Linux (reads /proc); standard library only.
"""
import json
import os
import pathlib
import re
import select
import socket
import statistics
import subprocess
import sys
import threading
import time

META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
}
SQL = "ALTER TABLE orders ADD COLUMN note text;"
failed = []


def message(method, number=1, **params):
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": {**params, "_meta": META}}).encode()


def call(number=1):
    return message("tools/call", number, name="classify_risk", arguments={"sql": SQL})


def told(what, value, unit, bound, is_kept):
    print(f"{what}: {value:.4g} {unit} (bound: {bound}){'' if is_kept else '  MISSED'}", flush=True)
    if not is_kept:
        failed.append(what)


def resident(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024


def stdio(program, **more):
    return subprocess.Popen([program, "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, **more)


def ended(server):
    server.stdin.close()
    server.stdout.close()
    server.wait(10)


def start(program):
    times, sizes = [], []
    for _ in range(40):
        begun = time.perf_counter()
        server = stdio(program)
        server.stdin.write(message("server/discover") + b"\n")
        server.stdin.flush()
        assert b"capabilities" in server.stdout.readline()
        times.append((time.perf_counter() - begun) * 1000)
        # With the index in memory: a question is answered first.
        server.stdin.write(message("tools/call", 2, name="search_knowledge", arguments={"query": "55P03"}) + b"\n")
        server.stdin.flush()
        assert b"hits" in server.stdout.readline()
        sizes.append(resident(server.pid))
        ended(server)
    told("start to first answer, p50", statistics.median(times), "ms", "< 20", statistics.median(times) < 20)
    told("memory after a search", max(sizes), "MB", "< 30", max(sizes) < 30)


def one_core(program):
    """The whole server on one core; this client on another."""
    cores = sorted(os.sched_getaffinity(0))
    server = stdio(program, preexec_fn=lambda: os.sched_setaffinity(0, cores[:1]))
    count, ahead = 10_000, 32
    lines = [call(number) + b"\n" for number in range(count)]
    used = lambda: sum(map(int, pathlib.Path(f"/proc/{server.pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13])) / os.sysconf("SC_CLK_TCK")
    server.stdin.write(lines[0])
    server.stdin.flush()
    server.stdout.readline()
    spent, begun, sent = used(), time.perf_counter(), 1
    for received in range(1, count):
        while sent < count and sent - received < ahead:
            server.stdin.write(lines[sent])
            sent += 1
        server.stdin.flush()
        assert b'"verdict"' in server.stdout.readline()
    took, spent = time.perf_counter() - begun, used() - spent
    ended(server)
    told("classify_risk over stdio on one core", count / took, "calls/s", ">= 2000", count / took >= 2_000)
    print(f"  of processor time: {count / spent:.0f} calls/s")


class Web:
    def __enter__(self):
        self.server = subprocess.Popen([sys.argv[1], "serve", "--http", "127.0.0.1:0"], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
        self.port = int(re.search(rb":(\d+)/mcp", self.server.stderr.readline())[1])
        # What the server logs must not fill the pipe.
        threading.Thread(target=self.server.stderr.read, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.terminate()
        self.server.wait(10)

    def post(self, connection, body):
        head = (
            f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            "Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: classify_risk\r\n\r\n"
        )
        return self.exchange(connection, head.encode() + body)

    def exchange(self, connection, request):
        connection.sendall(request)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += connection.recv(65536) or self.broken()
        head, _, body = answer.partition(b"\r\n\r\n")
        length = int(re.search(rb"content-length: (\d+)", head, re.I)[1])
        while len(body) < length:
            body += connection.recv(65536) or self.broken()
        return int(head.split()[1]), body

    def broken(self):
        raise ConnectionError("the server closed the connection")

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port))


def over_http(program):
    with Web() as web:
        errors = []

        def worker(share):
            with web.connect() as connection:
                for _ in range(share):
                    status, body = web.post(connection, call())
                    if status == 429:  # So is the rule: 1,000 a second and caller.
                        time.sleep(0.2)
                        status, body = web.post(connection, call())
                    if status != 200 or b'"verdict"' not in body:
                        errors.append((status, body[:200]))

        def run(total, connections):
            threads = [threading.Thread(target=worker, args=(total // connections,)) for _ in range(connections)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        run(640, 64)
        before, begun = resident(web.server.pid), time.perf_counter()
        run(10_048, 64)
        took, grown = time.perf_counter() - begun, resident(web.server.pid) - before
        told("errors in 10,048 HTTP calls at 64 connections", len(errors), "", "0", not errors)
        told("memory growth over them", grown, "MB", "< 10", grown < 10)
        print(f"  {10_048 / took:.0f} calls/s, the client in Python beside it", errors[:1] or "")


def hostile(program):
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "x" * 200, "version": "1"}}}).encode()
    with Web() as web:
        head = f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{web.port}\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\nContent-Length: {len(body)}\r\n\r\n"
        statuses = set()

        def once():
            with web.connect() as connection:
                statuses.add(web.exchange(connection, head.encode() + body)[0])

        for _ in range(50):
            once()
        before = resident(web.server.pid)
        for _ in range(3_000):
            once()
        grown = resident(web.server.pid) - before
        told("memory growth over 3,000 initialize that never come back", grown, "MB", "< 5", grown < 5)
        print(f"  statuses: {sorted(statuses)}")


def list_of_tools(program):
    server = stdio(program)
    server.stdin.write(message("tools/list") + b"\n")
    server.stdin.flush()
    size = len(json.dumps(json.loads(server.stdout.readline())["result"]["tools"], ensure_ascii=False, separators=(",", ":")).encode())
    ended(server)
    told("tools/list", size / 1000, "kB", "<= 24", size <= 24_000)


if __name__ == "__main__":
    parts = {part.__name__: part for part in (start, one_core, over_http, hostile, list_of_tools)}
    for name in sys.argv[2:] or parts:
        parts[name](sys.argv[1])
    sys.exit(1 if failed else 0)
