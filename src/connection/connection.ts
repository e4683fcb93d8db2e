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

/** What carries the messages. */
export type Endpoint = { kind: 'http' | 'sse'; url: URL } | { kind: 'stdio' };

/** How to begin: with the probe of the newer revisions, or the handshake of the older ones. */
export type NegotiationMode = 'auto' | 'legacy';

/**
 * How long the stream of a server's own messages is waited for at the start: as many times as long as
 * the handshake took, within bounds. Some servers begin to answer with their first message only.
 */
const STREAM_MS = { times: 4, least: 250, most: 2000 };

/** How long a server may take to confirm that a session is over. It is over anyway. */
const TERMINATE_MS = 2000;

/** One connection to a server: the SDK's client, its transport, and the observer between the two. */
export class Connection {
    /** Makes the fast path of a connection that is open. The core is built with it, or without. */
    static fastPathOf: (connection: Connection) => FastPath | undefined = () => undefined;

    readonly client: ObservedClient;
    readonly observer: Observer;
    readonly transport: HttpTransport | SseTransport | PipeTransport;
    /** Called once, when the connection ends and it was not us. */
    onlost: (cause: CallFailure) => void = () => {};
    /** Why it ended, when it was not us: it may end before anybody hears `onlost`. */
    ended: CallFailure | undefined;
    /** Whether the server has said that it knows the session no more. */
    forgotten = false;
    /** Called when the server turns out to know the session no more. */
    onforgotten: (error: Error) => void = () => {};
    /** Whether the server speaks an older revision. ListedTool when open; the client forgets it when it closes. */
    legacy = false;
    /** Once open, where there is one. */
    fastPath: FastPath | undefined;
    /** The handshake, which is a part of the operation that connects: another connection may have another. */
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
        private readonly mode: NegotiationMode
    ) {
        this.#handshake = new Call(call.id, session, call.step, call);
        this.observer = new Observer(session, this.#handshake, endpoint.kind !== 'http', config.retryBudget);
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
        const answer = (method: string, params: object, { signal, _meta }: Asked) => {
            if (!this.client.introduced) throw new ProtocolError(-32600, 'asked before initialize is answered');
            return ask(session, method, params, signal, _meta);
        };
        for (const [, method] of asked)
            this.client.setRequestHandler(method, { params: ANY_PARAMS }, (params, { mcpReq }) =>
                answer(method, params, mcpReq)
            );
        // What the protocol does not have may be an extension's, and the program's to answer.
        this.client.fallbackRequestHandler = async ({ method, params = {} }, { mcpReq }) => {
            if (this.client.codec.hasRequestMethod(method)) throw new ProtocolError(-32601, 'Method not found');
            return answer(method, params, mcpReq);
        };
        // The host is told of every notification, and it alone knows the tokens.
        this.client.removeNotificationHandler('notifications/progress');
        this.client.onerror = error => this.#onError(error);
        this.client.onclose = () => this.#onClose();
    }

    /** Negotiates and shakes hands. Ends with the connection when it fails or is given up. */
    async open(): Promise<void> {
        const { signal } = this.#handshake;
        const givenUp = Promise.withResolvers<never>();
        const onAbort = () => givenUp.reject(new Error('given up'));
        signal.addEventListener('abort', onAbort);
        try {
            if (signal.aborted) onAbort();
            await Promise.race([this.#connect(), givenUp.promise]);
            // It may have answered and ended at once.
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
        // A question that a call leads to is lost when the call overtakes the stream for questions: on a
        // connection of its own, it may. What a server may not ask, nobody waits for.
        const { times, least, most } = STREAM_MS;
        const bound = Math.min(Math.max(times * (Date.now() - begun), least), most);
        await within(this.transport.listening(), bound);
    }

    /** What the connection has not been answered yet, while it is being opened. */
    get waitsFor(): string | undefined {
        if (this.#open || this.#ending) return undefined;
        return this.mode === 'legacy' || this.client.refusal ? 'initialize' : PROBE;
    }

    /** What a connection that could not be opened failed with. */
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

    /** Why the pipe closed, when it was not us. */
    get lost(): CallFailure | undefined {
        return this.transport instanceof PipeTransport ? this.transport.lost : undefined;
    }

    /** Whether an error says that the server knows the session no more (basic/transports, "Session Management"). */
    forgot(error: unknown): boolean {
        const { transport } = this;
        if (error instanceof SdkHttpError && transport instanceof HttpTransport && transport.sessionId !== undefined) {
            const { status, code, data } = error;
            // A server that has never had a stream of its own says 404 of that, and not of the session.
            const ofStream = code === SdkErrorCode.ClientHttpFailedToOpenStream;
            if (ofStream ? status === 404 && transport.streams : saysForgotten(status, data['text']))
                this.forgotten = true;
        }
        return this.forgotten;
    }

    /** Lets go of a session that the server knows no more. */
    async abandon(): Promise<void> {
        await this.#end();
    }

    /** A result as whoever reads it by its type can read it, where that is not the server's own. What is left out of it is told. */
    readable(method: string, text: Json): Record<string, unknown> | undefined {
        const read = readable(this.client.codec, method, text, this.legacy ? () => {} : complete);
        for (const warning of read?.warnings ?? []) log(this.observer.session, 'warn', `${method}: ${warning}`);
        return read?.value;
    }

    /** What `connect` settles with, made of the server's own answer to the handshake. */
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

    /** Tells the server, closes what is open, and waits until it is. Never fails. */
    async close(): Promise<void> {
        this.#ending = true;
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
        // Of an older server's requests the client takes care; a question in an answer is the call's.
        if (!this.legacy) retractAll(this.observer.session, failure('closed', 'the connection is closed'));
        await this.client.close().catch(() => {});
        // The client lets go of a transport that never got as far as connecting.
        await this.transport.close().catch(() => {});
    }

    /** Tells the server that a request cannot be taken. A client of the newest revision answers none. */
    #refuse(answer: JSONRPCMessage): void {
        if (this.client.getProtocolEra() === 'modern') return;
        this.transport.send(answer).catch((error: unknown) => this.#onError(error as Error));
    }

    #onError(error: Error): void {
        if (this.#ending) return;
        // Before that, `connect` tells what matters.
        log(this.observer.session, this.#open ? 'warn' : 'debug', describe(error));
        // Later: the request that was told so, if there is one, learns of it before all that ends then.
        if (this.#open && this.forgot(error)) void setTimeout(() => this.onforgotten(error));
        // The stream of the transport of 2024-11-05 is its session: another stream is another session.
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

/** What servers say, with a 400, of a session that they know no more. */
const FORGOTTEN =
    /\b(no valid|not a valid|invalid|unknown|missing|expired|no such|unrecognized)\b.{0,20}\bsession\b|\bsession\b.{0,60}\b(not found|not valid|invalid|unknown|expired|missing|terminated|closed|no longer|does not exist|doesn't exist|not exist|required)\b/is;

/** Long enough for a sentence, and not for a page. */
const LONGEST_SENTENCE = 1000;

function saysForgotten(status: number, text: unknown): boolean {
    if (status === 404) return true;
    return status === 400 && typeof text === 'string' && FORGOTTEN.test(text.slice(0, LONGEST_SENTENCE));
}

/** What the SDK says of a server's request beside its params. */
interface Asked {
    readonly signal: AbortSignal;
    readonly _meta?: object | undefined;
}

/** The host knows the params of what it is asked best: they go to it as they are. */
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
