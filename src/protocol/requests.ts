import type { StandardSchemaV1 } from '@modelcontextprotocol/client';
import type { Json } from 'caisson:mcp/types@0.1.0';

import { failure } from '../operations/errors.js';
import { isObject, parseObject } from './json.js';

export type Params = Record<string, unknown>;

/** What a request came to: what the SDK made of the answer, and the answer as it was sent. */
export interface Answer {
    readonly value: unknown;
    readonly result: Json;
}

/** Requests that only ask, or say what the session is to be: a second one does no harm. */
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

/** The params of an operation, which the host gave. Their numbers may not be exact. */
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

/** The schema of a result that only its extension knows. */
export const ANY_RESULT: StandardSchemaV1 = {
    '~standard': { version: 1, vendor: 'caisson', validate: value => ({ value }) }
};

/** Whether a request's `_meta` is the caller's alone: nothing in it means something to the SDK itself. */
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
