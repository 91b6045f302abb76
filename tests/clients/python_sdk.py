"""The Python SDK against the server: every transport and era, the same answers. Arguments: the program, the HTTP address."""

import asyncio
import sys

from mcp import Client, MCPError, StdioServerParameters

SQL = "CREATE INDEX ix_orders_status ON orders (status);\nALTER TABLE orders DROP COLUMN note;"
TOOLS = {"review_sql", "classify_risk", "search_knowledge"}


async def check(name, target, mode, era):
    async with Client(target, mode=mode) as client:
        assert client.protocol_version == era, client.protocol_version
        assert "Rule of the gates" in client.instructions
        tools = {tool.name for tool in (await client.list_tools()).tools}
        assert TOOLS <= tools, tools
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


async def main(program, address):
    stdio = StdioServerParameters(command=program, args=["serve"])
    for name, target in [("stdio", stdio), ("http", address)]:
        await check(f"{name}, 2026-07-28", target, "auto", "2026-07-28")
        await check(f"{name}, with handshake", target, "legacy", "2025-11-25")


asyncio.run(asyncio.wait_for(main(*sys.argv[1:]), timeout=120))
