// A server with the Tasks extension of revision 2026-07-28 (SEP-2663), on
// @modelcontextprotocol/server, which leaves the extension to its users.
//
//   node test/servers/tasks-v2.mjs stdio|http
import { randomUUID } from 'node:crypto';

import { ProtocolError, Server, createMcpHandler } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';

import { listenWeb, run } from './listen.mjs';

const EXTENSION = 'io.modelcontextprotocol/tasks';

/** What the tests ask for with the tool `seen`. */
const seen = { cancelled: [], declared: [], names: [] };

const tasks = new Map();
const say = text => ({ content: [{ type: 'text', text }] });
const form = message => ({
    method: 'elicitation/create',
    params: {
        mode: 'form',
        message,
        requestedSchema: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] }
    }
});

/** What a task is when it is asked for the nth time, by its tool. */
const STATES = {
    steps: n =>
        n < 3
            ? { statusMessage: `step ${n}` }
            : { status: 'completed', result: { ...say('done'), structuredContent: { sum: 3, exact: 1e2 } } },
    wrong: () => ({ status: 'completed', result: { ...say('done'), structuredContent: { sum: 'three' } } }),
    broken: () => ({ status: 'completed', result: { content: 'none' } }),
    fails: () => ({ status: 'failed', error: { code: -32050, message: 'it broke', data: { why: [1, 'x'] } } }),
    erred: () => ({ status: 'completed', result: { ...say('the tool says no'), isError: true } }),
    withdrawn: () => ({ status: 'cancelled', statusMessage: 'the server had enough' }),
    forever: n => ({ statusMessage: n < 3 ? 'busy' : 'still busy' }),
    expires: n => {
        if (n > 1) throw new ProtocolError(-32602, 'Task has expired');
        return {};
    },
    /** Asks for a name, and then for another; each question stays until it is answered. */
    asks: (n, { answers }) => {
        const key = ['first', 'second'].find(key => !answers[key]);
        if (!key)
            return {
                status: 'completed',
                result: say(`hello ${answers.first.content.name} ${answers.second.content.name}`)
            };
        return { status: 'input_required', inputRequests: { [key]: form(`${key} name?`) } };
    },
    /** Asks for more and more. */
    nosy: n => ({ status: 'input_required', inputRequests: { [`q${n}`]: form('name?') } }),
    /** Asks for something that no client answers. */
    odd: () => ({ status: 'input_required', inputRequests: { q: { method: 'server/discover' } } }),
    /** Asks, and does not wait for the answer. */
    hasty: n =>
        n < 3
            ? { status: 'input_required', inputRequests: { q: form('name?') } }
            : { status: 'completed', result: say('never mind') },
    'unknown status': () => ({ status: 'sleeping' }),
    'no id': () => ({ taskId: undefined }),
    'other id': () => ({ taskId: 'another' }),
    'no result': () => ({ status: 'completed' }),
    'no error': () => ({ status: 'failed' }),
    'not created': () => ({})
};

const inputSchema = { type: 'object' };
const outputSchema = { type: 'object', properties: { sum: { type: 'number' } }, required: ['sum'] };
const TOOLS = [
    { name: 'seen', inputSchema },
    { name: 'plain', inputSchema },
    ...Object.keys(STATES).map(name => ({
        name,
        inputSchema,
        ...((name === 'steps' || name === 'wrong') && { outputSchema })
    }))
];

function state(task) {
    const { id, tool, answers, pollIntervalMs } = task;
    const { createdAt } = task;
    const common = { taskId: id, status: 'working', createdAt, lastUpdatedAt: createdAt, ttlMs: null };
    return { ...common, pollIntervalMs, ...STATES[tool](++task.polls, { answers }) };
}

function create(tool, { poll }) {
    const id = randomUUID();
    const createdAt = new Date().toISOString();
    const task = { id, tool, polls: 0, answers: {}, createdAt, pollIntervalMs: poll ?? 25 };
    tasks.set(id, task);
    const { pollIntervalMs } = task;
    const made = { taskId: id, status: 'working', createdAt, lastUpdatedAt: createdAt, ttlMs: null, pollIntervalMs };
    if (tool === 'not created') delete made.taskId;
    return { resultType: 'task', ...made };
}

function find({ taskId }) {
    const task = tasks.get(taskId);
    if (!task) throw new ProtocolError(-32602, 'Task not found');
    return task;
}

/** The params as they come. */
const params = { '~standard': { version: 1, vendor: 'test', validate: value => ({ value }) } };

function createServer() {
    const server = new Server(
        { name: 'tasks', version: '1' },
        { capabilities: { tools: {}, extensions: { [EXTENSION]: {} } } }
    );
    const declared = ({ mcpReq: { _meta, envelope }, http }) => {
        const capabilities = (envelope ?? _meta)?.['io.modelcontextprotocol/clientCapabilities'];
        seen.declared.push(capabilities?.extensions?.[EXTENSION] !== undefined);
        const name = http?.req?.headers.get('mcp-name');
        if (name) seen.names.push(name);
    };
    server.setRequestHandler('tools/list', () => ({ tools: TOOLS }));
    server.setRequestHandler('tools/call', ({ params: { name, arguments: given } }, context) => {
        declared(context);
        if (name === 'seen') return say(JSON.stringify(seen));
        if (name === 'plain') return say('at once');
        return create(name, given ?? {});
    });
    server.setRequestHandler('tasks/get', { params }, (given, context) => {
        declared(context);
        return state(find(given));
    });
    // The SDK takes the answers out of the params, as it does those of its own rounds.
    server.setRequestHandler('tasks/update', { params }, (given, { mcpReq: { inputResponses } }) => {
        Object.assign(find(given).answers, inputResponses);
        return {};
    });
    server.setRequestHandler('tasks/cancel', { params }, given => {
        seen.cancelled.push(find(given).id);
        return {};
    });
    return server;
}

const onerror = error => console.error(error);

function http() {
    const handler = createMcpHandler(createServer, { legacy: 'reject', onerror });
    listenWeb('/mcp', handler.fetch);
}

await run({ stdio: () => serveStdio(createServer, { legacy: 'reject', onerror }), http });
