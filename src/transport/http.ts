import type { JSONRPCMessage, RequestId, TransportSendOptions } from '@modelcontextprotocol/client';
import { PROTOCOL_VERSION_META_KEY, SdkHttpError, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import type { Header } from 'caisson:mcp/types@0.1.0';

import { failure, toFailure } from '../operations/errors.js';
import { isObject } from '../protocol/json.js';
import { Backoff } from '../protocol/backoff.js';
import { PROBE, mayNotKnow, rpcErrorIn } from '../protocol/probe.js';
import {
    onStream,
    openStream,
    retryDelayOf,
    setBodyHeaders,
    setReconnectionDelay,
    signalOf
} from '../sdk/internals.js';
import type { FastExchange } from './fetch.js';
import { REQUEST_ID, egressFor } from './fetch.js';
import type { Observer } from './observer.js';
import type { HttpResponse } from './response.js';
import { mediaType } from './response.js';

/** The same as TransportSendOptions, but for what exactOptionalPropertyTypes makes of it. */
type SendOptions = Parameters<StreamableHTTPClientTransport['send']>[1];

/** How long to wait before a stream that broke off is begun anew, where the server does not say. */
const FIRST_DELAY_MS = 1000;
/** A stream that stayed this long was one, though nothing came of it. */
const STEADY_MS = 10_000;

/** What the SDK takes for word that a server has no stream of its own. */
const NO_STREAM = {
    ok: false,
    status: 405,
    statusText: '',
    text: async () => '',
    headers: new Headers()
} as unknown as Response;

/** The SDK's Streamable HTTP transport, on the host's egress. No request stays without an end. */
export class HttpTransport extends StreamableHTTPClientTransport {
    /** What requests were answered with that the SDK is to see, by their ids. */
    readonly #answers: Map<string, Promise<HttpResponse>>;
    /** The exchanges of requests on the fast path that have not ended. The SDK may take each over. */
    readonly fastExchanges = new Map<RequestId, FastExchange>();
    /**
     * The stream of the server's own messages has been asked for: settled when its head is there, or none is
     * to come.
     */
    #listening: Promise<void> | undefined;
    readonly #backoff = new Backoff();
    #streams = false;
    /** When the latest stream began. */
    #since = 0;

    constructor(
        readonly url: URL,
        readonly observer: Observer,
        readonly egress = egressFor(observer, url)
    ) {
        const answers = new Map<string, Promise<HttpResponse>>();
        super(url, {
            fetch: async (url, init) => {
                const answer = answered(answers, init);
                if (answer) return answer;
                const response = await egress.fetch(url, init);
                return init?.method === 'GET' ? this.#streamIn(response) : response;
            }
        });
        this.#answers = answers;
        observer.deliver = message => this.onmessage?.(message);
        onStream(this, opened => {
            this.#listening ??= opened.catch(() => {});
        });
        observer.onstream = () => this.#backoff.reset();
        // The SDK begins a stream anew as soon as the server says, and for ever.
        setReconnectionDelay(this, () => this.#nextDelay());
    }

    /** Waits until the stream of the server's own messages is there, or is refused. Never fails. */
    async listening(): Promise<void> {
        // The SDK has asked for it where the server has accepted `initialized` by 202, and not by another
        // success.
        if (!this.#listening) openStream(this).catch(() => {});
        await this.#listening;
    }

    /** Whether the server has opened a stream of its own. */
    get streams(): boolean {
        return this.#streams;
    }

    /** What answers GET: a stream of events, or word that there is none. */
    async #streamIn(response: Response): Promise<Response> {
        if (response.ok && mediaType([...response.headers]) !== 'text/event-stream') {
            await response.body?.cancel();
            return NO_STREAM;
        }
        if (response.ok) {
            this.#streams = true;
            this.#since = Date.now();
        }
        return response;
    }

    /** Milliseconds until a stream is begun anew. One that has lasted was one. */
    #nextDelay(): number {
        if (Date.now() - this.#since >= STEADY_MS) this.#backoff.reset();
        return this.#backoff.next(retryDelayOf(this) ?? FIRST_DELAY_MS);
    }

    override async send(message: JSONRPCMessage | JSONRPCMessage[], options?: TransportSendOptions): Promise<void> {
        const id = Array.isArray(message) ? undefined : this.observer.sent(message);
        if (id === undefined) return super.send(message, options as SendOptions);
        const observed = this.#observed(id, options);
        if (
            isOrdinary(message as JSONRPCMessage, options) &&
            (await this.#exchange(id, message as JSONRPCMessage, observed))
        )
            return;
        const response = this.#answers.get(String(id));
        try {
            await super.send(message, observed as SendOptions);
        } catch (error) {
            if (!('method' in message) || message.method !== PROBE || this.protocolVersion) throw error;
            await this.#refused(id, error, response);
        }
    }

    /**
     * The probe was refused. Where the server may not know it, the SDK is told what leads to the handshake.
     */
    async #refused(id: RequestId, error: unknown, response: Promise<HttpResponse> | undefined): Promise<void> {
        const cause = toFailure(error);
        // The SDK takes other statuses than these two for those of an older server.
        if (!(await mayNotKnow(error, response)))
            throw error instanceof SdkHttpError && [401, 403].includes(error.status) ? error : cause;
        const said = rpcErrorIn(error);
        if (!said) {
            this.observer.fail(id, cause);
            return;
        }
        const answer = { jsonrpc: '2.0' as const, id, error: said };
        // The observer has heard it already where it came as JSON, and with the id.
        const messages = this.observer.waits(id) ? this.observer.received(JSON.stringify(answer), id) : [answer];
        for (const message of messages) this.onmessage?.(message);
    }

    /**
     * Sends a request as the SDK would, and takes its answer when that is one message as JSON, as it
     * usually is. Whatever else comes, the SDK is given when it sends the request: false then.
     */
    async #exchange(id: RequestId, message: JSONRPCMessage, { requestSignal }: TransportSendOptions): Promise<boolean> {
        const closed = signalOf(this);
        if (!closed) return false;
        const signal = AbortSignal.any([closed, ...(requestSignal ? [requestSignal] : [])]);
        let response;
        if (id === this.observer.adopted) {
            const exchange = this.fastExchanges.get(id);
            if (!exchange) return true; // It has ended, and what became of it is told at once.
            response = exchange.response(signal);
        } else {
            response = this.egress.post(String(id), this.headersFor(message), JSON.stringify(message), signal);
        }
        const answer = await answerIn(response);
        if (answer) this.onmessage?.(answer);
        else this.#answers.set(String(id), response);
        return answer !== undefined;
    }

    override async close(): Promise<void> {
        for (const exchange of this.fastExchanges.values()) exchange.drop();
        this.fastExchanges.clear();
        this.observer.idleStreams.close();
        await super.close();
    }

    /** The header that the SDK gives a request, in the order of `Headers`. */
    headersFor(message: JSONRPCMessage): Header[] {
        const headers = new Map([
            ['accept', 'application/json, text/event-stream'],
            ['content-type', 'application/json']
        ]);
        if (this.protocolVersion) headers.set('mcp-protocol-version', this.protocolVersion);
        if (this.sessionId) headers.set('mcp-session-id', this.sessionId);
        if (!claimsVersion(message)) return [...headers];
        setBodyHeaders(this, headers, message);
        return [...headers].sort(([a], [b]) => (a < b ? -1 : 1));
    }

    #observed(id: RequestId, options: TransportSendOptions | undefined): TransportSendOptions {
        return {
            ...options,
            headers: { ...options?.headers, [REQUEST_ID]: String(id) },
            // A cancelled request's stream may otherwise stay open for good: in the older revisions the
            // server is told by a message and need not end it.
            requestSignal: options?.requestSignal ?? this.observer.waiting(id)?.signal,
            onRequestStreamEnd: () => {
                options?.onRequestStreamEnd?.();
                if (!this.observer.waits(id)) return;
                const ended = failure('transport', 'the stream ended before the answer came');
                this.observer.fail(id, this.observer.waiting(id)?.failure ?? ended);
            }
        };
    }
}

/** The answer in a response that holds one as JSON, and nothing else. */
async function answerIn(sent: Promise<HttpResponse>): Promise<JSONRPCMessage | undefined> {
    try {
        const response = await sent;
        if (response.status !== 200 || response.mediaType !== 'application/json') return undefined;
        await response.text();
        const [first, more] = response.messages ?? [];
        return first && !more && !('method' in first) ? first : undefined;
    } catch {
        return undefined; // The SDK is told the same.
    }
}

/** A request without anything that the SDK treats in a way of its own. */
function isOrdinary(message: JSONRPCMessage, options: TransportSendOptions | undefined): boolean {
    return 'method' in message && message.method !== 'initialize' && !options?.headers && !options?.resumptionToken;
}

/** Whether a request is one of the revisions that repeat some of it in the header. */
function claimsVersion(message: JSONRPCMessage): boolean {
    const meta: unknown = 'params' in message ? message.params?.['_meta'] : undefined;
    return isObject(meta) && PROTOCOL_VERSION_META_KEY in meta;
}

/** The answer that a request of the SDK's has already had. */
function answered(
    answers: Map<string, Promise<HttpResponse>>,
    init: RequestInit | undefined
): Promise<Response> | undefined {
    const id = answers.size > 0 && init?.headers instanceof Headers ? init.headers.get(REQUEST_ID) : null;
    const answer = id === null ? undefined : answers.get(id);
    if (id !== null) answers.delete(id);
    return answer as Promise<unknown> as Promise<Response> | undefined;
}
