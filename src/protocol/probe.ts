// The probe (`server/discover`) of the newer revisions, and what its failure means: a server of an older
// revision does not know the request, and may answer anything. Specification, basic/versioning.
import { SdkError, SdkErrorCode, SdkHttpError } from '@modelcontextprotocol/client';
import type { Failure } from 'caisson:mcp/types@0.1.0';

import { AuthorizationFailure, CallFailure, inWords, toFailure } from '../operations/errors.js';
import { isObject } from './json.js';

export const PROBE = 'server/discover';

/** The first revision that begins with the probe, and not with a handshake. */
const FIRST_WITH_PROBE = '2026-07-28';

/** Whether any of the revisions begins with the probe. An empty list stands for all revisions. */
export function anyNewer(versions: string[]): boolean {
    return versions.length === 0 || versions.some(version => version >= FIRST_WITH_PROBE);
}

/** Whether any of the revisions begins with a handshake. An empty list stands for all revisions. */
export function anyOlder(versions: string[]): boolean {
    return versions.length === 0 || versions.some(version => version < FIRST_WITH_PROBE);
}

/** Statuses that are about the client or the address, not the method: `initialize` would get the same. */
const OF_THE_CLIENT = new Set([401, 402, 403, 407, 429, 451]);

/** Whether the probe may have failed over HTTP because the server does not know it. */
export async function mayNotKnow(
    error: unknown,
    response: Promise<Pick<Response, 'headers'>> | undefined
): Promise<boolean> {
    if (error instanceof SdkHttpError) {
        const { status } = error;
        if (status < 400 || OF_THE_CLIENT.has(status)) return false;
        // A 503 with Retry-After says that the server is down for a while.
        return status !== 503 || !(await response)?.headers.has('retry-after');
    }
    // The answer is a page for people, or empty.
    if (error instanceof SdkError && error.code === SdkErrorCode.ClientHttpUnexpectedContent) return true;
    // Some servers drop the connection when a request fails in them.
    const cause = toFailure(error);
    return cause.failure.tag === 'transport' && !(cause instanceof AuthorizationFailure);
}

/** The JSON-RPC error in the body of an HTTP error. */
export function rpcErrorIn(error: unknown): { code: number; message: string; data?: unknown } | undefined {
    if (!(error instanceof SdkHttpError) || typeof error.data['text'] !== 'string') return undefined;
    try {
        const body: unknown = JSON.parse(error.data['text']);
        const found = isObject(body) ? body['error'] : undefined;
        if (!isObject(found) || typeof found['code'] !== 'number') return undefined;
        return { code: found['code'], message: String(found['message']), data: found['data'] };
    } catch {
        return undefined;
    }
}

/** One failure for the probe and the handshake after it: the likelier cause first, then the other. */
export function both(probe: CallFailure, handshake: CallFailure): CallFailure {
    // The handshake's answer is JSON-RPC, so the server understood it, and the probe's failure is the cause.
    const misunderstood = handshake.failure.tag === 'rpc' && probe.failure.tag !== 'rpc';
    if (misunderstood) return amended(probe, `initialize, which it was sent next, got ${quoted(handshake)}`);
    if (handshake.failure.tag === 'rpc') return handshake;
    const same = quoted(probe) === quoted(handshake);
    return amended(handshake, `${PROBE}, which it was sent before, got ${same ? 'the same' : quoted(probe)}`);
}

/** The failure of the probe, when no older revision is allowed. */
export function unsupported(probe: CallFailure, versions: string[]): CallFailure {
    const remedy = `it does not seem to speak ${versions.join(', ')}: allow an older revision as well`;
    if (probe.failure.tag === 'rpc')
        return new CallFailure({
            tag: 'protocol',
            val: `the server answered ${PROBE} with ${quoted(probe)}; ${remedy}`
        });
    return amended(probe, `that was the server's answer to ${PROBE}; ${remedy}`);
}

/** A failure with more text in its message. */
function amended({ failure, message, io }: CallFailure, more: string): CallFailure {
    const text = message === '' ? more : `${message}; ${more}`;
    const val = typeof failure.val === 'string' ? text : { ...failure.val, message: text };
    return new CallFailure({ tag: failure.tag, val } as Failure, io);
}

/** A failure in words; a plain text is quoted. */
function quoted(cause: CallFailure): string {
    return typeof cause.failure.val === 'string' ? `"${cause.message}"` : inWords(cause);
}
