// The TypeScript SDKs (1.x and 2.x) against the server. Arguments: the program, the HTTP address.
// Anything they write to stderr (unknown formats, broken schemas) is a failure: `run` looks.
import assert from "node:assert/strict";
import * as v2 from "@modelcontextprotocol/client";
import { StdioClientTransport as Stdio2 } from "@modelcontextprotocol/client/stdio";
import { Client as Client1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport as Stdio1 } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport as Http1 } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const [program, address] = process.argv.slice(2);
const me = { name: "test", version: "1" };
const sql = "CREATE INDEX ix_orders_status ON orders (status);\nALTER TABLE orders DROP COLUMN note;";

async function check(name, client, transport) {
    await client.connect(transport);
    const tools = (await client.listTools()).tools.map((tool) => tool.name);
    for (const tool of ["review_sql", "classify_risk", "search_knowledge"]) assert(tools.includes(tool), tool);
    const review = await client.callTool({ name: "review_sql", arguments: { sql } });
    assert.equal(review.structuredContent.verdict, "blocked");
    const wrong = await client.callTool({ name: "review_sql", arguments: { sequel: sql } });
    assert(wrong.isError && wrong.content[0].text.includes("sequel"));
    assert.equal((await client.listPrompts()).prompts.length, 10);
    const prompt = await client.getPrompt({ name: "apply", arguments: { environment: "staging" } });
    assert(prompt.messages[0].content.text.startsWith("Apply the migration to `staging`"));
    const resources = (await client.listResources()).resources;
    assert.equal(resources[0].uri, "knowledge://index");
    const page = await client.readResource({ uri: "knowledge://index" });
    assert(page.contents[0].text.startsWith("# The migration reference"));
    const completed = await client.complete({
        ref: { type: "ref/resource", uri: "knowledge://{doc}" },
        argument: { name: "doc", value: "rule-drop_co" },
    });
    assert(completed.completion.values.includes("rule-drop_column"));
    await assert.rejects(client.readResource({ uri: "knowledge://no-such-document" }), /there is no resource/);
    await client.close();
    console.log(`ok: TypeScript SDK, ${name}`);
}

const stdio = { command: program, args: ["serve"] };
await check("1.x, stdio", new Client1(me), new Stdio1(stdio));
await check("1.x, http", new Client1(me), new Http1(new URL(address)));
for (const mode of ["legacy", "auto"]) {
    const options = { versionNegotiation: { mode } };
    await check(`2.x, ${mode}, stdio`, new v2.Client(me, options), new Stdio2(stdio));
    await check(`2.x, ${mode}, http`, new v2.Client(me, options), new v2.StreamableHTTPClientTransport(new URL(address)));
}
