// The Tasks extension of revision 2026-07-28 (SEP-2663) for the official conformance suite: what its scenarios ask for,
// on @modelcontextprotocol/server, which leaves the extension to its users.
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';

import {
    MissingRequiredClientCapabilityError,
    ProtocolError,
    acceptedContent,
    inputRequired
} from '@modelcontextprotocol/server';

import { object, text } from './conformance.mjs';

export const EXTENSION = 'io.modelcontextprotocol/tasks';

const HEADER_MISMATCH = -32020;
const INVALID_PARAMS = -32602;
const TTL_MS = 300_000;
const POLL_MS = 50;

/** Asks for one value. */
export const asksFor = (message, name, type = 'string') =>
    inputRequired.elicit({ message, requestedSchema: object({ [name]: { type } }, [name]) });
const say = value => ({ content: [text(value)] });
export const USER_NAME = { user_name: asksFor('What is your name?', 'name') };

/** The tools that run as tasks: what each does, and whether it can do so in no other way. */
export const TASK_TOOLS = {
    slow_compute: {
        inputSchema: object({ seconds: { type: 'number' } }),
        async run({ seconds = 0 }, { signal }) {
            await pause(seconds * 1000, undefined, { signal });
            return say(`It took ${seconds} s.`);
        }
    },
    failing_job: {
        required: true,
        async run(_, { signal }) {
            await pause(1000, undefined, { signal });
            return { ...say('The job has failed.'), isError: true };
        }
    },
    protocol_error_job: {
        async run() {
            throw new Error('the job is broken');
        }
    },
    confirm_delete: {
        inputSchema: object({ filename: { type: 'string' } }),
        async run({ filename = 'it' }, { ask }) {
            const { confirm } = await ask({ confirm: asksFor(`Delete ${filename}?`, 'confirm', 'boolean') });
            return say(confirm.action === 'accept' ? `${filename} is deleted.` : `${filename} stays.`);
        }
    },
    multi_input: {
        async run(_, { ask }) {
            const answers = await ask({
                name: asksFor('What is your name?', 'name'),
                age: asksFor('How old are you?', 'age', 'integer')
            });
            return say(JSON.stringify(answers));
        }
    },
    test_tool_with_task: {
        required: true,
        asks: USER_NAME,
        run: async (_, { inputResponses }) => say(`Hello, ${acceptedContent(inputResponses, 'user_name')?.name}!`)
    }
};

const tasks = new Map();

/** A task, from its creation to its end. */
class Task {
    id = randomUUID();
    #createdAt = new Date();
    #updatedAt = this.#createdAt;
    #status = 'working';
    #outcome = {};
    #cancelled = new AbortController();
    #asked = {};
    #answers = {};
    #answered = () => {};

    constructor(run) {
        tasks.set(this.id, this);
        run({ signal: this.#cancelled.signal, ask: requests => this.#ask(requests) }).then(
            result => this.#end('completed', { result }),
            ({ message }) => this.#end('failed', { error: { code: -32603, message } })
        );
    }

    get #over() {
        return ['completed', 'failed', 'cancelled'].includes(this.#status);
    }

    #become(status) {
        this.#status = status;
        this.#updatedAt = new Date();
    }

    #end(status, outcome) {
        if (this.#over) return;
        this.#outcome = outcome;
        this.#become(status);
    }

    #ask(requests) {
        Object.assign(this.#asked, requests);
        this.#become('input_required');
        return new Promise(resolve => (this.#answered = resolve));
    }

    answer(responses = {}) {
        for (const [key, answer] of Object.entries(responses)) {
            if (!(key in this.#asked)) continue;
            delete this.#asked[key];
            this.#answers[key] = answer;
        }
        if (this.#status !== 'input_required' || Object.keys(this.#asked).length > 0) return;
        this.#become('working');
        this.#answered(this.#answers);
    }

    cancel() {
        this.#end('cancelled', {});
        this.#cancelled.abort();
    }

    /** What a call that has created the task is answered with. */
    created() {
        return {
            taskId: this.id,
            status: 'working',
            createdAt: this.#createdAt.toISOString(),
            lastUpdatedAt: this.#updatedAt.toISOString(),
            ttlMs: TTL_MS,
            pollIntervalMs: POLL_MS
        };
    }

    /** What the task is now. */
    detailed() {
        const inputRequests = this.#status === 'input_required' ? { inputRequests: { ...this.#asked } } : {};
        return { ...this.created(), status: this.#status, ...inputRequests, ...this.#outcome };
    }
}

const missing = () =>
    new MissingRequiredClientCapabilityError({ requiredCapabilities: { extensions: { [EXTENSION]: {} } } });

/** Calls a tool that runs as a task, or at once for a client that has no tasks. */
export async function callTask(name, args, { inputResponses, capabilities }) {
    const tool = TASK_TOOLS[name];
    const declared = capabilities.extensions?.[EXTENSION] !== undefined;
    if (tool.required && !declared) throw missing();
    if (tool.asks && !acceptedContent(inputResponses, Object.keys(tool.asks)[0]))
        return inputRequired({ inputRequests: tool.asks });
    const run = extra => tool.run(args, { inputResponses, ...extra });
    if (declared) return { resultType: 'task', ...new Task(run).created() };
    return run({ ask: () => Promise.reject(new Error('only a task can ask')) });
}

/** The params as they come. */
const params = { '~standard': { version: 1, vendor: 'test', validate: value => ({ value }) } };

/** Has a server answer the extension's requests. */
export function serveTasks(server, capabilitiesOf) {
    const on = (method, answer) =>
        server.setRequestHandler(method, { params }, ({ taskId }, { mcpReq, http }) => {
            if (capabilitiesOf(mcpReq).extensions?.[EXTENSION] === undefined) throw missing();
            const name = http?.req?.headers.get('mcp-name');
            if (name !== taskId) throw new ProtocolError(HEADER_MISMATCH, `Mcp-Name is ${name}, and taskId ${taskId}`);
            const task = tasks.get(taskId);
            if (!task) throw new ProtocolError(INVALID_PARAMS, `there is no task ${taskId}`);
            return answer(task, mcpReq) ?? {};
        });
    on('tasks/get', task => task.detailed());
    on('tasks/update', (task, { inputResponses }) => task.answer(inputResponses));
    on('tasks/cancel', task => task.cancel());
}
