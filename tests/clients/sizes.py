"""What an agent has to read: the list of tools, descriptions, instructions, answers.

usage: sizes.py PROGRAM [PYTHON-WITH-ALEMBIC]
"""

import json
import sys
import tempfile

from every_tool import CALLS
from wire import Shop, Stdio, has_alembic, request


def size(value):
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def main(program, python=None):
    with tempfile.TemporaryDirectory() as place:
        shop = Shop(f"{place}/shop", python) if has_alembic(python) else None
        with Stdio(program, *(["--project", shop.folder] if shop else []), home=place, env=shop.variables if shop else None) as server:
            told = server.ask(request("server/discover"))["result"]
            tools = server.ask(request("tools/list"))["result"]["tools"]
            listed, instructions = size(tools), len(told["instructions"])
            described = max(len(tool["description"]) for tool in tools)
            assert listed <= 24_000, f"tools/list has {listed} bytes"
            assert described < 2_000 and instructions < 2_048, (described, instructions)
            print(f"figure: tools/list {listed / 1000:.1f} kB of 24, longest description {described} of 2,000 characters, instructions {instructions} of 2,048")
            answers = {}
            for tool, (good, _, _) in CALLS.items():
                if tool in ("apply_migration", "migration_status", "generate_migration") and not shop:
                    print(f"SKIPPED: the answer of {tool} (no Python with Alembic)")
                    continue
                result = server.call(tool, **good)
                assert not result.get("isError"), (tool, result)
                answers[tool] = size(result["structuredContent"])
                assert answers[tool] < 8_000, f"{tool}: {answers[tool]} bytes by default"
                assert max(len(content["text"]) for content in result["content"]) < 8_000, tool
            widest = max(answers, key=answers.get)
            print(f"figure: default answers up to {answers[widest] / 1000:.1f} kB of 8 ({widest})")
            # As much as can be asked for.
            most = 0
            many = "".join(f"CREATE TABLE t{n} (a int); DROP TABLE u{n}; ALTER TABLE v{n} ADD COLUMN c text NOT NULL;\n" for n in range(700))
            for tool, arguments in [("review_sql", {"sql": many, "downgrade_sql": many, "detail": "full"}), ("classify_risk", {"sql": many, "detail": "full"}),
                                    ("plan_migration", {"sql": many}), ("search_knowledge", {"query": "lock", "limit": 20}), ("review_sql", {"sql": "x" * 200_000})]:
                result = server.call(tool, **arguments)
                longest = max([len(content["text"]) for content in result["content"]] + [len(json.dumps(result["structuredContent"], ensure_ascii=False, separators=(",", ":")))])
                assert longest <= 20_000, f"{tool}: {longest} characters"
                most = max(most, longest)
            print(f"figure: what is huge is cut at {most:,} of 20,000 characters")


if __name__ == "__main__":
    main(*sys.argv[1:])
