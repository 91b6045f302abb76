#!/usr/bin/env python3
"""What a question to `search_knowledge` costs: processor time, the first answer after a start, memory, tokens.

usage: knowledge.py PROGRAM      for example: knowledge.py target/release/alembic-gate
The questions are those of `tests/truth`. Each figure is held to its bound, and the exit code says whether all were kept.
Linux (reads /proc); standard library only.
"""
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
}
TRUTH = pathlib.Path(__file__).resolve().parent.parent / "tests/truth"
FILES = ["examples/knowledge_queries.json", "knowledge_queries.json", "knowledge_unseen.json", "knowledge_fresh.json", "knowledge_fresh_later.json",
         "knowledge_mixed.json", "knowledge_aside.json", "knowledge_once.json", "knowledge_last.json", "knowledge_blind.json",
         "knowledge_apart.json"]
failed = []


def told(what, value, unit, bound, is_kept):
    print(f"{what}: {value:.4g} {unit} (bound: {bound}){'' if is_kept else '  MISSED'}", flush=True)
    if not is_kept:
        failed.append(what)


def message(method, number=1, **params):
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": {**params, "_meta": META}}).encode() + b"\n"


def question(query, number=2):
    return message("tools/call", number, name="search_knowledge", arguments={"query": query})


def started(program):
    return subprocess.Popen([program, "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def asked(server, line):
    server.stdin.write(line)
    server.stdin.flush()
    return server.stdout.readline()


def ended(server):
    server.stdin.close()
    server.stdout.close()
    server.wait(10)


def used(pid):
    """Processor time of all threads in milliseconds."""
    return sum(int(pathlib.Path(f"/proc/{pid}/task/{thread}/schedstat").read_text().split()[0]) for thread in os.listdir(f"/proc/{pid}/task")) / 1e6


def rank(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def queries(program):
    texts = [query["query"] for name in FILES for query in json.loads((TRUTH / name).read_text())["queries"]]
    server = started(program)
    asked(server, message("server/discover"))
    asked(server, question("warm"))
    spent, tokens = [], []
    for _ in range(3):
        for text in texts:
            before = used(server.pid)
            answer = json.loads(asked(server, question(text)))
            spent.append(used(server.pid) - before)
            tokens.append(len(answer["result"]["content"][0]["text"]) / 4)
    ended(server)
    print(f"{len(texts)} questions, three times; without a limit")
    told("processor time of a call, p50", statistics.median(spent), "ms", "<= 1", statistics.median(spent) <= 1)
    told("processor time of a call, p99", rank(spent, 0.99), "ms", "<= 3", rank(spent, 0.99) <= 3)
    told("tokens of an answer (characters / 4), median", statistics.median(tokens), "", "<= 900", statistics.median(tokens) <= 900)
    told("tokens of an answer, most", max(tokens), "", "<= 2000", max(tokens) <= 2000)


def start(program):
    handshakes, answers = [], []
    for _ in range(20):
        begun = time.perf_counter()
        server = started(program)
        assert b"capabilities" in asked(server, message("server/discover"))
        handshakes.append((time.perf_counter() - begun) * 1000)
        assert b"hits" in asked(server, question("canceling statement due to lock timeout"))
        answers.append((time.perf_counter() - begun) * 1000)
        ended(server)
    told("start to handshake, p50", statistics.median(handshakes), "ms", "<= 20", statistics.median(handshakes) <= 20)
    told("start to first answer of the search, p50", statistics.median(answers), "ms", "<= 100", statistics.median(answers) <= 100)


def most_resident(command):
    """The most memory that a command had, in MB."""
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    _, _, usage = os.wait4(child.pid, 0)
    child.returncode = 0
    return usage.ru_maxrss / 1024


def memory(program):
    plain = statistics.median(most_resident([program, "classify-risk", "--sql", "SELECT 1"]) for _ in range(5))
    with_index = statistics.median(most_resident([program, "search-knowledge", "55P03"]) for _ in range(5))
    told("memory added by a search (the most, beside another command)", with_index - plain, "MB", "<= 10", with_index - plain <= 10)


if __name__ == "__main__":
    for part in (queries, start, memory):
        part(sys.argv[1])
    sys.exit(1 if failed else 0)
