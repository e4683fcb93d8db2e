import type { FetchLike } from '@modelcontextprotocol/client';
import type { ClientAuthentication } from 'caisson:mcp/authorization@0.1.0';
import { request } from 'caisson:mcp/authorization@0.1.0';

import type { CallFailure } from '../operations/errors.js';
import { IoFailure, http, ioFailure } from '../operations/errors.js';
import { sleep } from '../platform/timers.js';
import { parseObject } from '../protocol/json.js';
import { Backoff, retryDelay } from '../protocol/backoff.js';
import { Exchange } from '../transport/exchange.js';
import type { Observer } from '../transport/observer.js';
import type { HttpResponse } from '../transport/response.js';

/** A header for this `fetch` alone: how the host proves who the client is. It does not go out. */
export const CLIENT_AUTHENTICATION = 'caisson-client-authentication';

/** What a server says that cannot answer at the moment. */
const AT_THE_MOMENT = new Set([429, 502, 503, 504]);

/** The `fetch` of one turn. A token endpoint that cannot answer is asked again, for as long as the budget lasts. */
export class AuthorizationFetch {
    /** Why the token endpoint could not be asked in the end. */
    #unreachable: CallFailure | undefined;
    #budget: number;
    /** Milliseconds until a token endpoint is asked again that has no token yet; undefined where that is a refusal. */
    #interval: number | undefined;

    constructor(
        private readonly observer: Observer,
        retryBudget: number
    ) {
        this.#budget = retryBudget;
    }

    /** Fails when the token endpoint could not be asked: no person can do anything about that. */
    check(): void {
        if (this.#unreachable) throw this.#unreachable;
    }

    /** Asks a token endpoint until a person has logged in elsewhere, with so many seconds between (RFC 8628, section 3.5). */
    poll(seconds: unknown): void {
        this.#interval = typeof seconds === 'number' && seconds > 0 ? Math.min(seconds, 60) * 1000 : 5000;
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
        return asResponse(method === 'POST' ? await this.#persist(send) : await send());
    };

    /** Whether a person has not logged in elsewhere yet. */
    async #pending(response: HttpResponse): Promise<boolean> {
        if (this.#interval === undefined || response.status !== 400) return false;
        const { error } = parseObject(await response.text());
        if (error === 'slow_down') this.#interval += 5000;
        return error === 'slow_down' || error === 'authorization_pending';
    }

    async #persist(send: () => Promise<HttpResponse>): Promise<HttpResponse> {
        const backoff = new Backoff();
        for (let attempt = 0; ; attempt++) {
            const begun = Date.now();
            let response, failed;
            try {
                response = await send();
            } catch (error) {
                if (!(error instanceof IoFailure)) throw error;
                failed = error;
            }
            if (response && (await this.#pending(response))) {
                await sleep(this.#interval ?? 0);
                continue;
            }
            if (response && !AT_THE_MOMENT.has(response.status)) {
                // A person can do nothing about a server that fails.
                if (response.status >= 500) this.#unreachable = http(response.status, 'the token endpoint fails');
                return response;
            }
            if (failed && failed.io.kind !== 'connect' && failed.io.kind !== 'transport') {
                this.#unreachable = ioFailure(failed.io);
                throw failed;
            }
            const headers: [string, string][] = response ? [...response.headers] : [];
            const delay = Math.max(retryDelay(headers, attempt) ?? 0, backoff.next());
            // A server that is slow to fail has used the time up too.
            this.#budget -= Date.now() - begun + delay;
            if (this.#budget < 0) {
                if (failed) {
                    this.#unreachable = ioFailure(failed.io);
                    throw failed;
                }
                this.#unreachable = http(response?.status ?? 0, 'the token endpoint cannot answer at the moment');
                return response as HttpResponse;
            }
            await sleep(delay);
        }
    }
}

/** The SDK asks whether an answer is a `Response`. */
async function asResponse(response: HttpResponse): Promise<Response> {
    const { status, headers } = response;
    const text = await response.text();
    return new Response(text === '' ? null : text, { status, headers });
}
