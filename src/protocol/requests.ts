import type { StandardSchemaV1 } from '@modelcontextprotocol/client';
import type { Json } from 'caisson:mcp/types@0.1.0';

import type { CallOptions, TappedClient } from '../connection/client.js';
import { failure } from '../operations/errors.js';
import { parseObject } from './json.js';

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
    'logging/setLevel',
    'tasks/get',
    'tasks/result',
    'tasks/list'
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

/** Sends a request whose method may be one that the SDK has no schema for: an extension's, or nobody's. */
export function send(
    client: TappedClient,
    request: { method: string; params: Params },
    options: CallOptions
): Promise<unknown> {
    // The SDK knows these methods, in one of the eras, and no schema for their results.
    if (request.method.startsWith('tasks/')) return client.request(request, ANY_RESULT, options);
    try {
        return client.request(request, options);
    } catch (error) {
        // Thrown at once, so nothing has been sent.
        if (error instanceof TypeError) return client.request(request, ANY_RESULT, options);
        throw error;
    }
}

/** The schema of a result that only its extension knows. */
export const ANY_RESULT: StandardSchemaV1 = {
    '~standard': { version: 1, vendor: 'caisson', validate: value => ({ value }) }
};
