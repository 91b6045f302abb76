"""The Python SDK against the server: every transport and era, each tool, progress, cancelling, questions to a person.

usage: python_sdk.py PROGRAM HTTP-ADDRESS [PYTHON-WITH-ALEMBIC]
"""

import asyncio
import json
import os
import pathlib
import sys
import tempfile

from mcp import Client, MCPError, StdioServerParameters
from mcp.types import ElicitResult

from every_tool import CALLS
from wire import USERS, Shop, environment, has_alembic

SQL = "CREATE INDEX ix_orders_status ON orders (status);\nALTER TABLE orders DROP COLUMN note;"
LONG = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


async def check(name, target, mode, era):
    async with Client(target, mode=mode) as client:
        assert client.protocol_version == era, client.protocol_version
        assert "Rule of the gates" in client.instructions
        tools = {tool.name for tool in (await client.list_tools()).tools}
        assert tools == set(CALLS), tools
        # The SDK holds structured content against the output schema.
        review = (await client.call_tool("review_sql", {"sql": SQL})).structured_content
        assert review["verdict"] == "blocked", review
        risk = (await client.call_tool("classify_risk", {"sql": SQL})).structured_content
        assert risk["data_loss_risk"] == "high", risk
        found = (await client.call_tool("search_knowledge", {"query": "55P03"})).structured_content
        assert found["hits"], found
        wrong = await client.call_tool("review_sql", {"sequel": SQL})
        assert wrong.is_error and "sequel" in wrong.content[0].text, wrong
        prompts = [prompt.name for prompt in (await client.list_prompts()).prompts]
        assert prompts[0] == "plan" and len(prompts) == 10, prompts
        prompt = await client.get_prompt("plan", {"intent": "add users.email"})
        assert "Wanted: add users.email" in prompt.messages[0].content.text
        page = await client.list_resources()
        uris = [resource.uri for resource in page.resources]
        assert str(uris[0]) == "knowledge://index" and page.next_cursor, page
        read = await client.read_resource(str(uris[1]))
        assert read.contents[0].text.startswith("# ")
        try:
            await client.read_resource("knowledge://no-such-document")
            raise AssertionError("a missing resource is an error")
        except MCPError as error:
            assert "there is no resource" in str(error), error
    print(f"ok: Python SDK, {name}")


def started(program, place, *arguments, **more):
    """A server with a log in a file of its own."""
    log = pathlib.Path(place, "server.log")
    env = environment(place, {"ALEMBIC_GATE_LOG": "alembic_gate=info", **more})
    words = ["-c", 'exec "$0" serve "$@" 2>"$LOG_OF_THE_SERVER"', program, *map(str, arguments)]
    return StdioServerParameters(command="sh", args=words, env=env | {"LOG_OF_THE_SERVER": str(log)}, cwd=place), log


async def each_tool(name, program, python, mode):
    """On a project: all tools, with progress that grows to its end."""
    with tempfile.TemporaryDirectory() as place:
        shop = Shop(f"{place}/shop", python)
        target, _ = started(program, place, "--project", shop.folder, **shop.variables)
        async with Client(target, mode=mode) as client:
            for tool, (good, _, _) in CALLS.items():
                result = await client.call_tool(tool, good)
                assert not result.is_error and result.structured_content["summary"], (tool, result)
            steps = []

            async def heard(done, total, message):
                steps.append((done, total))

            await client.call_tool("test_rollback", {"from": USERS[0]}, progress_callback=heard)
            done = [step for step, _ in steps]
            assert len(steps) > 1 and done == sorted(set(done)), f"progress grows: {steps}"
            assert done == list(range(int(steps[0][1]))), f"each step is told: {steps}"
    print(f"ok: Python SDK, each tool and progress, {name}")


async def leaves(name, program, mode):
    """Who waits no longer, cancels: the server says so in its log, and goes on."""
    with tempfile.TemporaryDirectory() as place:
        target, log = started(program, place)
        async with Client(target, mode=mode) as client:
            arguments = {"dialect": "sqlite", "setup_sql": "CREATE TABLE t (a int);", "sql": LONG, "downgrade_sql": "SELECT 1"}
            try:
                await asyncio.wait_for(client.call_tool("test_rollback", arguments), 1.5)
                raise AssertionError("the call has no end")
            except TimeoutError:
                pass
            for _ in range(100):
                if "cancelled" in log.read_text():
                    break
                await asyncio.sleep(0.05)
            assert "cancelled" in log.read_text(), log.read_text()
            assert (await client.call_tool("classify_risk", {"sql": SQL})).structured_content["verdict"] == "blocked"
    print(f"ok: Python SDK, a call that is left is cancelled, {name}")


async def asks(name, program, python, mode):
    """The form before an apply: accepted, declined, cancelled."""
    for action in ("decline", "cancel", "accept"):
        with tempfile.TemporaryDirectory() as place:
            shop = Shop(f"{place}/shop", python)
            target, _ = started(program, place, "--allow-apply", "--project", shop.folder, **shop.variables)
            shown = []

            async def person(_context, params):
                shown.append(params.message)
                return ElicitResult(action=action, content={"confirmed": True, "backup": "of noon"} if action == "accept" else None)

            async with Client(target, mode=mode, elicitation_callback=person) as client:
                for tool in ("review_sql", "test_rollback"):
                    await client.call_tool(tool, {"from": USERS[0]})
                before = shop.database.read_bytes()
                told = (await client.call_tool("apply_migration", {"environment": "staging"})).structured_content
            assert len(shown) == 1 and "add_user_email" in shown[0] and "staging" in shown[0], (action, shown, told)
            assert told["applied"] is (action == "accept"), (action, json.dumps(told))
            assert (shop.database.read_bytes() == before) is (action != "accept"), action
    print(f"ok: Python SDK, a person accepts, declines, cancels, {name}")


async def main(program, address, python=None):
    stdio = StdioServerParameters(command=program, args=["serve"])
    for name, target in [("stdio", stdio), ("http", address)]:
        await check(f"{name}, 2026-07-28", target, "auto", "2026-07-28")
        await check(f"{name}, with handshake", target, "legacy", "2025-11-25")
    for mode, era in (("auto", "2026-07-28"), ("legacy", "with handshake")):
        await leaves(era, program, mode)
        if has_alembic(python):
            await each_tool(era, program, python, mode)
            await asks(era, program, python, mode)
    if not has_alembic(python):
        print("SKIPPED: each tool, progress, questions (no Python with Alembic given)")
    print("figure: 2 transports, 2 eras; cancelling" + ("; 8 tools, progress, accept, decline, cancel" if has_alembic(python) else ""))


asyncio.run(asyncio.wait_for(main(*sys.argv[1:]), timeout=280))
