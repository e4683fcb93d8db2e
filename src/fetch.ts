import type { FetchLike, JSONRPCMessage } from '@modelcontextprotocol/client';
import type { HttpRequest } from 'caisson:mcp/egress@0.1.0';
import { httpAbort, httpStart } from 'caisson:mcp/egress@0.1.0';
import type { HttpBody, HttpEnd, HttpHead } from 'caisson:mcp/ingress@0.1.0';
import type { Header } from 'caisson:mcp/types@0.1.0';
import { createParser } from 'eventsource-parser';

import { IoFailure, failure, ioFailure } from './errors.js';
import type { Quick } from './lane.js';
import { HttpResponse } from './response.js';
import { Table } from './table.js';
import type { Tap } from './tap.js';
import { clearTimeout, setTimeout } from './timers.js';

/** A header for `fetch` alone: the id of the JSON-RPC request in the body. It does not go out. */
export const REQUEST_ID = 'caisson-request-id';

const exchanges = new Table<Exchange>();

/** Who sends a request past the SDK. */
interface Watcher {
    /** Messages came after the answer. */
    heard(messages: JSONRPCMessage[]): void;
    /** The exchange is over. */
    ended(): void;
}

/** One HTTP exchange: from `fetch` until its response is whole. */
class Exchange {
    #id = 0;
    #request: HttpRequest | undefined;
    #timer: number | undefined;
    #whole: PromiseWithResolvers<HttpResponse> | undefined;
    #response: HttpResponse | undefined;
    #error: Error | undefined;
    #signal: AbortSignal | null | undefined;
    #listen: ((chunk: Uint8Array) => void) | undefined;
    #heard: () => void = () => {};

    constructor(
        private readonly tap: Tap,
        private readonly url: string,
        private readonly request: string | undefined,
        /** What it is for, when that is on the way past the SDK. */
        private readonly quick?: Quick,
        private readonly watcher?: Watcher
    ) {}

    start(method: string, headers: Header[], body: string | undefined): void {
        this.#request = { method, url: this.url, headers, ...(body !== undefined && { body }) };
        this.#begin();
    }

    /** The response, once its head is there. The signal gives it up. */
    response(signal: AbortSignal | null | undefined): Promise<HttpResponse> {
        this.#signal = signal;
        signal?.addEventListener('abort', this.#onAbort);
        this.#whole = Promise.withResolvers();
        if (this.#response) this.#whole.resolve(this.#response);
        else if (this.#error) this.#whole.reject(this.#error);
        return this.#whole.promise;
    }

    #begin(): void {
        this.#id = exchanges.add(this);
        httpStart(this.#id, this.tap.session, this.#request as HttpRequest);
    }

    head({ status, headers }: HttpHead): void {
        const delay = status === 429 || status === 503 ? retryAfter(headers) : undefined;
        if (delay !== undefined && this.request !== undefined && this.tap.mayWait(this.request, delay))
            return this.#later(delay);
        const response = new HttpResponse(this.url, status, headers, () => this.#abandon());
        this.#response = response;
        this.#tapInto(response);
        this.#resume(response);
        this.#whole?.resolve(response);
        if (status !== 200) this.quick?.take();
    }

    /**
     * The SDK forgets where a stream was that it resumes, unless that stream has an event with an id
     * before it breaks off too; so a resumed stream begins with the id that it was asked for.
     */
    #resume(response: HttpResponse): void {
        const id = this.#request?.headers.find(([name]) => name === 'last-event-id')?.[1];
        if (id === undefined || !response.ok || response.mediaType !== 'text/event-stream') return;
        response.push(new TextEncoder().encode(`id: ${id}\ndata:\n\n`));
    }

    /** The server did not take the request yet, and said when it may. */
    #later(delay: number): void {
        exchanges.delete(this.#id);
        httpAbort(this.#id);
        this.#timer = setTimeout(() => this.#begin(), delay);
    }

    body(chunk: Uint8Array): void {
        this.#listen?.(chunk);
        if (!this.quick?.settled) this.#response?.push(chunk);
    }

    end(error?: Error): void {
        this.#forget();
        if (!this.#response) this.#error = error ?? new TypeError('the response has no head');
        if (error) this.quick?.take();
        if (error) this.#broken(error);
        else this.#heard();
        this.quick?.take();
        if (this.#error) this.#whole?.reject(this.#error);
        this.#response?.end(error);
        this.watcher?.ended();
    }

    /** The tap hears a body before the SDK does. */
    #tapInto(response: HttpResponse): void {
        const type = response.mediaType;
        if (response.ok && type === 'text/event-stream') this.#hearEvents();
        else if (this.request === undefined) return;
        else if (type === 'application/json') this.#hearJson(response);
        else if (response.status === 202)
            this.#heard = () => this.#unanswered('the server accepted the request and answered nothing');
    }

    #hearEvents(): void {
        const decoder = new TextDecoder();
        const parser = createParser({
            onEvent: ({ event, data }) => {
                const over = this.quick?.settled;
                const heard = data && (!event || event === 'message') ? this.tap.received(data, this.request) : [];
                if (over) this.watcher?.heard(heard);
                // An event before the answer, or something else in it: the SDK reads the stream from its start.
                else this.quick?.take();
            },
            onRetry: () => this.quick?.take()
        });
        this.#listen = chunk => parser.feed(decoder.decode(chunk, { stream: true }));
    }

    #hearJson(response: HttpResponse): void {
        this.#heard = () => {
            const text = response.whole();
            if (!response.ok) return this.tap.offered(text);
            response.heard = this.tap.received(text, this.request);
            this.#unanswered("the server's answer is none to the request");
        };
    }

    #unanswered(message: string): void {
        if (this.request === undefined || !this.tap.waits(this.request)) return;
        this.tap.fail(this.request, failure('protocol', message));
    }

    /** What broke off an event stream is told to who waits for it; whether it resumes, the SDK knows. */
    #broken(error: Error): void {
        if (!(error instanceof IoFailure)) return;
        const cause = ioFailure(error.io);
        if (this.request === undefined) {
            this.tap.broken = cause;
            return;
        }
        const call = this.tap.waiting(this.request);
        if (call) call.failure = cause;
        // Asking again for what the host does not let through gets the same.
        if (error.io.kind === 'limit' || error.io.kind === 'refused') this.tap.fail(this.request, cause);
    }

    #onAbort = (): void => {
        clearTimeout(this.#timer);
        this.#abandon();
        const reason: unknown = this.#signal?.reason;
        const error = reason instanceof Error ? reason : new DOMException(String(reason), 'AbortError');
        if (this.#response) this.#response.end(error);
        else this.#whole?.reject(error);
    };

    /** Gives it up, and tells nobody. */
    drop(): void {
        clearTimeout(this.#timer);
        this.#abandon();
    }

    #abandon(): void {
        if (exchanges.get(this.#id) !== this) return;
        this.#forget();
        this.watcher?.ended();
        httpAbort(this.#id);
    }

    #forget(): void {
        exchanges.delete(this.#id);
        this.#signal?.removeEventListener('abort', this.#onAbort);
    }
}

/** The two ways out of one connection: as the SDK wants it, and for what is known to be a request. */
export interface Egress {
    readonly fetch: FetchLike;
    /** Posts a JSON-RPC request with this id. */
    post(request: string, headers: Header[], body: string, signal: AbortSignal): Promise<HttpResponse>;
    /** Posts a request past the SDK. */
    pass(quick: Quick, headers: Header[], body: string, watcher: Watcher): Passed;
}

/** What the SDK may take over: the exchange of a request that has gone past it. */
export type Passed = Pick<Exchange, 'response' | 'drop'>;

/** The ways out of a connection to a URL. */
export function egressFor(tap: Tap, url: URL): Egress {
    return {
        fetch: fetchFor(tap),
        async post(request, headers, body, signal) {
            if (signal.aborted) throw signal.reason;
            const exchange = new Exchange(tap, url.href, request);
            exchange.start('POST', headers, body);
            return exchange.response(signal);
        },
        pass(quick, headers, body, watcher) {
            const exchange = new Exchange(tap, url.href, String(quick.id), quick, watcher);
            exchange.start('POST', headers, body);
            return exchange;
        }
    };
}

/** `fetch` for one connection of a session, on the host's `egress`. */
export function fetchFor(tap: Tap): FetchLike {
    return async (url, init = {}) => {
        const { body, signal } = init;
        if (signal?.aborted) throw signal.reason;
        if (body != null && typeof body !== 'string') throw new TypeError('only text can be a body here');
        const headers = [...(init.headers instanceof Headers ? init.headers : new Headers(init.headers ?? {}))];
        const request = headers.find(([name]) => name === REQUEST_ID)?.[1];
        const exchange = new Exchange(tap, String(url), request);
        exchange.start(
            (init.method ?? 'GET').toUpperCase(),
            request === undefined ? headers : headers.filter(([name]) => name !== REQUEST_ID),
            body ?? undefined
        );
        return exchange.response(signal) as Promise<unknown> as Promise<Response>;
    };
}

/** Milliseconds that a `Retry-After` asks for (RFC 9110, section 10.2.3); undefined when there is none. */
function retryAfter(headers: Header[]): number | undefined {
    const value = headers.find(([name]) => name === 'retry-after')?.[1].trim();
    if (value === undefined || value === '') return undefined;
    const delay = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
    return Number.isNaN(delay) ? undefined : Math.max(0, delay);
}

/** A response has begun. */
export function onHead(head: HttpHead): void {
    exchanges.get(head.exchange)?.head(head);
}

/** A response goes on. */
export function onBody({ exchange, chunk }: HttpBody): void {
    exchanges.get(exchange)?.body(chunk);
}

/** An exchange is over. */
export function onEnd({ exchange, error }: HttpEnd): void {
    exchanges.get(exchange)?.end(error && new IoFailure(error));
}
