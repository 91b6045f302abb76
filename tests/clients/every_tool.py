"""MCP Inspector against each tool: a good call ends with 0, a bad one with 5 and a text that says what is wrong; then a load of calls.

usage: every_tool.py PROGRAM PYTHON-WITH-ALEMBIC
"""

import json
import re
import subprocess
import sys
import tempfile

from wire import Shop, environment

SCHEMA = "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT);"
ADD, DROP = "ALTER TABLE users ADD COLUMN email TEXT;", "ALTER TABLE users DROP COLUMN email;"
RAW = {"dialect": "sqlite", "setup_sql": SCHEMA}
# tool: what is good, what is bad, a word of what a bad call is told
CALLS = {
    "plan_migration": (RAW | {"sql": ADD}, {"changes": [{"kind": "no_such_kind"}]}, "no_such_kind"),
    "review_sql": (RAW | {"sql": ADD, "downgrade_sql": DROP}, {"sequel": ADD}, "sequel"),
    "classify_risk": ({"sql": "DROP TABLE users"}, {"sequel": ADD}, "sequel"),
    "test_rollback": (RAW | {"sql": ADD, "downgrade_sql": DROP}, {"project": "/no/such/folder"}, "/no/such/folder"),
    "apply_migration": ({"environment": "staging"}, {"enviroment": "staging"}, "enviroment"),
    "migration_status": ({}, {"project": "/no/such/folder"}, "/no/such/folder"),
    "generate_migration": ({"mode": "empty", "migration_name": "add_users_index"}, {"mode": "no_such_mode"}, "no_such_mode"),
    "search_knowledge": ({"query": "lock timeout"}, {"qery": "lock"}, "qery"),
}


def main(program, python):
    with tempfile.TemporaryDirectory() as place:
        shop = Shop(f"{place}/shop", python)
        server = [program, "serve", "--project", str(shop.folder)]

        def inspector(*words):
            command = ["mcp-inspector", "--cli", *server, *words, "--format", "json"]
            return subprocess.run(command, capture_output=True, text=True, timeout=110, cwd=place, env=environment(place, shop.variables))

        listed = json.loads(inspector("--method", "tools/list").stdout)
        names = {tool["name"] for tool in listed.get("result", listed)["tools"]}
        assert names == set(CALLS), f"each tool has its calls here: {names ^ set(CALLS)}"
        for tool, (good, bad, word) in CALLS.items():
            for arguments, code in ((good, 0), (bad, 5)):
                told = inspector("--method", "tools/call", "--tool-name", tool, "--tool-args-json", json.dumps(arguments))
                assert told.returncode == code, f"{tool} {arguments}: {told.returncode} instead of {code}\n{told.stdout}\n{told.stderr}"
                text = told.stdout + told.stderr
                assert code == 0 or (word in text and "hint" in text), f"{tool} {arguments} is not told what is wrong: {text}"
        print(f"figure: {len(CALLS)} tools, each good call 0 and each bad one 5")
        load = inspector("--method", "tools/call", "--tool-name", "classify_risk", "--tool-args-json", json.dumps(CALLS["classify_risk"][0]),
                         "--load", "--load-requests", "1000", "--load-concurrency", "10")
        rate = re.search(r'"errorRate":\s*([\d.]+)', load.stdout)
        assert load.returncode == 0 and rate and float(rate[1]) == 0, load.stdout + load.stderr
        print("figure: 1,000 calls, 10 at a time, errorRate 0")


if __name__ == "__main__":
    main(*sys.argv[1:])
