import type { StandardSchemaV1 } from '@modelcontextprotocol/client';
import type { Json } from 'caisson:mcp/types@0.1.0';

import { failure } from '../operations/errors.js';
import { isObject, parseObject } from './json.js';

export type Params = Record<string, unknown>;

/** The outcome of a request: the value that the SDK made of the answer, and the server's own text. */
export interface Answer {
    readonly value: unknown;
    readonly result: Json;
}

/** Requests that only read, or set a state of the session: sending one twice does no harm. */
export const REPEATABLE: ReadonlySet<string> = new Set([
    'server/discover',
    'tools/list',
    'resources/list',
    'resources/templates/list',
    'resources/read',
    'resources/subscribe',
    'resources/unsubscribe',
    'prompts/list',
    'prompts/get',
    'completion/complete',
    'logging/setLevel'
]);

/** Parses the params that the host gave for an operation. Large numbers lose digits: see `exact`. */
export function parse(params: Json): Params {
    try {
        return parseObject(params);
    } catch (error) {
        throw failure(
            'invalid-argument',
            error instanceof SyntaxError ? 'params are not JSON' : 'params are not a JSON object'
        );
    }
}

/** A schema that accepts every result, for results of extensions. */
export const ANY_RESULT: StandardSchemaV1 = {
    '~standard': { version: 1, vendor: 'caisson', validate: value => ({ value }) }
};

/** Whether a request's `_meta` has nothing in it that the SDK itself reads. */
export function isCallersMeta(meta: unknown): boolean {
    if (meta === undefined) return true;
    if (!isObject(meta)) return false;
    for (const name in meta) {
        if (name.startsWith('io.modelcontextprotocol/')) return false;
        const value = meta[name];
        if (name === 'progressToken' && typeof value !== 'string' && !Number.isSafeInteger(value)) return false;
    }
    return true;
}
