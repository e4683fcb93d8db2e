// A server on @modelcontextprotocol/sdk for the official conformance suite, up to revision 2025-11-25.
//
//   node test/servers/conformance-v1.mjs stdio|http
import { setTimeout as pause } from 'node:timers/promises';

import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import {
    CallToolRequestSchema,
    CompleteRequestSchema,
    ErrorCode,
    GetPromptRequestSchema,
    ListPromptsRequestSchema,
    ListResourcesRequestSchema,
    ListResourceTemplatesRequestSchema,
    ListToolsRequestSchema,
    McpError,
    ReadResourceRequestSchema,
    SetLevelRequestSchema,
    SubscribeRequestSchema,
    UnsubscribeRequestSchema
} from '@modelcontextprotocol/sdk/types.js';

import { COMPLETION, LISTS, PROMPTS, STEP_MS, TOOLS as COMMON, messages, object, read, text } from './conformance.mjs';
import { serve } from './serve-v1.mjs';

const OPTIONS = ['option1', 'option2', 'option3'];
const titled = kind => ['First', 'Second', 'Third'].map((n, i) => ({ const: `value${i + 1}`, title: `${n} ${kind}` }));
const completed = ({ action, content }) => [
    text(`Elicitation completed: action=${action}, content=${JSON.stringify(content)}`)
];

/** With the tools that ask the client while they run, and the one that has it come back. */
const TOOLS = {
    ...COMMON,
    test_reconnection: {
        async call(_, { closeSSEStream }) {
            closeSSEStream();
            await pause(2 * STEP_MS);
            return [text('The client has come back.')];
        }
    },
    test_sampling: {
        inputSchema: object({ prompt: { type: 'string' } }, ['prompt']),
        async call({ prompt }, { createMessage }) {
            const messages = [{ role: 'user', content: text(prompt) }];
            const { content } = await createMessage({ messages, maxTokens: 100 });
            return [text(`LLM response: ${content.text}`)];
        }
    },
    test_elicitation: {
        inputSchema: object({ message: { type: 'string' } }, ['message']),
        async call({ message }, { elicitInput }) {
            const requestedSchema = object(
                {
                    username: { type: 'string', description: "User's response" },
                    email: { type: 'string', description: "User's email address" }
                },
                ['username', 'email']
            );
            const { action, content } = await elicitInput({ message, requestedSchema });
            return [text(`User response: action: ${action}, content: ${JSON.stringify(content)}`)];
        }
    },
    test_elicitation_sep1034_defaults: {
        async call(_, { elicitInput }) {
            const requestedSchema = object({
                name: { type: 'string', default: 'John Doe' },
                age: { type: 'integer', default: 30 },
                score: { type: 'number', default: 95.5 },
                status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
                verified: { type: 'boolean', default: true }
            });
            return completed(await elicitInput({ message: 'Who are you?', requestedSchema }));
        }
    },
    test_elicitation_sep1330_enums: {
        async call(_, { elicitInput }) {
            const requestedSchema = object({
                untitledSingle: { type: 'string', enum: OPTIONS },
                titledSingle: { type: 'string', oneOf: titled('Option') },
                legacyEnum: {
                    type: 'string',
                    enum: ['opt1', 'opt2', 'opt3'],
                    enumNames: ['Option One', 'Option Two', 'Option Three']
                },
                untitledMulti: { type: 'array', items: { type: 'string', enum: OPTIONS } },
                titledMulti: { type: 'array', items: { anyOf: titled('Choice') } }
            });
            return completed(await elicitInput({ message: 'Which ones?', requestedSchema }));
        }
    }
};

function createServer() {
    const server = new Server(
        { name: 'conformance-v1', version: '1' },
        { capabilities: { tools: {}, resources: { subscribe: true }, prompts: {}, completions: {}, logging: {} } }
    );
    const on = (schema, handler) => server.setRequestHandler(schema, handler);
    on(ListToolsRequestSchema, () => ({ tools: LISTS.tools(TOOLS) }));
    on(CallToolRequestSchema, async ({ params: { name, arguments: args = {} } }, extra) => {
        const tool = TOOLS[name];
        if (!tool) throw new McpError(ErrorCode.InvalidParams, `there is no tool ${name}`);
        try {
            return { content: await tool.call(args, context(server, extra)) };
        } catch (error) {
            return { content: [text(error.message)], isError: true };
        }
    });
    on(ListResourcesRequestSchema, () => ({ resources: LISTS.resources }));
    on(ListResourceTemplatesRequestSchema, () => ({ resourceTemplates: LISTS.resourceTemplates }));
    on(ReadResourceRequestSchema, ({ params: { uri } }) => {
        const found = read(uri);
        if (!found) throw new McpError(-32002, `Resource not found: ${uri}`, { uri });
        return found;
    });
    on(SubscribeRequestSchema, () => ({}));
    on(UnsubscribeRequestSchema, () => ({}));
    on(ListPromptsRequestSchema, () => ({ prompts: LISTS.prompts(PROMPTS) }));
    on(GetPromptRequestSchema, ({ params: { name, arguments: args = {} } }) => {
        if (!(name in PROMPTS)) throw new McpError(ErrorCode.InvalidParams, `there is no prompt ${name}`);
        return messages(PROMPTS[name][1](args));
    });
    on(CompleteRequestSchema, () => COMPLETION);
    on(SetLevelRequestSchema, () => ({}));
    return server;
}

/** What a tool may do while it runs: all of it in the stream of its call. */
function context(server, { requestId, sendNotification, closeSSEStream, _meta: { progressToken } = {} }) {
    const options = { relatedRequestId: requestId };
    return {
        closeSSEStream,
        createMessage: params => server.createMessage(params, options),
        elicitInput: params => server.elicitInput(params, options),
        log: data => sendNotification({ method: 'notifications/message', params: { level: 'info', data } }),
        progress: async step => {
            if (progressToken === undefined) return;
            await sendNotification({ method: 'notifications/progress', params: { progressToken, ...step } });
        }
    };
}

/** Whether a request was meant for this machine: a name of somebody else's may lead here, too. */
function accepts({ headers: { host, origin } }) {
    const local = url => URL.canParse(url) && ['localhost', '127.0.0.1', '[::1]'].includes(new URL(url).hostname);
    return local(`http://${host}`) && (origin === undefined || local(origin));
}

/** Keeps the events of a session's streams, for clients that come back. */
class Events {
    #events = [];

    async storeEvent(stream, message) {
        this.#events.push({ stream, message });
        return String(this.#events.length);
    }

    async replayEventsAfter(id, { send }) {
        const { stream } = this.#events[id - 1];
        for (const [i, event] of this.#events.entries())
            if (i >= id && event.stream === stream) await send(String(i + 1), event.message);
        return stream;
    }
}

await serve(createServer, { accepts, transportOptions: () => ({ eventStore: new Events(), retryInterval: STEP_MS }) });
