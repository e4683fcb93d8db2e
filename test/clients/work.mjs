// What a client does with a server: it lists everything, makes the calls that it is given, and prints what it got.
//
//   node test/clients/v1.mjs|v2.mjs WORK    WORK is JSON: {url} or {command, args}, and {calls, prompts, reads}
import process from 'node:process';

/** Everything in a list, page by page. */
async function all(list, name) {
    const items = [];
    for (let cursor; ;) {
        const page = await list(cursor === undefined ? {} : { cursor });
        items.push(...page[name]);
        cursor = page.nextCursor;
        if (cursor === undefined) return items;
    }
}

async function outcome(call) {
    try {
        return { result: await call() };
    } catch ({ code, message, data }) {
        return { error: { code, message, data } };
    }
}

/** Tells of progress as it comes in: the SDK forgets a call at its result, and then what it has not yet told of it. */
function listen(transport, told) {
    const { onmessage } = transport;
    transport.onmessage = (message, extra) => {
        const { progressToken: _, ...step } = message.params ?? {};
        if (message.method === 'notifications/progress') told.push(step);
        onmessage(message, extra);
    };
}

/** Works through WORK with a client. `connect` connects it; `callTool` calls a tool of it. */
export async function work(client, connect, callTool) {
    const given = JSON.parse(process.argv[2]);
    await connect(given);
    const told = [];
    listen(client.transport, told);
    const got = {
        capabilities: client.getServerCapabilities(),
        instructions: client.getInstructions() ?? '',
        tools: await all(params => client.listTools(params), 'tools'),
        prompts: await all(params => client.listPrompts(params), 'prompts'),
        resources: await all(params => client.listResources(params), 'resources'),
        templates: await all(params => client.listResourceTemplates(params), 'resourceTemplates'),
        outcomes: []
    };
    for (const { progress, ...params } of given.calls) {
        const came = await outcome(() => callTool(params, progress ? { onprogress() {} } : undefined));
        got.outcomes.push(progress ? { ...came, progress: told.splice(0) } : came);
    }
    for (const params of given.prompts) got.outcomes.push(await outcome(() => client.getPrompt(params)));
    for (const uri of given.reads) got.outcomes.push(await outcome(() => client.readResource({ uri })));
    await client.close();
    process.stdout.write(JSON.stringify(got));
}
