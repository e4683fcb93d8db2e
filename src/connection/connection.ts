import type { ClientCapabilities, JSONRPCMessage, StandardSchemaV1 } from '@modelcontextprotocol/client';
import {
    ProtocolError,
    SERVER_INFO_META_KEY,
    SdkError,
    SdkErrorCode,
    SdkHttpError,
    SseError
} from '@modelcontextprotocol/client';
import type { SessionConfig } from 'caisson:mcp/client@0.1.0';
import { log } from 'caisson:mcp/host@0.1.0';
import type { Json, SessionId } from 'caisson:mcp/types@0.1.0';

import type { SessionAuthorizer } from '../authorization/authorizer.js';
import type { Asked } from '../operations/asks.js';
import { ASKED, ask, retractAll } from '../operations/asks.js';
import { Call } from '../operations/calls.js';
import { declared } from '../extensions/extensions.js';
import type { CallFailure } from '../operations/errors.js';
import { describe, failure } from '../operations/errors.js';
import { NEVER, setTimeout, within } from '../platform/timers.js';
import { isObject, parseObject } from '../protocol/json.js';
import { PROBE, both, unsupported } from '../protocol/probe.js';
import { readable } from '../protocol/results.js';
import { HttpTransport } from '../transport/http.js';
import { Observer } from '../transport/observer.js';
import { PipeTransport } from '../transport/pipe.js';
import { SseTransport } from '../transport/sse.js';
import { ObservedClient, complete, optionsFor } from './client.js';
import type { FastPath } from './fast-path.js';

/** The transport of a connection, and its URL. */
export type Endpoint = { kind: 'http' | 'sse'; url: URL } | { kind: 'stdio' };

/**
 * How a connection begins: `auto` with the probe of the newer revisions, `legacy` with the older handshake.
 */
export type NegotiationMode = 'auto' | 'legacy';

/**
 * How long `connect` waits for the stream of the server's own messages: a multiple of the time that the
 * handshake took, within bounds. Some servers send the response's head only with their first message.
 */
const STREAM_MS = { times: 4, least: 250, most: 2000 };

/** How long the client waits for a server to confirm the end of a session. The session ends anyway. */
const TERMINATE_MS = 2000;

/** One connection to a server: the SDK's client, its transport, and the observer between the two. */
export class Connection {
    /** Makes the fast path of an open connection. component.ts sets it in a build that has the fast path. */
    static fastPathOf: (connection: Connection) => FastPath | undefined = () => undefined;

    readonly client: ObservedClient;
    readonly observer: Observer;
    readonly transport: HttpTransport | SseTransport | PipeTransport;
    /** Called once, when the connection ends without a call of `close` or `abandon`. */
    onlost: (cause: CallFailure) => void = () => {};
    /** Why the connection ended by itself. It may end before anybody has set `onlost`. */
    ended: CallFailure | undefined;
    /** Whether the server has said that it no longer knows the session. */
    forgotten = false;
    /** Called when the server says outside a call that it no longer knows the session. */
    onforgotten: (error: Error) => void = () => {};
    /**
     * Whether the server speaks an older revision. Set by `open`; the SDK's client forgets it when it closes.
     */
    legacy = false;
    /** The fast path, once the connection is open; undefined when there is none. */
    fastPath: FastPath | undefined;
    /** The handshake: a part of the operation that connects, which may open a second connection. */
    readonly #handshake: Call;
    /** Whether the server may ask for something. */
    readonly #asks: boolean;
    #open = false;
    #ending = false;

    constructor(
        session: SessionId,
        call: Call,
        readonly endpoint: Endpoint,
        private readonly config: SessionConfig,
        private readonly mode: NegotiationMode,
        authorizer: SessionAuthorizer | undefined
    ) {
        this.#handshake = new Call(call.id, session, call.step, call);
        this.observer = new Observer(session, this.#handshake, endpoint.kind !== 'http', config.retryBudget);
        this.observer.authorizer = authorizer?.of(this.observer);
        this.transport = transportFor(endpoint, this.observer);
        const { name, version, title } = config.clientInfo;
        const capabilities = JSON.parse(config.capabilities) as ClientCapabilities;
        this.client = new ObservedClient(
            { name, version, ...(title !== undefined && { title }) },
            {
                capabilities: declared(capabilities),
                ...(config.protocolVersions.length > 0 && { supportedProtocolVersions: config.protocolVersions }),
                inputRequired: { maxRounds: config.inputRounds },
                versionNegotiation: { mode, probe: { timeoutMs: NEVER } }
            }
        );
        this.client.observedBy(this.observer);
        this.observer.onrefused = answer => this.#refuse(answer);
        const asked = Object.entries(ASKED).filter(([capability]) => capability in capabilities);
        this.#asks = asked.length > 0 || Object.keys(capabilities.extensions ?? {}).length > 0;
        const answer = (method: string, params: object, asked: Asked) => {
            if (!this.client.introduced) throw new ProtocolError(-32600, 'asked before initialize is answered');
            return ask(session, method, params, asked);
        };
        for (const [, method] of asked)
            this.client.setRequestHandler(method, { params: ANY_PARAMS }, (params, { mcpReq }) =>
                answer(method, params, mcpReq)
            );
        // A method that the protocol does not have may be an extension's: the program answers it.
        this.client.fallbackRequestHandler = async ({ method, params = {} }, { mcpReq }) => {
            if (this.client.codec.hasRequestMethod(method)) throw new ProtocolError(-32601, 'Method not found');
            return answer(method, params, mcpReq);
        };
        // The host gets every notification, and only the host knows the progress tokens.
        this.client.removeNotificationHandler('notifications/progress');
        this.client.onerror = error => this.#onError(error);
        this.client.onclose = () => this.#onClose();
    }

    /** Negotiates and shakes hands. Closes the connection when that fails or is cancelled. */
    async open(): Promise<void> {
        const { signal } = this.#handshake;
        const givenUp = Promise.withResolvers<never>();
        const onAbort = () => givenUp.reject(new Error('given up'));
        signal.addEventListener('abort', onAbort);
        try {
            if (signal.aborted) onAbort();
            await Promise.race([this.#connect(), givenUp.promise]);
            // The command may have answered and ended at once.
            if (this.lost) throw this.lost;
            this.#open = true;
            this.fastPath = Connection.fastPathOf(this);
        } catch (error) {
            await this.#end();
            throw this.lost ?? this.#openFailure(error);
        } finally {
            signal.removeEventListener('abort', onAbort);
            this.observer.handshakeOver();
        }
    }

    async #connect(): Promise<void> {
        const begun = Date.now();
        await this.client.connect(this.transport, optionsFor(this.#handshake));
        this.legacy = this.client.getProtocolEra() === 'legacy';
        if (!(this.legacy && this.#asks && this.transport instanceof HttpTransport)) return;
        // A call may overtake the stream for questions, which has a separate TCP connection. The server would
        // then lose the questions of that call. A client that answers no questions need not wait.
        const { times, least, most } = STREAM_MS;
        const bound = Math.min(Math.max(times * (Date.now() - begun), least), most);
        await within(this.transport.listening(), bound);
    }

    /** The method that the server has not answered yet, while the connection is being opened. */
    get waitsFor(): string | undefined {
        if (this.#open || this.#ending) return undefined;
        return this.mode === 'legacy' || this.client.refusal ? 'initialize' : PROBE;
    }

    /** The failure of a connection that could not be opened. */
    #openFailure(thrown: unknown): CallFailure {
        if (thrown instanceof SseError && thrown.code === undefined && this.observer.broken)
            return this.observer.broken;
        const handshake = this.#handshake;
        const { refusal } = this.client;
        if (refusal) return both(refusal, handshake.cause(thrown));
        const negotiated = thrown instanceof SdkError && thrown.code === SdkErrorCode.EraNegotiationFailed;
        return negotiated && thrown.cause === undefined
            ? unsupported(handshake.refusal, this.config.protocolVersions)
            : handshake.cause(thrown);
    }

    /** Why the pipe closed by itself. */
    get lost(): CallFailure | undefined {
        return this.transport instanceof PipeTransport ? this.transport.lost : undefined;
    }

    /**
     * Whether an error says that the server no longer knows the session (basic/transports, "Session
     * Management").
     */
    forgot(error: unknown): boolean {
        const { transport } = this;
        if (error instanceof SdkHttpError && transport instanceof HttpTransport && transport.sessionId !== undefined) {
            const { status, code, data } = error;
            // A server that has never opened a stream of its own means the stream by 404, and not the
            // session.
            const ofStream = code === SdkErrorCode.ClientHttpFailedToOpenStream;
            if (ofStream ? status === 404 && transport.streams : saysForgotten(status, data['text']))
                this.forgotten = true;
        }
        return this.forgotten;
    }

    /** Closes the connection without telling the server, which is gone or no longer knows the session. */
    async abandon(): Promise<void> {
        await this.#end();
    }

    /**
     * A result, changed so that a typed reader accepts it; undefined when the server's own will do. Logs what
     * the
     * change leaves out.
     */
    readable(method: string, text: Json): Record<string, unknown> | undefined {
        const read = readable(this.client.codec, method, text, this.legacy ? () => {} : complete);
        for (const warning of read?.warnings ?? []) log(this.observer.session, 'warn', `${method}: ${warning}`);
        return read?.value;
    }

    /** The value that `connect` settles with, made from the server's own answer to the handshake. */
    describe(): Json {
        const text = this.#handshake.result ?? '{}';
        const answer = this.readable(this.legacy ? 'initialize' : 'server/discover', text) ?? parseObject(text);
        const meta = isObject(answer['_meta']) ? answer['_meta'] : {};
        return JSON.stringify({
            protocolVersion: this.client.getNegotiatedProtocolVersion(),
            serverInfo: answer['serverInfo'] ?? meta[SERVER_INFO_META_KEY],
            capabilities: answer['capabilities'],
            instructions: answer['instructions'],
            transport: this.endpoint.kind,
            sessionId: this.transport instanceof HttpTransport ? this.transport.sessionId : undefined
        });
    }

    /**
     * Tells the server, closes the client and the transport, and waits until they are closed. Never fails.
     */
    async close(): Promise<void> {
        this.#ending = true;
        this.observer.authorizer = undefined; // Taking leave is worth no login, and no token.
        if (this.transport instanceof HttpTransport) await this.#terminate(this.transport);
        await this.#end();
        if (this.transport instanceof PipeTransport) await this.transport.gone();
    }

    async #terminate(transport: HttpTransport): Promise<void> {
        await within(
            transport.terminateSession().catch(() => {}),
            TERMINATE_MS
        );
    }

    async #end(): Promise<void> {
        this.#ending = true;
        // The SDK's client retracts the requests of an older server; a question inside an answer belongs to a
        // call.
        if (!this.legacy) retractAll(this.observer.session, failure('closed', 'the connection is closed'));
        await this.client.close().catch(() => {});
        // The client does not close a transport that has never connected.
        await this.transport.close().catch(() => {});
    }

    /**
     * Answers a request that cannot be taken with an error. In the newest revision clients answer no
     * requests.
     */
    #refuse(answer: JSONRPCMessage): void {
        if (this.client.getProtocolEra() === 'modern') return;
        this.transport.send(answer).catch((error: unknown) => this.#onError(error as Error));
    }

    #onError(error: Error): void {
        if (this.#ending) return;
        // Until the connection is open, the error of `connect` says what matters.
        log(this.observer.session, this.#open ? 'warn' : 'debug', describe(error));
        // Deferred: the request that got this error, if any, fails with it before the connection's end fails
        // the rest.
        if (this.#open && this.forgot(error)) void setTimeout(() => this.onforgotten(error));
        // In the transport of 2024-11-05 the stream is the session: another stream is another session.
        if (error instanceof SseError)
            this.#lose(this.observer.broken ?? failure('transport', 'the event stream ended'));
    }

    #onClose(): void {
        if (this.#ending) return;
        this.#lose(this.lost ?? failure('closed', 'the connection closed'));
    }

    #lose(cause: CallFailure): void {
        this.ended = cause;
        void this.#end();
        this.onlost(cause);
    }
}

/** How servers say, with a 400, that they no longer know a session. */
const FORGOTTEN =
    /\b(no valid|not a valid|invalid|unknown|missing|expired|no such|unrecognized)\b.{0,20}\bsession\b|\bsession\b.{0,60}\b(not found|not valid|invalid|unknown|expired|missing|terminated|closed|no longer|does not exist|doesn't exist|not exist|required)\b/is;

/** The part of a body that is searched: long enough for a sentence, and not a whole page. */
const LONGEST_SENTENCE = 1000;

function saysForgotten(status: number, text: unknown): boolean {
    if (status === 404) return true;
    return status === 400 && typeof text === 'string' && FORGOTTEN.test(text.slice(0, LONGEST_SENTENCE));
}

/** Accepts all params: the host checks them itself. */
const ANY_PARAMS: StandardSchemaV1<object, object> = {
    '~standard': { version: 1, vendor: 'caisson', validate: value => ({ value: value as object }) }
};

function transportFor(endpoint: Endpoint, observer: Observer): Connection['transport'] {
    switch (endpoint.kind) {
        case 'http':
            return new HttpTransport(endpoint.url, observer);
        case 'sse':
            return new SseTransport(endpoint.url, observer);
        case 'stdio':
            return new PipeTransport(observer);
    }
}
