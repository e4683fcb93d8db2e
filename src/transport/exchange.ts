import type { JSONRPCMessage, RequestId } from '@modelcontextprotocol/client';
import { httpAbort } from 'caisson:mcp/egress@0.1.0';
import type { HttpBody, HttpEnd, HttpHead, HttpResponse as WholeResponse } from 'caisson:mcp/ingress@0.1.0';
import type { Header } from 'caisson:mcp/types@0.1.0';

import { IoFailure, failure, ioFailure } from '../operations/errors.js';
import { IdTable } from '../platform/id-table.js';
import { clearTimeout, setTimeout } from '../platform/timers.js';
import { retryDelay } from '../protocol/backoff.js';
import { writtenOut } from '../protocol/payload.js';
import type { OtherEvent } from './events.js';
import { formatEvent, readEvents } from './events.js';
import type { Observer } from './observer.js';
import type { ExchangeOptions } from './exchange-options.js';
import { HttpResponse, isSuccess, mayAnswer, mediaType } from './response.js';

const exchanges = new IdTable<Exchange>();

/** One HTTP exchange: from `fetch` until its response is whole. */
export class Exchange {
    /** 0 when the host has no such exchange. */
    #id = 0;
    #timer: number | undefined;
    #whole: PromiseWithResolvers<HttpResponse> | undefined;
    #head: HttpHead | undefined;
    #response: HttpResponse | undefined;
    #error: Error | undefined;
    #signal: AbortSignal | null | undefined;
    #onAbort: (() => void) | undefined;
    #onChunk: ((chunk: Uint8Array) => void) | undefined;
    /** Whether its request was answered on a stream, which has not ended since. */
    #idle = false;

    constructor(
        private readonly observer: Observer,
        private readonly url: string,
        private readonly options: ExchangeOptions,
        /** Has the host begin it, by this id; again, when the server could not take it the first time. */
        private readonly launch: (id: number) => void
    ) {}

    begin(): void {
        this.#id = exchanges.add(this);
        this.launch(this.#id);
    }

    /** The response, once its head is there. The signal gives it up. */
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

    /** The response has begun. */
    head(head: HttpHead): void {
        const { status, headers } = head;
        if (this.#postponed(status, headers)) return;
        this.#head = head;
        const { request, fast, lastEvent } = this.options;
        if (isSuccess(status) && mediaType(headers) === 'text/event-stream') {
            this.observer.streamed = true;
            this.#onChunk = this.#eventReader();
            // The SDK forgets where a stream was that it resumes, unless that stream has an event with an
            // id before it breaks off too; so a resumed stream begins with the id that it was asked for.
            if (lastEvent !== undefined) this.#sdkResponse()?.push(formatEvent({ id: lastEvent }));
        }
        if (this.#whole) this.#whole.resolve(this.#sdkResponse() as HttpResponse);
        if (status !== 200) fast?.handOver();
        if (request !== undefined && isSuccess(status) && !mayAnswer(headers)) this.#leaveUnread(status);
        // Nothing comes on such a stream, and a server may never end it.
        if (this.#onChunk && this.options.oneWay) this.expire();
    }

    /** Nothing in the body of what answers a request can be used, and it may have no end. */
    #leaveUnread(status: number): void {
        this.options.fast?.handOver();
        this.#observe(status, undefined, () => '');
        this.expire();
    }

    /** The response goes on. */
    body(chunk: Uint8Array): void {
        if (this.#onChunk) this.#onChunk(chunk);
        else if (!this.options.fast?.settled) this.#sdkResponse()?.push(chunk);
    }

    /** It is over. */
    end(error?: Error): void {
        this.#gone();
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

    /** It is over, and the response came whole. */
    all(whole: WholeResponse): void {
        this.#gone();
        const { status, headers, body } = whole;
        if (this.#postponed(status, headers)) return;
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

    /** The response, for the SDK: what it never asks for is not made. */
    #sdkResponse(): HttpResponse | undefined {
        if (!this.#response && this.#head) {
            const { status, headers } = this.#head;
            this.#response = new HttpResponse(this.url, this.#statusForSdk(status, headers), headers, () =>
                this.drop()
            );
        }
        return this.#response;
    }

    /** The status for the SDK, which reads no body after 202: some servers put the answer there. */
    #statusForSdk(status: number, headers: Header[]): number {
        return status === 202 && this.options.request !== undefined && mayAnswer(headers) ? 200 : status;
    }

    /** Whether the server did not take the request yet, and said when it may: then it begins anew. */
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

    /** The observer hears a body before the SDK does: what is no stream, when it is whole. */
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
     * What hears a stream of events before the SDK does. The SDK is given what the observer has taken, and
     * all that is no message.
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
            // An event before the answer, or something else in it: the SDK reads the stream.
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

    /**
     * Gives the SDK a message of a stream. One that is nested too deeply to be written anew is lost on it.
     */
    #give(message: JSONRPCMessage): void {
        const data = writtenOut(message);
        if (data === undefined) this.observer.unwritable(message);
        else this.#pass({ data });
    }

    /** Gives the SDK an event. */
    #pass(event: OtherEvent): void {
        this.#sdkResponse()?.push(formatEvent(event));
    }

    /** Its request is answered, and the server may end the stream now. */
    #leftOpen(): void {
        this.#idle = true;
        this.observer.idleStreams.touch(this);
    }

    /** The server has not ended the stream. */
    expire(): void {
        this.#abort();
        if (!this.options.fast?.settled) this.#sdkResponse()?.end();
        this.#over();
    }

    #unanswered(request: RequestId, message: string): void {
        if (this.observer.waits(request)) this.observer.fail(request, failure('protocol', message));
    }

    /** What broke off an event stream is told to who waits for it; whether it resumes, the SDK knows. */
    #broken(error: Error): void {
        if (!(error instanceof IoFailure)) return;
        const cause = ioFailure(error.io);
        const { request } = this.options;
        if (request === undefined) {
            this.observer.broken = cause;
            return;
        }
        const call = this.observer.waiting(request);
        if (call) call.failure = cause;
        // Asking again for what the host does not let through gets the same.
        if (error.io.kind === 'limit' || error.io.kind === 'refused') this.observer.fail(request, cause);
    }

    #giveUp(reason: unknown): void {
        this.drop();
        const error = reason instanceof Error ? reason : new DOMException(String(reason), 'AbortError');
        if (this.#response) this.#response.end(error);
        else this.#whole?.reject(error);
    }

    /** Gives it up, and tells nobody. */
    drop(): void {
        clearTimeout(this.#timer);
        this.#abort();
        this.#over();
    }

    /** The host is to say no more of it. */
    #abort(): void {
        if (this.#id !== 0) httpAbort(this.#id);
        this.#gone();
    }

    /** The host says no more of it. */
    #gone(): void {
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

/** An exchange is over, and its response came whole. */
export function onResponse(response: WholeResponse): void {
    exchanges.get(response.exchange)?.all(response);
}
