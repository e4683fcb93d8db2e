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

/** TransportSendOptions as the SDK declares it: exactOptionalPropertyTypes makes the two differ. */
type SendOptions = Parameters<StreamableHTTPClientTransport['send']>[1];

/** The delay before a broken stream is begun anew, when the server asks for none. */
const FIRST_DELAY_MS = 1000;
/** A stream that lasted this long has worked, even without a message on it. */
const STEADY_MS = 10_000;

/** The response that tells the SDK that a server has no stream of its own. */
const NO_STREAM = {
    ok: false,
    status: 405,
    statusText: '',
    text: async () => '',
    headers: new Headers()
} as unknown as Response;

/** The SDK's Streamable HTTP transport, on the host's egress. Every request ends. */
export class HttpTransport extends StreamableHTTPClientTransport {
    /** The responses that the SDK must read, by the ids of their requests. */
    readonly #answers: Map<string, Promise<HttpResponse>>;
    /** The exchanges of requests on the fast path that have not ended. The SDK may take each over. */
    readonly fastExchanges = new Map<RequestId, FastExchange>();
    /**
     * The request for the stream of the server's own messages. Settles with the stream's head, or its
     * refusal.
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
        // The SDK's own delay has no bounds: the server sets it.
        setReconnectionDelay(this, () => this.#nextDelay());
    }

    /** Waits until the stream of the server's own messages is open or refused. Never fails. */
    async listening(): Promise<void> {
        // The SDK asks for the stream only when the server has accepted `initialized` with 202.
        if (!this.#listening) openStream(this).catch(() => {});
        await this.#listening;
    }

    /** Whether the server has opened a stream of its own. */
    get streams(): boolean {
        return this.#streams;
    }

    /** The response to GET: an event stream, or the refusal that the SDK understands. */
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

    /** Milliseconds until a stream is begun anew. A stream that has lasted resets the backoff. */
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
     * Handles a refused probe. When the server may not know the probe, the SDK goes on with the handshake.
     */
    async #refused(id: RequestId, error: unknown, response: Promise<HttpResponse> | undefined): Promise<void> {
        const cause = toFailure(error);
        // The SDK passes these two statuses on, and takes all others for an older server's.
        if (!(await mayNotKnow(error, response)))
            throw error instanceof SdkHttpError && [401, 403].includes(error.status) ? error : cause;
        const said = rpcErrorIn(error);
        if (!said) {
            this.observer.fail(id, cause);
            return;
        }
        const answer = { jsonrpc: '2.0' as const, id, error: said };
        // When the error came as JSON and with the id, the observer has handled it already.
        const messages = this.observer.waits(id) ? this.observer.received(JSON.stringify(answer), id) : [answer];
        for (const message of messages) this.onmessage?.(message);
    }

    /**
     * Sends a request as the SDK would, and handles the usual answer: one message as JSON. Returns false for
     * any other answer: the SDK gets that response when it sends the request.
     */
    async #exchange(id: RequestId, message: JSONRPCMessage, { requestSignal }: TransportSendOptions): Promise<boolean> {
        const closed = signalOf(this);
        if (!closed) return false;
        const signal = AbortSignal.any([closed, ...(requestSignal ? [requestSignal] : [])]);
        let response;
        if (id === this.observer.adopted) {
            const exchange = this.fastExchanges.get(id);
            if (!exchange) return true; // The exchange has ended, and the observer has its outcome.
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

    /** The header fields that the SDK would send, in the order of `Headers`. */
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
            // Ends the stream of a cancelled request. In the older revisions a message cancels the request,
            // and
            // the server need not end the stream.
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

/** The answer in a response whose JSON is one answer and nothing else; undefined for other responses. */
async function answerIn(sent: Promise<HttpResponse>): Promise<JSONRPCMessage | undefined> {
    try {
        const response = await sent;
        if (response.status !== 200 || response.mediaType !== 'application/json') return undefined;
        await response.text();
        const [first, more] = response.messages ?? [];
        return first && !more && !('method' in first) ? first : undefined;
    } catch {
        return undefined; // The SDK gets the same error from the response.
    }
}

/** Whether the SDK would do nothing special with a request. */
function isOrdinary(message: JSONRPCMessage, options: TransportSendOptions | undefined): boolean {
    return 'method' in message && message.method !== 'initialize' && !options?.headers && !options?.resumptionToken;
}

/** Whether a request is of a revision that repeats parts of the body in the header. */
function claimsVersion(message: JSONRPCMessage): boolean {
    const meta: unknown = 'params' in message ? message.params?.['_meta'] : undefined;
    return isObject(meta) && PROTOCOL_VERSION_META_KEY in meta;
}

/** The response to a request of the SDK's that was sent already. */
function answered(
    answers: Map<string, Promise<HttpResponse>>,
    init: RequestInit | undefined
): Promise<Response> | undefined {
    const id = answers.size > 0 && init?.headers instanceof Headers ? init.headers.get(REQUEST_ID) : null;
    const answer = id === null ? undefined : answers.get(id);
    if (id !== null) answers.delete(id);
    return answer as Promise<unknown> as Promise<Response> | undefined;
}
