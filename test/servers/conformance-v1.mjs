// A server on @modelcontextprotocol/sdk with what the official conformance suite's scenarios for servers ask for, up to
// revision 2025-11-25. The SDK's own server for the suite is not published; names and values are the suite's.
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

import { serve } from './serve-v1.mjs';

/** A red pixel, and a sound without samples. */
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC';
const WAV = 'UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=';

const STEP_MS = 50;

const text = value => ({ type: 'text', text: value });
const image = { type: 'image', data: PNG, mimeType: 'image/png' };
const embedded = (uri, mimeType, value) => ({ type: 'resource', resource: { uri, mimeType, text: value } });
const object = (properties = {}, required = []) => ({ type: 'object', properties, required });

const OPTIONS = ['option1', 'option2', 'option3'];
const titled = kind =>
    ['1', '2', '3'].map((n, i) => ({ const: `value${n}`, title: `${['First', 'Second', 'Third'][i]} ${kind}` }));

const completed = (action, content) => `Elicitation completed: action=${action}, content=${content}`;

/** A schema with keywords that a gateway must not lose. */
const CONTACT = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    $defs: {
        address: {
            $anchor: 'addressDef',
            type: 'object',
            properties: { street: { type: 'string' }, city: { type: 'string' } }
        }
    },
    properties: {
        name: { type: 'string' },
        address: { $ref: '#/$defs/address' },
        contactMethod: { type: 'string', enum: ['phone', 'email'] },
        phone: { type: 'string' },
        email: { type: 'string' }
    },
    allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
    if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
    then: { required: ['phone'] },
    else: { required: ['email'] },
    additionalProperties: false
};

/** The tools, and what each answers with. */
const TOOLS = {
    test_simple_text: { call: () => [text('This is a simple text response for testing.')] },
    test_image_content: { call: () => [image] },
    test_audio_content: { call: () => [{ type: 'audio', data: WAV, mimeType: 'audio/wav' }] },
    test_embedded_resource: {
        call: () => [embedded('test://embedded-resource', 'text/plain', 'This is an embedded resource content.')]
    },
    test_multiple_content_types: {
        call: () => [
            text('Multiple content types test:'),
            image,
            embedded('test://mixed-content-resource', 'application/json', '{"test":"data","value":123}')
        ]
    },
    test_tool_with_logging: {
        async call(_, { sendNotification }) {
            const steps = ['Tool execution started', 'Tool processing data', 'Tool execution completed'];
            for (const [i, data] of steps.entries()) {
                if (i > 0) await pause(STEP_MS);
                await sendNotification({ method: 'notifications/message', params: { level: 'info', data } });
            }
            return [text('The tool has logged three times.')];
        }
    },
    test_reconnection: {
        async call(_, { closeSSEStream }) {
            closeSSEStream();
            await pause(2 * STEP_MS);
            return [text('The client has come back.')];
        }
    },
    json_schema_2020_12_tool: { inputSchema: CONTACT, call: () => [text('It is one.')] },
    test_error_handling: {
        call() {
            throw new Error('This tool intentionally returns an error for testing');
        }
    },
    test_tool_with_progress: {
        async call(_, { sendNotification, _meta: { progressToken } = {} }) {
            for (const progress of [0, 50, 100]) {
                if (progress > 0) await pause(STEP_MS);
                const params = { progressToken, progress, total: 100 };
                if (progressToken !== undefined) await sendNotification({ method: 'notifications/progress', params });
            }
            return [text('The tool has done its steps.')];
        }
    },
    test_sampling: {
        inputSchema: object({ prompt: { type: 'string' } }, ['prompt']),
        async call({ prompt }, _, server) {
            const messages = [{ role: 'user', content: text(prompt) }];
            const { content } = await server.createMessage({ messages, maxTokens: 100 });
            return [text(`LLM response: ${content.text}`)];
        }
    },
    test_elicitation: {
        inputSchema: object({ message: { type: 'string' } }, ['message']),
        async call({ message }, _, server) {
            const requestedSchema = object(
                {
                    username: { type: 'string', description: "User's response" },
                    email: { type: 'string', description: "User's email address" }
                },
                ['username', 'email']
            );
            const { action, content } = await server.elicitInput({ message, requestedSchema });
            return [text(`User response: action: ${action}, content: ${JSON.stringify(content)}`)];
        }
    },
    test_elicitation_sep1034_defaults: {
        async call(_, __, server) {
            const requestedSchema = object({
                name: { type: 'string', default: 'John Doe' },
                age: { type: 'integer', default: 30 },
                score: { type: 'number', default: 95.5 },
                status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
                verified: { type: 'boolean', default: true }
            });
            const { action, content } = await server.elicitInput({ message: 'Who are you?', requestedSchema });
            return [text(completed(action, JSON.stringify(content)))];
        }
    },
    test_elicitation_sep1330_enums: {
        async call(_, __, server) {
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
            const { action, content } = await server.elicitInput({ message: 'Which ones?', requestedSchema });
            return [text(completed(action, JSON.stringify(content)))];
        }
    }
};

const RESOURCES = {
    'test://static-text': { mimeType: 'text/plain', text: 'This is the content of the static text resource.' },
    'test://static-binary': { mimeType: 'image/png', blob: PNG },
    'test://watched-resource': { mimeType: 'text/plain', text: 'This resource may be watched.' }
};

const TEMPLATE = /^test:\/\/template\/([^/]+)\/data$/;

function read(uri) {
    const id = TEMPLATE.exec(uri)?.[1];
    const data = id !== undefined && { id, templateTest: true, data: `Data for ID: ${id}` };
    const content = data ? { mimeType: 'application/json', text: JSON.stringify(data) } : RESOURCES[uri];
    if (!content) throw new McpError(-32002, `Resource not found: ${uri}`, { uri });
    return { contents: [{ uri, ...content }] };
}

const ARGUMENTS = [
    { name: 'arg1', description: 'First test argument', required: true },
    { name: 'arg2', description: 'Second test argument', required: true }
];

/** The prompts: their arguments, and the contents of their messages. */
const PROMPTS = {
    test_simple_prompt: [[], () => [text('This is a simple prompt for testing.')]],
    test_prompt_with_arguments: [
        ARGUMENTS,
        ({ arg1, arg2 }) => [text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)]
    ],
    test_prompt_with_embedded_resource: [
        [{ name: 'resourceUri', description: 'What is embedded', required: true }],
        ({ resourceUri }) => [
            embedded(resourceUri, 'text/plain', 'Embedded resource content for testing.'),
            text('Please process the embedded resource above.')
        ]
    ],
    test_prompt_with_image: [[], () => [image, text('Please analyze the image above.')]]
};

function createServer() {
    const server = new Server(
        { name: 'conformance-v1', version: '1' },
        { capabilities: { tools: {}, resources: { subscribe: true }, prompts: {}, completions: {}, logging: {} } }
    );
    const on = (schema, handler) => server.setRequestHandler(schema, handler);
    on(ListToolsRequestSchema, () => ({
        tools: Object.entries(TOOLS).map(([name, { inputSchema = object() }]) => ({
            name,
            description: `What ${name} is for`,
            inputSchema
        }))
    }));
    on(CallToolRequestSchema, async ({ params: { name, arguments: args = {} } }, extra) => {
        const tool = TOOLS[name];
        if (!tool) throw new McpError(ErrorCode.InvalidParams, `there is no tool ${name}`);
        try {
            return { content: await tool.call(args, extra, asking(server, extra)) };
        } catch (error) {
            return { content: [text(error.message)], isError: true };
        }
    });
    on(ListResourcesRequestSchema, () => ({
        resources: Object.entries(RESOURCES).map(([uri, { mimeType }]) => ({
            uri,
            name: uri,
            description: uri,
            mimeType
        }))
    }));
    on(ListResourceTemplatesRequestSchema, () => ({
        resourceTemplates: [
            {
                uriTemplate: 'test://template/{id}/data',
                name: 'template',
                description: 'Data',
                mimeType: 'application/json'
            }
        ]
    }));
    on(ReadResourceRequestSchema, ({ params: { uri } }) => read(uri));
    on(SubscribeRequestSchema, () => ({}));
    on(UnsubscribeRequestSchema, () => ({}));
    on(ListPromptsRequestSchema, () => ({
        prompts: Object.entries(PROMPTS).map(([name, [args]]) => ({
            name,
            description: `What ${name} is for`,
            arguments: args
        }))
    }));
    on(GetPromptRequestSchema, ({ params: { name, arguments: args = {} } }) => {
        if (!(name in PROMPTS)) throw new McpError(ErrorCode.InvalidParams, `there is no prompt ${name}`);
        return { messages: PROMPTS[name][1](args).map(content => ({ role: 'user', content })) };
    });
    on(CompleteRequestSchema, () => ({ completion: { values: ['paris', 'park', 'party'], total: 3, hasMore: false } }));
    on(SetLevelRequestSchema, () => ({}));
    return server;
}

/** Asks in the stream of the call that is served. */
const asking = (server, { requestId }) => ({
    createMessage: params => server.createMessage(params, { relatedRequestId: requestId }),
    elicitInput: params => server.elicitInput(params, { relatedRequestId: requestId })
});

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
