import type { JSONRPCMessage, RequestId } from '@modelcontextprotocol/client';
import { httpAbort } from 'caisson:mcp/egress@0.1.0';
import type { HttpBody, HttpEnd, HttpHead, HttpResponse as WholeResponse } from 'caisson:mcp/ingress@0.1.0';
import type { Header } from 'caisson:mcp/types@0.1.0';

import { CallFailure, IoFailure, failure, toFailure } from '../operations/errors.js';
import { IdTable } from '../platform/id-table.js';
import { clearTimeout, setTimeout } from '../platform/timers.js';
import { retryDelay } from '../protocol/backoff.js';
import { writtenOut } from '../protocol/payload.js';
import type { Attempt } from './authorizer.js';
import type { OtherEvent } from './events.js';
import { formatEvent, readEvents } from './events.js';
import type { Observer } from './observer.js';
import type { ExchangeOptions } from './exchange-options.js';
import { HttpResponse, isSuccess, mayAnswer, mediaType } from './response.js';

const exchanges = new IdTable<Exchange>();

/** One HTTP exchange: from `fetch` to the end of its response. */
export class Exchange {
    /** The exchange's id; 0 when the host has no such exchange. */
    #id = 0;
    #timer: number | undefined;
    #whole: PromiseWithResolvers<HttpResponse> | undefined;
    #head: HttpHead | undefined;
    #response: HttpResponse | undefined;
    #error: Error | undefined;
    #signal: AbortSignal | null | undefined;
    #onAbort: (() => void) | undefined;
    #onChunk: ((chunk: Uint8Array) => void) | undefined;
    /** Whether the request was answered on a stream that is still open. */
    #idle = false;
    #dropped = false;
    readonly #attempt: Attempt = { awaited: false, token: 0, refusals: 0, stepUps: 0 };

    constructor(
        private readonly observer: Observer,
        private readonly url: string,
        private readonly options: ExchangeOptions,
        /** Begins the exchange in the host, by this id. Called again when the server was busy. */
        private readonly launch: (id: number) => void
    ) {}

    begin(): void {
        this.#attempt.token = this.observer.authorizer?.token ?? 0;
        this.#id = exchanges.add(this);
        this.launch(this.#id);
    }

    /** Waits for the head of the response, and returns the response. The signal aborts the exchange. */
    response(signal: AbortSignal | null | undefined): Promise<HttpResponse> {
        this.#signal = signal;
        this.#onAbort = () => this.#giveUp(signal?.reason);
        signal?.addEventListener('abort', this.#onAbort);
        this.#whole = Promise.withResolvers();
        const response = this.#sdkResponse();
        if (response) this.#whole.resolve(response);
        else if (this.#error) this.#whole.reject(this.#error);
        return this.#whole.promise;
    }

    /** Handles the head of the response. */
    head(head: HttpHead): void {
        const { status, headers } = head;
        if (this.#postponed(status, headers) || this.#challenged(status, headers)) return;
        this.#head = head;
        const { request, fast, lastEvent } = this.options;
        if (isSuccess(status) && mediaType(headers) === 'text/event-stream') {
            this.observer.streamed = true;
            this.#onChunk = this.#eventReader();
            // The SDK forgets its place in a resumed stream that breaks off before an event with an id. So a
            // resumed stream begins with the id of the last event before it.
            if (lastEvent !== undefined) this.#sdkResponse()?.push(formatEvent({ id: lastEvent }));
        }
        if (this.#whole) this.#whole.resolve(this.#sdkResponse() as HttpResponse);
        if (status !== 200) fast?.handOver();
        if (request !== undefined && isSuccess(status) && !mayAnswer(headers)) this.#leaveUnread(status);
        // Nothing comes on a stream that answers a notification, and a server may never end it.
        if (this.#onChunk && this.options.oneWay) this.expire();
    }

    /** Ends the exchange without reading the body: its type is of no use, and it may never end. */
    #leaveUnread(status: number): void {
        this.options.fast?.handOver();
        this.#observe(status, undefined, () => '');
        this.expire();
    }

    /** Handles a part of the body. */
    body(chunk: Uint8Array): void {
        if (this.#onChunk) this.#onChunk(chunk);
        else if (!this.options.fast?.settled) this.#sdkResponse()?.push(chunk);
    }

    /** Handles the end of the exchange. */
    end(error?: Error): void {
        this.#free();
        const { fast } = this.options;
        if (!this.#head) this.#error = error ?? new TypeError('the response has no head');
        if (error) {
            fast?.handOver();
            this.#broken(error);
        }
        if (!fast?.settled) {
            const response = this.#sdkResponse();
            if (response && !error && !this.#onChunk)
                response.messages = this.#observe(response.status, response.mediaType, () => response.whole());
            fast?.handOver();
            if (this.#error) this.#whole?.reject(this.#error);
            response?.end(error);
        }
        this.#over();
    }

    /** Handles a response that came whole, with its end. */
    all(whole: WholeResponse): void {
        this.#free();
        const { status, headers, body } = whole;
        if (this.#postponed(status, headers) || this.#challenged(status, headers)) return;
        const { fast, listener } = this.options;
        const messages = this.#observe(status, mediaType(headers), () => body);
        if (!fast?.settled) {
            this.#head = whole;
            const response = this.#sdkResponse() as HttpResponse;
            response.messages = messages;
            fast?.handOver();
            this.#whole?.resolve(response);
            response.endWith(body);
        } else if (messages?.length) listener?.onMessages(messages);
        this.#over();
    }

    /** The response for the SDK, made when it is first needed. */
    #sdkResponse(): HttpResponse | undefined {
        if (!this.#response && this.#head) {
            const { status, headers } = this.#head;
            this.#response = new HttpResponse(this.url, this.#statusForSdk(status, headers), headers, () =>
                this.drop()
            );
        }
        return this.#response;
    }

    /** The status for the SDK. The SDK reads no body after 202, where some servers put the answer. */
    #statusForSdk(status: number, headers: Header[]): number {
        return status === 202 && this.options.request !== undefined && mayAnswer(headers) ? 200 : status;
    }

    /** Whether the server is busy and has said until when: then the exchange begins anew at that time. */
    #postponed(status: number, headers: Header[]): boolean {
        if (status !== 429 && status !== 503) return false;
        const { request } = this.options;
        if (request === undefined) return false;
        const delay = this.observer.mayWait(request, waits => retryDelay(headers, waits));
        if (delay === undefined) return false;
        this.#abort();
        this.#timer = setTimeout(() => this.begin(), delay);
        return true;
    }

    /** Whether the server wants authorization first: then the exchange begins anew when there is one. */
    #challenged(status: number, headers: Header[]): boolean {
        if ((status !== 401 && status !== 403) || this.options.authorizes) return false;
        this.#attempt.awaited = this.options.request !== undefined || this.observer.connecting;
        const authorized = this.observer.authorizer?.challenged(status, headers, this.#attempt);
        if (!authorized) return false;
        this.#abort();
        authorized.then(
            () => {
                if (this.#dropped) return;
                const { request } = this.options;
                // Nobody waits for it any more: the session is closed, say.
                if (request !== undefined && this.observer.waiting(request)?.settled) this.drop();
                else this.begin();
            },
            (error: unknown) => {
                if (!this.#dropped) this.end(toFailure(error));
            }
        );
        return true;
    }

    /** Gives a whole body to the observer, before the SDK gets it. */
    #observe(status: number, type: string | undefined, whole: () => string): JSONRPCMessage[] | undefined {
        const { request } = this.options;
        if (request === undefined) return undefined;
        if (type === 'application/json') {
            if (!isSuccess(status)) {
                this.observer.offered(whole());
                return undefined;
            }
            const messages = this.observer.received(whole(), request);
            this.#unanswered(request, "the server's answer is none to the request");
            return messages;
        }
        if (status === 202) this.#unanswered(request, 'the server accepted the request and answered nothing');
        return undefined;
    }

    /**
     * A reader that gives the messages of an event stream to the observer. The SDK gets the messages that the
     * observer has accepted, and all other events.
     */
    #eventReader(): (chunk: Uint8Array) => void {
        const { request, fast, listener } = this.options;
        const settled = () => fast?.settled === true;
        const onMessage = (data: string, id: string | undefined) => {
            const over = settled();
            const messages = this.observer.received(data, request);
            if (request === undefined) this.observer.onstream();
            else if (!this.observer.waits(request)) this.#leftOpen();
            if (over) return listener?.onMessages(messages);
            if (settled()) return;
            // An event came before the answer, or the answer is not ordinary: the SDK reads the stream.
            for (const message of messages) this.#give(message);
            if (id !== undefined) this.#pass({ id });
            fast?.handOver();
        };
        return readEvents(onMessage, other => {
            if (settled()) return;
            this.#pass(other);
            fast?.handOver();
        });
    }

    /** Gives the SDK a message of a stream, unless it is nested too deeply to be written anew. */
    #give(message: JSONRPCMessage): void {
        const data = writtenOut(message);
        if (data === undefined) this.observer.unwritable(message);
        else this.#pass({ data });
    }

    /** Gives the SDK an event. */
    #pass(event: OtherEvent): void {
        this.#sdkResponse()?.push(formatEvent(event));
    }

    /** The request is answered, but the server has not ended the stream. */
    #leftOpen(): void {
        this.#idle = true;
        this.observer.idleStreams.touch(this);
    }

    /** Ends the stream that the server has left open. */
    expire(): void {
        this.#abort();
        if (!this.options.fast?.settled) this.#sdkResponse()?.end();
        this.#over();
    }

    #unanswered(request: RequestId, message: string): void {
        if (this.observer.waits(request)) this.observer.fail(request, failure('protocol', message));
    }

    /**
     * Keeps why an event stream broke off, for the operation that waits. The SDK decides whether to resume.
     */
    #broken(error: Error): void {
        const io = error instanceof IoFailure ? error.io : undefined;
        if (!io && !(error instanceof CallFailure)) return;
        const cause = toFailure(error);
        const { request } = this.options;
        if (request === undefined) {
            if (!this.options.authorizes) this.observer.broken = cause;
            return;
        }
        const call = this.observer.waiting(request);
        if (call) call.failure = cause;
        // The host would refuse the next attempt too.
        if (io?.kind === 'limit' || io?.kind === 'refused') this.observer.fail(request, cause);
    }

    #giveUp(reason: unknown): void {
        this.drop();
        const error = reason instanceof Error ? reason : new DOMException(String(reason), 'AbortError');
        if (this.#response) this.#response.end(error);
        else this.#whole?.reject(error);
    }

    /** Aborts the exchange, and calls nobody back. */
    drop(): void {
        this.#dropped = true;
        clearTimeout(this.#timer);
        this.#abort();
        this.#over();
    }

    /** Aborts the exchange in the host. */
    #abort(): void {
        if (this.#id !== 0) httpAbort(this.#id);
        this.#free();
    }

    /** Frees the id: the host sends no more events of the exchange. */
    #free(): void {
        if (this.#id !== 0) exchanges.delete(this.#id);
        this.#id = 0;
    }

    #over(): void {
        if (this.#onAbort) this.#signal?.removeEventListener('abort', this.#onAbort);
        if (this.#idle) this.observer.idleStreams.delete(this);
        const { request, listener } = this.options;
        if (request !== undefined) listener?.onEnd(request);
    }
}

/** Delivers the head of a response to its exchange. */
export function onHead(head: HttpHead): void {
    exchanges.get(head.exchange)?.head(head);
}

/** Delivers a part of a response to its exchange. */
export function onBody({ exchange, chunk }: HttpBody): void {
    exchanges.get(exchange)?.body(chunk);
}

/** Delivers the end of an exchange. */
export function onEnd({ exchange, error }: HttpEnd): void {
    exchanges.get(exchange)?.end(error && new IoFailure(error));
}

/** Delivers a whole response to its exchange. */
export function onResponse(response: WholeResponse): void {
    exchanges.get(response.exchange)?.all(response);
}
