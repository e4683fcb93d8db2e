// A server with the experimental tasks of 2025-11-25, on @modelcontextprotocol/sdk.
//
//   node test/servers/tasks-v1.mjs stdio|http
import { InMemoryTaskMessageQueue, InMemoryTaskStore } from '@modelcontextprotocol/sdk/experimental/tasks';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import {
    CallToolRequestSchema,
    ElicitResultSchema,
    ErrorCode,
    ListToolsRequestSchema,
    McpError
} from '@modelcontextprotocol/sdk/types.js';

import { serve } from './serve-v1.mjs';

/** What the tests ask for with the tool `seen`. */
const seen = { cancelled: [], related: [], asked: [], ttl: [], capabilities: undefined };

/** The SDK's store, which also tells what clients do, and lists one task a page. */
class Store extends InMemoryTaskStore {
    async updateTaskStatus(id, status, ...rest) {
        if (status === 'cancelled') seen.cancelled.push(id);
        return super.updateTaskStatus(id, status, ...rest);
    }

    async listTasks(cursor, session) {
        const { tasks } = await super.listTasks(undefined, session);
        const at = cursor === undefined ? 0 : Number(JSON.parse(cursor).at);
        const more = at + 1 < tasks.length;
        return { tasks: tasks.slice(at, at + 1), ...(more && { nextCursor: JSON.stringify({ at: at + 1 }) }) };
    }
}

const store = new Store();
const say = text => ({ content: [{ type: 'text', text }] });
const FORM = { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] };

/** What becomes of a task, by its tool. */
const WORK = {
    async steps({ taskId }, { taskStore, _meta }, server) {
        for (let step = 1; step <= 3; step++) {
            await taskStore.updateTaskStatus(taskId, 'working', `step ${step}`);
            const params = { progressToken: _meta?.progressToken, progress: step, total: 3 };
            // The stream of the call is over.
            if (params.progressToken !== undefined)
                await server.notification({ method: 'notifications/progress', params });
            await pause();
        }
        const result = { ...say('done'), structuredContent: { sum: 3 } };
        await taskStore.storeTaskResult(taskId, 'completed', result);
    },
    /** Without a notification of any status: the store alone knows. */
    async silent({ taskId }) {
        await pause();
        await store.storeTaskResult(taskId, 'completed', say('quiet'));
    },
    async fails({ taskId }, { taskStore }) {
        await pause();
        await taskStore.storeTaskResult(taskId, 'failed', { ...say('it broke'), isError: true });
    },
    async lost({ taskId }, { taskStore }) {
        await taskStore.updateTaskStatus(taskId, 'failed', 'nothing is left');
    },
    async withdrawn({ taskId }) {
        await InMemoryTaskStore.prototype.updateTaskStatus.call(store, taskId, 'cancelled', 'the server had enough');
    },
    async asks({ taskId }, { sendRequest, taskStore }) {
        await taskStore.updateTaskStatus(taskId, 'input_required', 'who are you?');
        const request = {
            method: 'elicitation/create',
            // A client that runs no tasks takes no notice of being asked for one.
            params: { message: 'who?', requestedSchema: FORM, task: { ttl: 1000 } }
        };
        const answer = await sendRequest(request, ElicitResultSchema, { relatedTask: { taskId } });
        seen.related.push(answer._meta?.['io.modelcontextprotocol/related-task']?.taskId);
        await taskStore.updateTaskStatus(taskId, 'working');
        await taskStore.storeTaskResult(taskId, 'completed', say(`hello ${answer.content?.name}`));
    },
    async forever() {}
};

const SUPPORT = { silent: 'optional' };
const inputSchema = { type: 'object' };
const outputSchema = { type: 'object', properties: { sum: { type: 'number' } }, required: ['sum'] };
const TOOLS = [
    { name: 'seen', inputSchema },
    { name: 'plain', inputSchema, execution: { taskSupport: 'forbidden' } },
    ...Object.keys(WORK).map(name => ({
        name,
        inputSchema,
        ...(name === 'steps' && { outputSchema }),
        execution: { taskSupport: SUPPORT[name] ?? 'required' }
    }))
];

function pause() {
    return new Promise(resolve => setTimeout(resolve, 40));
}

function createServer() {
    const tasks = { list: {}, cancel: {}, requests: { tools: { call: {} } } };
    const server = new Server(
        { name: 'tasks', version: '1' },
        { capabilities: { tools: {}, tasks }, taskStore: store, taskMessageQueue: new InMemoryTaskMessageQueue() }
    );
    // Half of the tools are on another page.
    server.setRequestHandler(ListToolsRequestSchema, ({ params }) =>
        params?.cursor === undefined ? { tools: TOOLS.slice(0, 2), nextCursor: 'rest' } : { tools: TOOLS.slice(2) }
    );
    server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra) => {
        const { name, task } = params;
        seen.asked.push([name, task !== undefined]);
        if (name === 'seen') return say(JSON.stringify({ ...seen, capabilities: server.getClientCapabilities() }));
        const support = TOOLS.find(tool => tool.name === name)?.execution.taskSupport ?? 'forbidden';
        if (!task && support === 'required') throw new McpError(ErrorCode.MethodNotFound, `${name} runs as a task`);
        if (task && support === 'forbidden') throw new McpError(ErrorCode.MethodNotFound, `${name} is no task`);
        if (!task) return say('at once');
        seen.ttl.push(task.ttl);
        const made = await extra.taskStore.createTask({ ttl: task.ttl, pollInterval: params.arguments?.poll ?? 25 });
        WORK[name](made, extra, server).catch(error => console.error(error));
        return { task: made };
    });
    return server;
}

await serve(createServer);
