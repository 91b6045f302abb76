"""Nothing hangs: what is malformed is answered within a second, and the call behind it works.

usage: hang.py PROGRAM [--fixture FIXTURE] [--seconds N]
FIXTURE is examples/conformance_fixture, whose tool `panics` does. N is for programs that are built for tests; the bound of a release is a second.
"""

import argparse
import json
import tempfile
import time

from wire import HELLO, RISK, Stdio, request

BOUND_S = 1.0  # Set by --seconds.


def line(**fields):
    return json.dumps({"jsonrpc": "2.0", "id": 7, **fields}).encode()


def call(**params):
    return line(method="tools/call", params={"name": "review_sql", **params})


# What it is, the line, the code of the error (None: an answer) and the id of the answer.
LINES = [
    ("bad JSON", b"this is no JSON", -32700, None),
    ("no method", b'{"jsonrpc":"2.0","id":7}', -32600, 7),
    ("a batch", b"[" + line(method="tools/list") + b"]", -32600, None),
    ("arguments as a string", call(arguments="{}"), -32602, 7),
    ("arguments as an array", call(arguments=[]), -32602, 7),
    ("no arguments", call(), "answer", 7),
    ("no params", line(method="tools/call"), -32602, 7),
    ("an id that is null", b'{"jsonrpc":"2.0","id":null,"method":"tools/list"}', -32600, None),
    ("a lone surrogate", b'{"jsonrpc":"2.0","id":7,"method":"x\\ud800"}', -32700, None),
    ("a NUL within", b'{"jsonrpc":"2.0","id":7,\0"method":"tools/list"}', -32700, None),
    ("bytes that are no UTF-8", b'{"jsonrpc":"2.0","id":7,"method":"\xff\xfe"}', -32700, None),
    ("10 MB without an end", b'{"jsonrpc":"2.0","id":7,"method":"' + b"x" * (10 << 20), -32700, None),
    ("20 MB without an end", b'{"jsonrpc":"2.0","id":7,"method":"' + b"x" * (20 << 20), -32700, None),
    ("an unknown method", line(method="no/such/method"), -32601, 7),
]


def begin(server):
    server.ask({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": HELLO})
    server.send({"jsonrpc": "2.0", "method": "notifications/initialized"})


def works(server, what):
    """A ping, and a call of each era."""
    assert server.ask({"jsonrpc": "2.0", "id": 70, "method": "ping"}, BOUND_S)["id"] == 70, what
    for number, message in ((71, {"jsonrpc": "2.0", "id": 71, "method": "tools/call", "params": RISK}), (72, request("tools/call", 72, **RISK))):
        answer = server.ask(message, BOUND_S)
        assert answer["id"] == number and answer["result"]["structuredContent"]["data_loss_risk"] == "high", (what, answer)


def malformed(server):
    slowest = 0.0
    for what, text, code, number in LINES:
        begun = time.perf_counter()
        server.send(text)
        answer = server.receive(60)
        took = time.perf_counter() - begun
        assert answer.get("id") == number, (what, answer)
        assert "result" in answer if code == "answer" else answer["error"]["code"] == code and answer["error"]["message"], (what, answer)
        assert took < BOUND_S, f"{what}: answered after {took:.2f} s"
        works(server, what)
        slowest = max(slowest, took)
    return slowest


def one_id_twice(server):
    """The second is refused, the first is answered."""
    slow = {"name": "review_sql", "arguments": {"sql": "ALTER TABLE books ADD COLUMN note text;\n" * 4_000}}
    server.send({"jsonrpc": "2.0", "id": 9, "method": "tools/call", "params": slow})
    server.send({"jsonrpc": "2.0", "id": 9, "method": "tools/list"})
    answers = [server.receive(), server.receive()]
    kinds = sorted("error" if "error" in answer else "result" for answer in answers)
    assert kinds == ["error", "result"] and all(answer["id"] == 9 for answer in answers), str(answers)[:500]
    works(server, "one id twice")


def panics(fixture, home):
    with Stdio(fixture, home=home) as server:
        begin(server)
        for _ in range(3):
            begun = time.perf_counter()
            answer = server.ask({"jsonrpc": "2.0", "id": 5, "method": "tools/call", "params": {"name": "panics", "arguments": {}}}, 60)
            assert answer["result"]["isError"] and answer["result"]["structuredContent"]["error"]["code"] == "internal", answer
            assert time.perf_counter() - begun < BOUND_S
        answer = server.ask({"jsonrpc": "2.0", "id": 6, "method": "tools/call", "params": {"name": "answers", "arguments": {}}}, BOUND_S)
        assert answer["id"] == 6 and not answer["result"].get("isError"), answer


def main(program, fixture):
    with tempfile.TemporaryDirectory() as home:
        with Stdio(program, home=home) as server:
            begin(server)
            slowest = malformed(server)
            one_id_twice(server)
        print(f"figure: {len(LINES)} malformed lines and an id used twice, slowest answer {slowest * 1000:.0f} ms")
        if fixture:
            panics(fixture, home)
            print("figure: a panic is answered, three times")
        else:
            print("SKIPPED: the panic (no fixture: cargo build --release --example conformance_fixture)")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--fixture")
    parser.add_argument("--seconds", type=float, default=BOUND_S)
    options = parser.parse_args()
    BOUND_S = options.seconds
    main(options.program, options.fixture)
