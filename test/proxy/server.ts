import type { Message } from '../host/peer.js';
import { LEGACY, MODERN } from '../host/peer.js';

/** Where the number of a call travels, in its request and in its result. */
export const N = 'test/n';

/** The number of what is not a call of ours: the handshake. */
export const HANDSHAKE = 0;

/** The number of a ping, which has no params to carry one. */
export const PING = -1;

/** The call that a request belongs to. */
export function numberOf({ method, params }: Message): number {
    if (method === 'ping') return PING;
    const meta = params?.['_meta'] as Record<string, unknown> | undefined;
    return (meta?.[N] as number | undefined) ?? HANDSHAKE;
}

/** What a tool is told to do, by its arguments. */
export interface Doing {
    /** How often it reports progress. */
    progress: number;
    /** What it asks the client, one after the other. */
    asks: string[];
}

/** Sends the client a message that belongs to a request. The answer is the last. */
export type Way = (message: Message) => void;

const QUESTIONS: Record<string, object> = {
    'sampling/createMessage': { messages: [], maxTokens: 1 },
    'elicitation/create': { message: 'who?', requestedSchema: { type: 'object', properties: {} } },
    'roots/list': {}
};

/** A server that does all as it should. What goes wrong, the proxy does. */
export class Server {
    /** The results that were given to calls, by number. */
    readonly results = new Map<number, unknown>();
    readonly #answers = new Map<string, () => void>();
    readonly #cancelled = new Set<unknown>();
    #asked = 0;

    constructor(
        readonly era: 'legacy' | 'modern',
        private readonly later: (happen: () => void) => void
    ) {}

    receive(message: Message, way: Way): void {
        const { id, method } = message;
        if (method === 'notifications/cancelled') this.#cancelled.add(message.params?.['requestId']);
        if (method === undefined) {
            this.#answers.get(String(id))?.();
            this.#answers.delete(String(id));
        } else if (id !== undefined) this.#answer(message, way);
    }

    #answer(message: Message, way: Way): void {
        const { id, method } = message;
        if (method === 'initialize') this.#cancelled.clear(); // The ids of a new session begin anew.
        const result = (value: object) => {
            const n = numberOf(message);
            const whole = { ...(this.era === 'modern' && { resultType: 'complete' }), ...value, _meta: { [N]: n } };
            this.results.set(n, whole);
            if (!this.#cancelled.has(id)) way({ jsonrpc: '2.0', id: id as number, result: whole });
        };
        if (method === 'tools/call') return this.#call(message, way, result);
        if (method === 'subscriptions/listen' && this.era === 'modern') return this.#listen(message, way);
        const value = this.#value(message);
        if (value) result(value);
        else way({ jsonrpc: '2.0', id: id as number, error: { code: -32601, message: 'Method not found' } });
    }

    #value({ method, params }: Message): object | undefined {
        const kept = this.era === 'modern' && { ttlMs: 0, cacheScope: 'private' };
        const capabilities = { tools: {}, resources: { subscribe: true }, prompts: {}, completions: {}, logging: {} };
        const about = { capabilities, serverInfo: { name: 'server', version: '1' } };
        switch (method) {
            case 'initialize':
                return this.era === 'legacy' ? { protocolVersion: LEGACY, ...about } : undefined;
            case 'server/discover':
                return this.era === 'modern' ? { supportedVersions: [MODERN], ...about, ...kept } : undefined;
            case 'tools/list':
                return { tools: TOOLS, ...kept };
            case 'resources/list':
                return { resources: [{ uri: 'x:1', name: 'one' }], ...kept };
            case 'resources/templates/list':
                return { resourceTemplates: [], ...kept };
            case 'resources/read':
                return { contents: [{ uri: String(params?.['uri']), text: 'text' }], ...kept };
            case 'prompts/list':
                return { prompts: [], nextCursor: 'more', ...kept };
            case 'prompts/get':
                return { messages: [{ role: 'user', content: { type: 'text', text: 'say' } }] };
            case 'completion/complete':
                return { completion: { values: ['a', 'b'] } };
            case 'ping':
            case 'resources/subscribe':
            case 'resources/unsubscribe':
            case 'logging/setLevel':
                return this.era === 'legacy' ? {} : undefined;
            case undefined:
            default:
                return undefined;
        }
    }

    #call({ id, params }: Message, way: Way, result: (value: object) => void): void {
        const { progress, asks } = params?.['arguments'] as Doing;
        const { progressToken } = params?.['_meta'] as { progressToken?: number };
        const reported = (i: number, then: () => void): void => {
            if (i > progress || progressToken === undefined) return then();
            const method = 'notifications/progress';
            way({ jsonrpc: '2.0', method, params: { progressToken, progress: i } });
            this.later(() => reported(i + 1, then));
        };
        const done = () => result({ content: [{ type: 'text', text: 'done' }] });
        const asked = (i: number): void => {
            const method = asks[i];
            if (method === undefined) return done();
            const question = `q${++this.#asked}`;
            this.#answers.set(question, () => this.later(() => asked(i + 1)));
            way({ jsonrpc: '2.0', id: question, method, params: QUESTIONS[method] as Record<string, unknown> });
        };
        if (this.era === 'legacy') return this.later(() => reported(1, () => asked(0)));
        const round = Number(params?.['requestState'] ?? 0);
        const method = asks[round];
        if (method === undefined) return this.later(() => reported(1, done));
        const inputRequests = { it: { method, params: QUESTIONS[method] } };
        const required = { resultType: 'input_required', inputRequests, requestState: String(round + 1) };
        way({ jsonrpc: '2.0', id: id as number, result: required });
    }

    #listen({ id, params }: Message, way: Way): void {
        const _meta = { 'io.modelcontextprotocol/subscriptionId': id };
        const { notifications } = params as { notifications: object };
        const tell = (method: string, params: object) => way({ jsonrpc: '2.0', method, params: { _meta, ...params } });
        tell('notifications/subscriptions/acknowledged', { notifications });
        this.later(() => tell('notifications/tools/list_changed', {}));
    }
}

const TOOLS = [
    { name: 'look', inputSchema: { type: 'object' }, annotations: { readOnlyHint: true } },
    { name: 'put', inputSchema: { type: 'object' }, annotations: { idempotentHint: true } },
    { name: 'pay', inputSchema: { type: 'object' } }
];
