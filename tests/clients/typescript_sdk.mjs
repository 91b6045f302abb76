// The TypeScript SDKs (1.x and 2.x) against the server. Arguments: the program, the HTTP address, folders of projects (wire.py) where there are any.
// Anything they write to stderr (unknown formats, broken schemas) is a failure: `run` looks.
import assert from "node:assert/strict";
import * as v2 from "@modelcontextprotocol/client";
import { StdioClientTransport as Stdio2 } from "@modelcontextprotocol/client/stdio";
import { Client as Client1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport as Stdio1 } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport as Http1 } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";

const [program, address, ...shops] = process.argv.slice(2);
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

// On a project: progress, a call that is left, the question before an apply. `call` hides how the two SDKs differ.
async function led(name, shop, client, transport, call, person) {
    await client.connect(transport);
    const answer = async (tool, args, options) => (await call(tool, args, options)).structuredContent;
    const steps = [];
    await answer("review_sql", { from: "create_users" });
    await answer("test_rollback", { from: "create_users" }, { onprogress: (step) => steps.push(step.progress) });
    assert(steps.length > 0 && steps.every((step, at) => at === 0 || step > steps[at - 1]), `progress grows: ${steps}`);
    const sql = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
    const endless = { dialect: "sqlite", setup_sql: "CREATE TABLE t (a int);", sql, downgrade_sql: "SELECT 1" };
    await assert.rejects(call("test_rollback", endless, { signal: AbortSignal.timeout(1_000) }));
    for (const [at, action] of ["decline", "cancel", "accept"].entries()) {
        person.action = action;
        assert.equal(person.asked, at, "who is not asked has not said no");
        const told = await answer("apply_migration", { environment: "staging" });
        assert.equal(told.applied, action === "accept", `${action}: ${JSON.stringify(told)}`);
    }
    assert.equal(person.asked, 3);
    await client.close();
    console.log(`ok: TypeScript SDK, progress, cancelling, a person's yes and no, ${name}`);
}

// A person who says what `action` holds.
function somebody() {
    const person = { asked: 0 };
    person.reply = async () => {
        person.asked += 1;
        return person.action === "accept" ? { action: "accept", content: { confirmed: true } } : { action: person.action };
    };
    return person;
}

const capabilities = { elicitation: { form: {} } };
const server = (shop) => ({
    command: program,
    args: ["serve", "--allow-apply", "--project", shop],
    env: { PATH: process.env.PATH, HOME: `${shop}-home`, XDG_STATE_HOME: `${shop}-home/state`, STAGING_URL: `sqlite:///${shop}/staging.db` },
});
if (shops.length === 3) {
    const person = somebody();
    const one = new Client1(me, { capabilities: { elicitation: {} } });
    one.setRequestHandler(ElicitRequestSchema, person.reply);
    await led("1.x", shops[0], one, new Stdio1(server(shops[0])), (name, args, options) => one.callTool({ name, arguments: args }, undefined, options), person);
    for (const [at, mode] of ["legacy", "auto"].entries()) {
        const person = somebody();
        const two = new v2.Client(me, { capabilities, versionNegotiation: { mode } });
        two.setRequestHandler("elicitation/create", person.reply);
        const shop = shops[at + 1];
        await led(`2.x, ${mode}`, shop, two, new Stdio2(server(shop)), (name, args, options) => two.callTool({ name, arguments: args }, options), person);
    }
} else console.log("SKIPPED: progress, cancelling and questions (no projects given)");
console.log("figure: SDK 1.x and 2.x, 2 transports, 2 eras" + (shops.length === 3 ? "; progress, cancelling, accept, decline, cancel" : ""));
