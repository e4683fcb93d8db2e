// What the whole servers answer: something of everything in the protocol, as newWholeServer of
// host-go/caisson has it, so that one test can go over all of them.
const DOC = 'test://doc';
const PAGE = 4;

const nothing = { type: 'object' };
const said = { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] };

const TOOLS = [
    { name: 'echo', inputSchema: said, outputSchema: said },
    { name: 'ask', inputSchema: said },
    { name: 'progress', inputSchema: nothing },
    { name: 'log', inputSchema: said },
    { name: 'grow', inputSchema: nothing },
    { name: 'touch', inputSchema: nothing },
    { name: 'wait', inputSchema: nothing }
];

const QUESTIONS = {
    sampling: {
        method: 'sampling/createMessage',
        params: { messages: [{ role: 'user', content: { type: 'text', text: 'hi' } }], maxTokens: 7 }
    },
    elicitation: {
        method: 'elicitation/create',
        params: {
            mode: 'form',
            message: 'who?',
            requestedSchema: {
                type: 'object',
                properties: { name: { type: 'string' }, age: { type: 'integer', default: 42 } }
            }
        }
    },
    url: {
        method: 'elicitation/create',
        params: { mode: 'url', message: 'go there', url: 'https://example.test/x', elicitationId: 'e1' }
    },
    roots: { method: 'roots/list' }
};

const text = value => ({ content: [{ type: 'text', text: value }] });

/** The tools. `client` is how the SDK of the server reaches the client: see the two of them. */
const CALLS = {
    echo: args => ({ ...text(JSON.stringify(args)), structuredContent: args }),
    ask: (args, client) => client.ask(QUESTIONS[args.text], answer => text(JSON.stringify(answer))),
    progress: async (_args, { progressToken, notify }) => {
        for (let progress = 1; progress <= 3 && progressToken !== undefined; progress++) {
            const params = { progressToken, progress, total: 3, message: `step ${progress}` };
            await notify({ method: 'notifications/progress', params });
        }
        return text('done');
    },
    log: async (args, client) => {
        await client.log({ level: 'info', logger: 'whole', data: args.text });
        return text('done');
    },
    grow: async (_args, client) => {
        TOOLS.push({ name: 'grown', inputSchema: nothing });
        await client.toolsChanged();
        return text('done');
    },
    touch: async (_args, client) => {
        await client.resourceUpdated(DOC);
        return text('done');
    },
    wait: (_args, { signal }) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('cancelled'))))
};

/** A list, page by page: a cursor is where the next one starts. */
function list(name, items) {
    return ({ cursor } = {}) => {
        const from = Number(cursor ?? 0);
        const next = from + PAGE < items.length ? { nextCursor: String(from + PAGE) } : {};
        return { [name]: items.slice(from, from + PAGE), ...next };
    };
}

export const INFO = { name: 'whole', version: '1' };

export const CAPABILITIES = {
    completions: {},
    logging: {},
    prompts: {},
    resources: { subscribe: true },
    tools: { listChanged: true }
};

/** What is answered to each request, by its method, from its parameters and the client. */
export const ANSWERS = {
    'tools/list': list('tools', TOOLS),
    'tools/call': ({ name, arguments: args = {} }, client) => CALLS[name](args, client),
    'resources/list': list('resources', [{ name: 'doc', uri: DOC, mimeType: 'text/plain' }]),
    'resources/templates/list': list('resourceTemplates', [{ name: 'docs', uriTemplate: `${DOC}/{name}` }]),
    'resources/read': ({ uri }) => ({ contents: [{ uri, mimeType: 'text/plain', text: `it is ${uri}` }] }),
    'resources/subscribe': () => ({}),
    'resources/unsubscribe': () => ({}),
    'prompts/list': list('prompts', [{ name: 'greet', arguments: [{ name: 'name', required: true }] }]),
    'prompts/get': ({ arguments: args }) => ({
        messages: [{ role: 'user', content: { type: 'text', text: `hello ${args.name}` } }]
    }),
    'completion/complete': ({ argument }) => {
        const values = ['ada', 'adele', 'bob'].filter(value => value.startsWith(argument.value));
        return { completion: { values, total: values.length, hasMore: false } };
    }
};
