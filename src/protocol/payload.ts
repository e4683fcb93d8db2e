// What of a message's payload the SDK, and whoever reads it by its type, can be given.
import type { Result } from '@modelcontextprotocol/client';
import type { Json } from 'caisson:mcp/types@0.1.0';

import { exact, isObject, parseObject } from './json.js';
import type { ResultOutcome } from './message.js';

/** The methods whose result says no more than that there is one. */
export const EMPTY: ReadonlySet<string> = new Set([
    'ping',
    'logging/setLevel',
    'resources/subscribe',
    'resources/unsubscribe'
]);

/** What is said of what is not. */
export const TOO_DEEP = 'nested too deeply';

/** A message as text; undefined where code that calls itself, as the SDK's does, cannot read and write it. */
export function writtenOut(message: unknown): string | undefined {
    try {
        return JSON.stringify(message);
    } catch {
        return undefined;
    }
}

/** The text of a result: the server's own, but for a `_meta` that whoever reads it by its type cannot read. */
export function textOf({ result, empty, whole }: ResultOutcome, payload: Json | undefined, raw: boolean): Json {
    if (empty) return '{}';
    if (payload === undefined) return JSON.stringify(result);
    if (whole || raw || '_meta' in result) return payload;
    return JSON.stringify({ ...exact(parseObject(payload), payload), _meta: undefined });
}

/** What the SDK takes for a result: it drops a message with anything else, and nobody would answer. */
export function isResult(result: unknown): result is Result {
    return isObject(result) && (result['_meta'] === undefined || isObject(result['_meta']));
}
