/** A JSON-RPC message, as a test sees it. */
export interface Message {
    jsonrpc: '2.0';
    id?: number | string;
    method?: string;
    params?: Record<string, unknown>;
    result?: unknown;
    error?: { code: number; message: string; data?: unknown };
}

export const MODERN = '2026-07-28';
export const LEGACY = '2025-11-25';

const INFO = { name: 'peer', version: '3.2.1', title: 'A peer' };
const CAPABILITIES = { tools: { listChanged: true }, 'x-unknown': { kept: [1, { deep: true }] } };

/** Answers a request; undefined for no answer. A text is the result's JSON as it is. */
export type Handler = (message: Message) => object | string | undefined;

/** How to answer with an error. */
export class RpcError {
    constructor(
        readonly code: number,
        readonly message: string,
        readonly data?: unknown
    ) {}
}

/** The protocol's server side, scripted: answers the handshake of its era and what a test gives it. */
export class Peer {
    /** What the client sent, in order. */
    readonly received: Message[] = [];

    constructor(
        readonly era: 'legacy' | 'modern',
        private readonly handlers: Record<string, Handler> = {}
    ) {}

    /** The requests of one method that the client sent. */
    requests(method: string): Message[] {
        return this.received.filter(message => message.method === method);
    }

    /** The text of the answer to a message; undefined when it gets none. */
    answer(text: string): string | undefined {
        const message = JSON.parse(text) as Message;
        this.received.push(message);
        if (message.method === undefined || message.id === undefined) return undefined;
        const result = this.#handle(message);
        if (result === undefined) return undefined;
        return result instanceof RpcError ? failure(message, result) : success(message, result);
    }

    #handle(message: Message): object | string | undefined {
        const handler = this.handlers[message.method as string];
        if (handler) {
            const result = handler(message);
            return typeof result === 'object' && !(result instanceof RpcError) && this.era === 'modern'
                ? { resultType: 'complete', ...result }
                : result;
        }
        const opening = this.era === 'modern' ? 'server/discover' : 'initialize';
        if (message.method !== opening) return new RpcError(-32601, 'Method not found');
        return this.era === 'modern'
            ? {
                  resultType: 'complete',
                  supportedVersions: [MODERN],
                  capabilities: CAPABILITIES,
                  instructions: 'Be kind.',
                  ttlMs: 0,
                  cacheScope: 'private',
                  _meta: { 'io.modelcontextprotocol/serverInfo': INFO }
              }
            : {
                  protocolVersion: message.params?.['protocolVersion'],
                  capabilities: CAPABILITIES,
                  serverInfo: INFO,
                  instructions: 'Be kind.'
              };
    }
}

function success(message: Message, result: object | string): string {
    const text = typeof result === 'string' ? result : JSON.stringify(result);
    return `{"jsonrpc":"2.0","id":${JSON.stringify(message.id)},"result":${text}}`;
}

function failure(message: Message, { code, message: text, data }: RpcError): string {
    return JSON.stringify({ jsonrpc: '2.0', id: message.id, error: { code, message: text, data } });
}
