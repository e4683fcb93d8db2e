// The payload of a message, for the SDK and for typed readers.
import type { Result } from '@modelcontextprotocol/client';
import type { Json } from 'caisson:mcp/types@0.1.0';

import { exact, isObject, parseObject } from './json.js';
import type { ResultOutcome } from './message.js';

/** The methods whose result is empty. */
export const EMPTY: ReadonlySet<string> = new Set([
    'ping',
    'logging/setLevel',
    'resources/subscribe',
    'resources/unsubscribe'
]);

/** How errors describe a payload that is nested too deeply. */
export const TOO_DEEP = 'nested too deeply';

/** A message as text; undefined when it is nested too deeply for recursive code such as the SDK's. */
export function writtenOut(message: unknown): string | undefined {
    try {
        return JSON.stringify(message);
    } catch {
        return undefined;
    }
}

/** The text of a result: the server's own, without a `_meta` that a typed reader cannot read. */
export function textOf({ result, empty, whole }: ResultOutcome, payload: Json | undefined, raw: boolean): Json {
    if (empty) return '{}';
    if (payload === undefined) return JSON.stringify(result);
    if (whole || raw || '_meta' in result) return payload;
    return JSON.stringify({ ...exact(parseObject(payload), payload), _meta: undefined });
}

/**
 * Whether the SDK accepts a value as a result. It drops a message with any other, and the call would wait on.
 */
export function isResult(result: unknown): result is Result {
    return isObject(result) && (result['_meta'] === undefined || isObject(result['_meta']));
}
