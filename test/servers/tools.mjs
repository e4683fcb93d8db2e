// The tools that the servers here have. A call gets `signal`, aborted when the client cancels it,
// and `progress`, which tells the client how far it is when the client asked for that.
const any = { type: 'object' };

export const INFO = { name: 'caisson-test-server', version: '1.0.0' };

export const TOOLS = [
    {
        name: 'echo',
        description: 'Answers the message',
        inputSchema: { type: 'object', properties: { message: { type: 'string' } }, required: ['message'] }
    },
    {
        name: 'add',
        description: 'Adds two numbers',
        inputSchema: {
            type: 'object',
            properties: { a: { type: 'number' }, b: { type: 'number' } },
            required: ['a', 'b']
        }
    },
    { name: 'slow', description: 'Waits until it is cancelled, and says so on stderr', inputSchema: any },
    {
        name: 'progress',
        description: 'Takes some steps, and tells of each',
        inputSchema: { type: 'object', properties: { steps: { type: 'integer' } } }
    },
    {
        name: 'values',
        description: 'Answers the value as structured content',
        inputSchema: { type: 'object', properties: { value: {} }, required: ['value'] }
    },
    { name: 'fail', description: 'Fails, as a tool does', inputSchema: any }
];

const text = value => ({ content: [{ type: 'text', text: value }] });

const CALLS = {
    echo: ({ message }) => text(message),
    add: ({ a, b }) => text(String(a + b)),
    slow: (_args, { signal }) =>
        new Promise((_resolve, reject) => {
            console.error('slow: waiting');
            signal.addEventListener('abort', () => {
                console.error(`slow: cancelled: ${signal.reason}`);
                reject(new Error('cancelled'));
            });
        }),
    progress: async ({ steps = 3 }, { progress }) => {
        for (let step = 1; step <= steps; step++) await progress({ progress: step, total: steps });
        return text(`${steps} steps`);
    },
    values: ({ value }) => ({ ...text(JSON.stringify(value)), structuredContent: value }),
    fail: () => ({ ...text('this tool fails'), isError: true })
};

/** Calls a tool. Throws when there is none of that name. */
export async function callTool({ name, arguments: args = {} }, context) {
    if (!Object.hasOwn(CALLS, name)) throw new Error(`there is no tool ${name}`);
    return CALLS[name](args, context);
}
