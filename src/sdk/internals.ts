// The private members of the SDK and of zod that the core uses: no other file of the core names one.
// An update of either package may remove one silently. So the build looks for each of them
// (scripts/internals.mjs), and says what the missing one was for.
//
// This file imports only types: the core must watch zod before the SDK makes its schemas.
import type {
    Client,
    JSONRPCMessage,
    JSONRPCResponse,
    ListToolsResult,
    StandardSchemaV1,
    StreamableHTTPClientTransport
} from '@modelcontextprotocol/client';

/** The SDK's codec, which reads the messages of an era. */
export interface Codec {
    readonly era: string;
    hasRequestMethod(method: string): boolean;
    decodeResult: (method: string, value: unknown) => Decoded;
    validateResult: (method: string, value: unknown) => Validated;
}

export interface Decoded {
    readonly kind: string;
    readonly error?: Error;
    readonly result?: unknown;
}

export interface Validated {
    readonly ok: boolean;
    readonly value?: unknown;
    readonly reason?: string;
    readonly message?: string;
}

type Headers = { set: (name: string, value: string) => unknown };

interface ClientMembers {
    _requestMessageId: number;
    _outboundMetaEnvelope(): object | undefined;
    _negotiatedWireCodec(): Codec;
    _resolveOutboundCodec(method: string): Codec;
    _requestWithSchemaViaCodec: (
        codec: Codec,
        request: { readonly method: string },
        schema: StandardSchemaV1,
        options: unknown
    ) => unknown;
    readonly _inputRequiredDriverConfig: unknown;
    readonly transport: unknown;
    _getRequestHandler(method: string): ((request: object, context: object) => Promise<unknown>) | undefined;
    buildContext(context: AskedContext): object;
    _excludeInvalidXMcpHeaderTools(page: ListToolsResult): void;
}

/** The members that the SDK's client of skills uses of a client. */
interface SkillsMembers {
    readonly _enforceStrictCapabilities: boolean;
    _walkPages<T>(method: string, fetchPage: (cursor: string | undefined) => T): T;
    _readResource(params: Members): Promise<{ result: unknown; cached: boolean }>;
}

type Members = Record<string, unknown>;

interface TransportMembers {
    readonly _abortController: AbortController | undefined;
    readonly _serverRetryMs: number | undefined;
    _getNextReconnectionDelay: (attempt: number) => number;
    _applyBodyDerivedHeaders(headers: Headers, message: JSONRPCMessage): void;
    _startOrAuthSse: (options: { resumptionToken: string | undefined }) => Promise<void>;
}

function ofClient(client: Client): ClientMembers {
    return client as unknown as ClientMembers;
}

function ofTransport(transport: StreamableHTTPClientTransport): TransportMembers {
    return transport as unknown as TransportMembers;
}

/** The SDK's context of a question inside an answer: its id is the server's key. */
interface AskedContext {
    readonly mcpReq: { readonly id: string };
}

/** What the SDK asks in rounds, in place of the client. */
type Asker = Pick<ClientMembers, '_inputRequiredDriverConfig' | 'transport' | '_getRequestHandler' | 'buildContext'>;

/** An answer that asks for input. */
interface InputRequired {
    readonly inputRequests?: object;
}

/** A round of questions in an answer: the options of the request, and how the SDK sends it again. */
export interface Round {
    readonly options: unknown;
    retry(...args: unknown[]): Promise<unknown>;
}

/** The SDK's client, with hooks for a class that extends it. */
export function open(Base: typeof Client) {
    return class extends Base {
        /** Called before the connection ends, so that requests on the fast path are handed over first. */
        protected closing(): void {}

        /** Called with each answer. Returns the answer that the SDK gets. */
        protected answered(response: JSONRPCResponse): JSONRPCResponse {
            return response;
        }

        /** Called when an answer asks for input. The SDK sends the next round without `request`. */
        protected round(round: Round): Round {
            return round;
        }

        /**
         * Called before the questions of an answer are asked, with how many there are. Returns what each gets into
         * its context, by its key.
         */
        protected asking(size: number): (key: string) => object {
            return key => ({ key, size });
        }

        protected override _onclose(): void {
            this.closing();
            super._onclose();
        }

        protected override _onresponse(response: JSONRPCResponse): void {
            super._onresponse(this.answered(response));
        }

        protected override _resolveNonCompleteResult(decoded: InputRequired, round: Round): Promise<unknown> {
            const own = ofClient(this);
            const asking = ({ inputRequests = {} }: InputRequired) => this.asking(Object.keys(inputRequests).length);
            let member = asking(decoded);
            const asker: Asker = {
                _inputRequiredDriverConfig: own._inputRequiredDriverConfig,
                transport: own.transport,
                _getRequestHandler: method => own._getRequestHandler(method),
                buildContext: ({ mcpReq, ...context }) =>
                    own.buildContext({ ...context, mcpReq: { ...mcpReq, ...member(mcpReq.id) } })
            };
            const next = this.round(round);
            const again = async (...args: unknown[]) => {
                const answer = await next.retry(...args);
                if (typeof answer === 'object' && answer !== null) member = asking(answer);
                return answer;
            };
            return super._resolveNonCompleteResult.call(
                asker as never,
                decoded as never,
                { ...next, retry: again } as never
            );
        }
    };
}

/** The codec of a connection's era. */
export function codecOf(client: Client): Codec {
    return ofClient(client)._negotiatedWireCodec();
}

/** The codec of a revision: the core changes it, to repair results that the SDK refuses. */
export function codecOfRevision({ prototype }: typeof Client, version: string): Codec {
    return ofClient(prototype)._negotiatedWireCodec.call({ _negotiatedProtocolVersion: version } as never);
}

/** The codec of a request. Before the handshake the method determines the era. */
export function codecOfRequest(client: Client, method: string): Codec {
    return ofClient(client)._resolveOutboundCodec(method);
}

/**
 * Calls `listener` with the SDK's own schema for the result of each request: the core keeps these schemas.
 */
export function onSchema(
    { prototype }: typeof Client,
    listener: (codec: Codec, method: string, schema: StandardSchemaV1) => void
): void {
    const members = ofClient(prototype);
    const send = members._requestWithSchemaViaCodec;
    members._requestWithSchemaViaCodec = function (codec, request, schema, options) {
        if (schema['~standard'].vendor === 'mcp-wire-codec') listener(codec, request.method, schema);
        return send.call(this, codec, request, schema, options);
    };
}

/** The `_meta` that the connection's era has in each message: the fast path writes it itself. */
export function envelopeOf(client: Client): object | undefined {
    return ofClient(client)._outboundMetaEnvelope();
}

/** Takes the id of the next request: the fast path shares the SDK's counter. */
export function takeRequestId(client: Client): number {
    return ofClient(client)._requestMessageId++;
}

/** Lets the SDK send its next request by the id of one that was sent on the fast path. */
export function withRequestId<T>(client: Client, id: number, send: () => T): T {
    const members = ofClient(client);
    const next = members._requestMessageId;
    members._requestMessageId = id;
    try {
        return send();
    } finally {
        members._requestMessageId = next;
    }
}

/** What the SDK's client of skills gets in place of a client: requests that belong to an operation. */
export interface SkillsPeer {
    readonly client: Client;
    /** The cursor of the one page. */
    readonly cursor: string | undefined;
    readonly request: (method: string, params: Members, schema: StandardSchemaV1) => Promise<unknown>;
    readonly read: (params: Members, fresh: boolean) => Promise<{ result: unknown; cached: boolean }>;
}

/**
 * A client for the SDK's client of skills. It reads one page, where that client would read all. When a cached
 * file is wrong, that client reads it anew.
 */
export function clientForSkills({ client, cursor, request, read }: SkillsPeer): Client {
    const members: SkillsMembers = {
        _enforceStrictCapabilities: false,
        _walkPages: (_, fetchPage) => fetchPage(cursor),
        _readResource: params => read(params, false)
    };
    return {
        ...members,
        getServerCapabilities: () => client.getServerCapabilities(),
        getNegotiatedProtocolVersion: () => client.getNegotiatedProtocolVersion(),
        request: ({ method, params }: { method: string; params: Members }, schema: StandardSchemaV1) =>
            request(method, params, schema),
        readResource: async (params: Members) => (await read(params, true)).result
    } as unknown as Client;
}

/** The handler of a server's request: it answers a task's questions too. */
export function handlerOf(client: Client, method: string): ReturnType<ClientMembers['_getRequestHandler']> {
    return ofClient(client)._getRequestHandler(method);
}

/** Removes from a page the tools that the SDK's own `listTools`, which reads all pages, removes. */
export function excludeTools(client: Client, page: ListToolsResult): void {
    ofClient(client)._excludeInvalidXMcpHeaderTools(page);
}

/** The signal that is aborted when a transport closes; undefined before it has started. */
export function signalOf(transport: StreamableHTTPClientTransport): AbortSignal | undefined {
    return ofTransport(transport)._abortController?.signal;
}

/** The delay before a reconnection that the server has asked for, in milliseconds: the core bounds it. */
export function retryDelayOf(transport: StreamableHTTPClientTransport): number | undefined {
    return ofTransport(transport)._serverRetryMs;
}

/** Sets the delay before a stream is begun anew: the SDK's own has no bounds. */
export function setReconnectionDelay(transport: StreamableHTTPClientTransport, delay: () => number): void {
    ofTransport(transport)._getNextReconnectionDelay = delay;
}

/**
 * Sets the header fields that repeat parts of a message, for a message that the core sends without the SDK.
 */
export function setBodyHeaders(
    transport: StreamableHTTPClientTransport,
    headers: Headers,
    message: JSONRPCMessage
): void {
    ofTransport(transport)._applyBodyDerivedHeaders(headers, message);
}

/** Asks for the stream of the server's own messages; settles with the stream's head, or its refusal. */
export function openStream(transport: StreamableHTTPClientTransport): Promise<void> {
    return ofTransport(transport)._startOrAuthSse({ resumptionToken: undefined });
}

/**
 * Calls `listener` when the SDK asks for the stream of the server's own messages: `Connect` waits for that.
 */
export function onStream(transport: StreamableHTTPClientTransport, listener: (opened: Promise<void>) => void): void {
    const members = ofTransport(transport);
    const start = members._startOrAuthSse.bind(transport);
    members._startOrAuthSse = options => {
        const opened = start(options);
        // A request that resumes a call's stream is for another stream.
        if (options.resumptionToken === undefined) listener(opened);
        return opened;
    };
}

/** The parts of a zod schema from which the core writes validators. */
export interface Schema {
    readonly _zod: {
        readonly def: Definition;
        readonly optin?: string | undefined;
        readonly optout?: string | undefined;
        readonly propValues?: Record<string, Set<unknown>> | undefined;
        readonly traits: Set<string>;
        /** The schema that a lazy schema stands for. */
        readonly innerType?: Schema;
        run: (payload: Payload, context: Context) => Payload;
    };
}

export interface Payload {
    value: unknown;
    issues: unknown[];
}

export interface Context {
    readonly async?: boolean;
    readonly direction?: string;
    readonly skipChecks?: boolean;
}

/** A check of a number: a format or a bound. */
export interface NumberCheck {
    readonly check: string;
    readonly format?: string;
    readonly value?: unknown;
    readonly inclusive?: boolean;
}

export interface Definition {
    readonly type: string;
    readonly format?: string;
    readonly coerce?: boolean;
    readonly checks?: { _zod: { def: NumberCheck } }[];
    readonly shape: Record<string, Schema>;
    readonly catchall?: Schema;
    readonly element: Schema;
    readonly innerType: Schema;
    /** The second half of a pipe. */
    readonly out: Schema;
    readonly options: Schema[];
    readonly discriminator?: string;
    readonly inclusive?: boolean;
    readonly unionFallback?: boolean;
    readonly values: unknown[];
    readonly entries: Record<string, unknown>;
    readonly keyType: Schema;
    readonly valueType: Schema;
    readonly mode?: string;
    readonly partial?: boolean;
}

/** The inside of a schema. */
export function zodOf(schema: Schema): Schema['_zod'] {
    return schema._zod;
}

/** The definition of a schema. */
export function definitionOf(schema: Schema): Definition {
    return schema._zod.def;
}

/** The checks of a number besides its type. */
export function numberChecksOf({ checks = [] }: Definition): NumberCheck[] {
    return checks.map(check => check._zod.def);
}

/** The suffix by which the code of a validator calls zod, after the name of a schema. */
export const RUN = '._zod.run';

/** A private member: its place, and its use. */
interface Member {
    /** One of the samples. */
    readonly of: string;
    /** Its name, or the path to it. */
    readonly path: string;
    /** Its type, when it is set from the start. */
    readonly type?: 'function' | 'number' | 'object' | 'string';
    readonly use: string;
}

/** Every member that this file names. */
export const MEMBERS: readonly Member[] = [
    { of: 'client', path: '_onclose', type: 'function', use: 'requests on the fast path end with the connection' },
    { of: 'client', path: '_onresponse', type: 'function', use: 'an answer is completed before the SDK reads it' },
    { of: 'client', path: '_resolveNonCompleteResult', type: 'function', use: 'each round belongs to its operation' },
    { of: 'client', path: '_negotiatedWireCodec', type: 'function', use: 'results are read as the SDK reads them' },
    { of: 'client', path: '_negotiatedProtocolVersion', use: 'both eras mend results' },
    { of: 'client', path: '_resolveOutboundCodec', type: 'function', use: "a result's validator is kept" },
    { of: 'client', path: '_requestWithSchemaViaCodec', type: 'function', use: "a result's validator is kept" },
    { of: 'client', path: '_outboundMetaEnvelope', type: 'function', use: 'the fast path writes `_meta`' },
    { of: 'client', path: '_requestMessageId', type: 'number', use: 'the fast path counts on with the SDK' },
    { of: 'client', path: '_inputRequiredDriverConfig', type: 'object', use: 'the questions of a round know it' },
    { of: 'client', path: 'buildContext', type: 'function', use: 'the questions of a round know it' },
    { of: 'client', path: '_getRequestHandler', type: 'function', use: "a task's questions are answered" },
    { of: 'client', path: '_enforceStrictCapabilities', use: 'skills are asked for over the session' },
    { of: 'client', path: '_walkPages', type: 'function', use: 'skills are listed page by page' },
    { of: 'client', path: '_readResource', type: 'function', use: 'a file of a skill is kept as others are' },
    { of: 'client', path: '_excludeInvalidXMcpHeaderTools', type: 'function', use: 'a page lists what the SDK would' },
    { of: 'transport', path: '_abortController', use: 'requests end with their transport' },
    { of: 'transport', path: '_serverRetryMs', use: 'the pause before a stream has bounds' },
    {
        of: 'transport',
        path: '_getNextReconnectionDelay',
        type: 'function',
        use: 'the pause before a stream has bounds'
    },
    { of: 'transport', path: '_applyBodyDerivedHeaders', type: 'function', use: 'a request has the header of the SDK' },
    { of: 'transport', path: '_startOrAuthSse', type: 'function', use: 'Connect waits for the stream of questions' },
    { of: 'codec', path: 'era', type: 'string', use: 'results are read as the SDK reads them' },
    { of: 'codec', path: 'hasRequestMethod', type: 'function', use: 'the fast path takes what the era has' },
    { of: 'codec', path: 'decodeResult', type: 'function', use: 'a result is mended' },
    { of: 'codec', path: 'validateResult', type: 'function', use: 'a result is mended' },
    { of: 'string', path: '_zod.run', type: 'function', use: 'a validator takes the place of zod' },
    { of: 'string', path: '_zod.traits.has', type: 'function', use: 'a validator is written' },
    { of: 'string', path: '_zod.def.type', type: 'string', use: 'a validator is written' },
    { of: 'optional', path: '_zod.def.innerType', type: 'object', use: 'a validator is written' },
    { of: 'optional', path: '_zod.optin', type: 'string', use: 'a validator is written' },
    { of: 'optional', path: '_zod.optout', type: 'string', use: 'a validator is written' },
    { of: 'lazy', path: '_zod.innerType', type: 'object', use: 'a validator is written' },
    { of: 'object', path: '_zod.def.shape', type: 'object', use: 'a validator is written' },
    { of: 'object', path: '_zod.def.catchall', type: 'object', use: 'a validator is written' },
    { of: 'array', path: '_zod.def.element', type: 'object', use: 'a validator is written' },
    { of: 'union', path: '_zod.def.options', type: 'object', use: 'a validator is written' },
    { of: 'union', path: '_zod.def.discriminator', type: 'string', use: 'a validator is written' },
    { of: 'union', path: '_zod.propValues', type: 'object', use: 'a validator is written' },
    { of: 'literal', path: '_zod.def.values', type: 'object', use: 'a validator is written' },
    { of: 'enum', path: '_zod.def.entries', type: 'object', use: 'a validator is written' },
    { of: 'record', path: '_zod.def.keyType', type: 'object', use: 'a validator is written' },
    { of: 'record', path: '_zod.def.valueType', type: 'object', use: 'a validator is written' },
    { of: 'pipe', path: '_zod.def.out', type: 'object', use: 'a validator is written' },
    { of: 'integer', path: '_zod.def.format', type: 'string', use: 'a validator is written' },
    { of: 'bounded', path: '_zod.def.checks.0._zod.def.check', type: 'string', use: 'a validator is written' },
    { of: 'bounded', path: '_zod.def.checks.0._zod.def.value', type: 'number', use: 'a validator is written' },
    { of: 'coerced', path: '_zod.def.coerce', use: 'a validator is written' }
];

/** The members that are missing, or of another type, in the samples: one object of each kind. */
export function missing(samples: Record<string, unknown>): string[] {
    return MEMBERS.filter(({ of, path, type }) => {
        const names = path.split('.');
        const last = names.pop() ?? '';
        const owner = names.reduce<unknown>(
            (at, name) => (at as Record<string, unknown> | undefined)?.[name],
            samples[of]
        );
        if (typeof owner !== 'object' || owner === null || !(last in owner)) return true;
        return type !== undefined && typeof (owner as Record<string, unknown>)[last] !== type;
    }).map(({ of, path, use }) => `${of}: ${path} (so that ${use})`);
}
