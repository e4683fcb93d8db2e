import type { FetchLike } from '@modelcontextprotocol/client';
import type { ClientAuthentication } from 'caisson:mcp/authorization@0.1.0';
import { request } from 'caisson:mcp/authorization@0.1.0';

import { IoFailure } from '../operations/errors.js';
import { sleep } from '../platform/timers.js';
import { parseObject } from '../protocol/json.js';
import { Exchange } from '../transport/exchange.js';
import type { Observer } from '../transport/observer.js';
import type { HttpResponse } from '../transport/response.js';

/** A header for this `fetch` alone: how the host proves who the client is. It does not go out. */
export const CLIENT_AUTHENTICATION = 'caisson-client-authentication';

/** How many milliseconds lie between two questions whether a code was entered, at the beginning and at most. */
const INTERVAL_MS = 5000;
const LONGEST_INTERVAL_MS = 60_000;

/** The `fetch` of one turn. The host sends a request again that came to nothing, where that does no harm. */
export class AuthorizationFetch {
    /** Why an endpoint could not be asked in the end. */
    #failed: IoFailure | undefined;
    /** Milliseconds until a token endpoint is asked again that has no token yet; undefined where that is a refusal. */
    #interval: number | undefined;
    /** When the code ends that a person is to enter elsewhere. */
    #end = 0;

    constructor(private readonly observer: Observer) {}

    /**
     * Fails when an endpoint could not be asked. The SDK would go on to ask a person, who can do nothing about that.
     */
    check(): void {
        if (this.#failed) throw this.#failed;
    }

    /**
     * Asks a token endpoint until a person has logged in elsewhere, with so many seconds between (RFC 8628, section
     * 3.5), and at the end of the code for the last time.
     */
    poll(seconds: unknown, life: unknown): void {
        const interval = typeof seconds === 'number' && seconds > 0 ? seconds * 1000 : INTERVAL_MS;
        this.#interval = Math.min(interval, LONGEST_INTERVAL_MS);
        this.#end = Date.now() + (typeof life === 'number' ? life * 1000 : 0);
    }

    readonly fetch: FetchLike = async (url, init = {}) => {
        const method = (init.method ?? 'GET').toUpperCase();
        const fields = [...new Headers(init.headers ?? {})];
        const client = fields.find(([name]) => name === CLIENT_AUTHENTICATION)?.[1] ?? 'none';
        const sent = {
            method,
            url: String(url),
            headers: fields.filter(([name]) => name !== CLIENT_AUTHENTICATION),
            ...(init.body != null && { body: String(init.body as string | URLSearchParams) })
        };
        const send = async () => {
            const exchange = new Exchange(this.observer, sent.url, { authorizes: true }, id =>
                request(id, this.observer.session, sent, client as ClientAuthentication)
            );
            exchange.begin();
            return exchange.response(init.signal);
        };
        return asResponse(method === 'POST' ? await this.#post(send) : await send());
    };

    async #post(send: () => Promise<HttpResponse>): Promise<HttpResponse> {
        this.check();
        try {
            let response = await send();
            while (await this.#pending(response)) {
                const left = this.#end - Date.now();
                const interval = this.#interval ?? INTERVAL_MS;
                await sleep(left > 0 ? Math.min(interval, left) : interval);
                response = await send();
            }
            return response;
        } catch (error) {
            if (error instanceof IoFailure) this.#failed = error;
            throw error;
        }
    }

    /** Whether a person has not logged in elsewhere yet. */
    async #pending(response: HttpResponse): Promise<boolean> {
        if (this.#interval === undefined || response.status !== 400) return false;
        const { error } = parseObject(await response.text());
        if (error === 'slow_down') this.#interval = Math.min(this.#interval + INTERVAL_MS, LONGEST_INTERVAL_MS);
        return error === 'slow_down' || error === 'authorization_pending';
    }
}

/** The SDK asks whether an answer is a `Response`. */
async function asResponse(response: HttpResponse): Promise<Response> {
    const { status, headers } = response;
    const text = await response.text();
    return new Response(text === '' ? null : text, { status, headers });
}
