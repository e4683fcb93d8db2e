import type { Json } from 'caisson:mcp/types@0.1.0';

import { isEmpty, isObject } from '../protocol/json.js';
import { milliseconds } from '../protocol/backoff.js';

/** The methods whose results may be kept (specification 2026-07-28, "Caching"), and what makes them stale. */
const STALE_AFTER: Record<string, string> = {
    'tools/list': 'notifications/tools/list_changed',
    'prompts/list': 'notifications/prompts/list_changed',
    'resources/list': 'notifications/resources/list_changed',
    'resources/templates/list': 'notifications/resources/list_changed',
    'resources/read': 'notifications/resources/updated'
};

/** The members of `_meta` that do not change a result: they only trace the request. */
const FOLLOWING: ReadonlySet<string> = new Set(['progressToken', 'traceparent', 'tracestate', 'baggage']);

/** Enough for every page of a few lists; the oldest result is dropped first. */
const MOST_RESULTS = 256;

/** A day: no result is kept for longer. */
const LONGEST_TTL_MS = 86_400_000;

/** The most text that is kept. */
const MOST_CHARACTERS = 8_000_000;

interface Kept {
    readonly method: string;
    readonly uri: unknown;
    readonly result: Json;
    readonly until: number;
}

/**
 * Results with a time to live, as the server sent them. A session belongs to one principal, so it keeps
 * private results as well as public ones.
 */
export class Cache {
    readonly #results = new Map<string, Kept>();
    #characters = 0;

    /**
     * The key of a request's result; undefined for a result that is not kept. A raw result has another key
     * than
     * the one for typed readers.
     */
    key(method: string, params: Record<string, unknown>, raw: boolean): string | undefined {
        if (!Object.hasOwn(STALE_AFTER, method)) return undefined;
        const prefix = `${raw ? 'raw ' : ''}${method} `;
        if (isEmpty(params)) return `${prefix}{}`;
        if ('inputResponses' in params || 'requestState' in params) return undefined;
        const { _meta, ...rest } = params;
        if (isObject(_meta) && !Object.keys(_meta).every(name => FOLLOWING.has(name))) return undefined;
        return prefix + JSON.stringify(rest);
    }

    /** The result under a key, while it is fresh. */
    get(key: string): Json | undefined {
        const kept = this.#results.get(key);
        if (!kept) return undefined;
        if (Date.now() < kept.until) return kept.result;
        this.#forget(key, kept);
        return undefined;
    }

    /** Keeps a result, if the server gave it a time to live. */
    put(key: string, method: string, params: Record<string, unknown>, value: unknown, result: Json): void {
        const ttl = Math.min(milliseconds(isObject(value) ? value['ttlMs'] : undefined), LONGEST_TTL_MS);
        if (ttl === 0 || result.length > MOST_CHARACTERS) return;
        const old = this.#results.get(key);
        if (old) this.#forget(key, old);
        const until = Date.now() + ttl;
        this.#results.set(key, { method, uri: params['uri'], result, until });
        this.#characters += result.length;
        for (const [key, kept] of this.#results) {
            if (this.#results.size <= MOST_RESULTS && this.#characters <= MOST_CHARACTERS) break;
            this.#forget(key, kept);
        }
    }

    /** Drops the results that a notification makes stale. */
    notified(method: string, uri: unknown): void {
        for (const [key, kept] of this.#results) {
            if (STALE_AFTER[kept.method] !== method) continue;
            if (kept.method !== 'resources/read' || kept.uri === uri) this.#forget(key, kept);
        }
    }

    /** Drops all results, when the session was begun anew. */
    clear(): void {
        this.#results.clear();
        this.#characters = 0;
    }

    #forget(key: string, kept: Kept): void {
        this.#results.delete(key);
        this.#characters -= kept.result.length;
    }
}
