import type { FetchLike } from '@modelcontextprotocol/client';
import type { HttpRequest } from 'caisson:mcp/egress@0.1.0';
import { httpStart } from 'caisson:mcp/egress@0.1.0';
import type { Header } from 'caisson:mcp/types@0.1.0';

import { Exchange } from './exchange.js';
import type { FastRequest } from './fast-request.js';
import type { Observer } from './observer.js';
import type { ExchangeOptions, ExchangeListener } from './exchange-options.js';
import type { HttpResponse } from './response.js';

/** A header field for our `fetch`: the id of the JSON-RPC request in the body. `fetch` does not send it. */
export const REQUEST_ID = 'caisson-request-id';

/** How one connection sends over HTTP: as the SDK does, by `fetch`, and directly for a JSON-RPC request. */
export interface Egress {
    readonly fetch: FetchLike;
    /** Posts a JSON-RPC request with this id. */
    post(request: string, headers: Header[], body: string, signal: AbortSignal): Promise<HttpResponse>;
    /** Posts a request on the fast path. */
    postFast(request: FastRequest, prepared: Prepared, body: string, listener: ExchangeListener): FastExchange;
}

/** A request that is ready except for its body. */
export interface Prepared {
    /** Begins an exchange by this id. */
    post(exchange: number, body: string): void;
}

/** The exchange of a request on the fast path, as the SDK can take it over. */
export type FastExchange = Pick<Exchange, 'response' | 'drop'>;

/** The `Egress` of a connection to a URL. */
export function egressFor(observer: Observer, url: URL): Egress {
    const { href } = url;
    return {
        fetch: fetchFor(observer),
        async post(request, headers, body, signal) {
            if (signal.aborted) throw signal.reason;
            return start(observer, { method: 'POST', url: href, headers, body }, { request }, signal);
        },
        postFast(fast, prepared, body, listener) {
            const options = { request: fast.id, fast, listener };
            const exchange = new Exchange(observer, href, options, id => prepared.post(id, body));
            exchange.begin();
            return exchange;
        }
    };
}

/** `fetch` for one connection of a session, on the host's `egress`. */
export function fetchFor(observer: Observer): FetchLike {
    return async (url, init = {}) => {
        const { body, signal } = init;
        if (signal?.aborted) throw signal.reason;
        if (body != null && typeof body !== 'string') throw new TypeError('only text can be a body here');
        const fields = [...(init.headers instanceof Headers ? init.headers : new Headers(init.headers ?? {}))];
        const find = (name: string) => fields.find(([key]) => key === name)?.[1];
        const [request, lastEvent] = [find(REQUEST_ID), find('last-event-id')];
        const sent: HttpRequest = {
            method: (init.method ?? 'GET').toUpperCase(),
            url: String(url),
            headers: fields.filter(([name]) => name !== REQUEST_ID),
            ...(body != null && { body })
        };
        const options = {
            oneWay: sent.method === 'POST' && request === undefined,
            ...(request !== undefined && { request }),
            ...(lastEvent !== undefined && { lastEvent })
        };
        return start(observer, sent, options, signal) as Promise<unknown> as Promise<Response>;
    };
}

function start(
    observer: Observer,
    request: HttpRequest,
    options: ExchangeOptions,
    signal: AbortSignal | null | undefined
): Promise<HttpResponse> {
    const exchange = new Exchange(observer, request.url, options, id => httpStart(id, observer.session, request));
    exchange.begin();
    return exchange.response(signal);
}
