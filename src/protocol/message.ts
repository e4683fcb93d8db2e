// Decides what a message is. Only this file decides it: the host and the SDK both get its decision, the
// SDK in a form that it accepts.
import type { JSONRPCMessage, RequestId } from '@modelcontextprotocol/client';

import { isObject } from './json.js';

/** An answer with a result. */
export interface ResultOutcome {
    readonly result: Record<string, unknown>;
    /** Whether the server wrote null or an empty list in place of an object. */
    readonly empty: boolean;
    /** Whether the result is unchanged. */
    readonly whole: boolean;
}

/** What an answer has: a result, an error, or nothing that can be used. */
export type Outcome =
    | ResultOutcome
    | { readonly error: { readonly code: number; readonly message: string; readonly data?: unknown } }
    | { readonly wrong: string };

/** The decision. */
export type Decided =
    | { readonly kind: 'request'; readonly message: JSONRPCMessage }
    /** A request that nobody can handle. It gets an error as its answer. */
    | { readonly kind: 'refused'; readonly id: unknown; readonly code: number; readonly why: string }
    | {
          readonly kind: 'notification';
          readonly method: string;
          readonly params: Record<string, unknown> | undefined;
          /** Whether the params are unchanged. */
          readonly whole: boolean;
          readonly message: JSONRPCMessage;
      }
    | { readonly kind: 'answer'; readonly id: unknown; readonly outcome: Outcome }
    | { readonly kind: 'nothing'; readonly what: string };

const INVALID_REQUEST = -32600;
const INVALID_PARAMS = -32602;
const RELATED_TASK = 'io.modelcontextprotocol/related-task';
/** The members of `_meta` that the SDK itself reads. */
const OWN: ReadonlySet<string> = new Set(['progressToken', RELATED_TASK]);

/** Decides what a message is. `waits` tells whether a request with an id waits for its answer. */
export function decide(message: unknown, waits: (id: RequestId) => boolean): Decided {
    if (!isObject(message)) return nothing('what is not JSON-RPC');
    const { id, method, result, error } = message;
    const waiting = isId(id) && waits(id);
    const answers = isGiven(result) || isGiven(error);
    if (isGiven(method) && !(answers && waiting)) return id === undefined ? notification(message) : request(message);
    // Without `jsonrpc`, and with no request that waits, it is any JSON: many servers log in that form.
    if (message['jsonrpc'] === '2.0' || (waiting && ('result' in message || 'error' in message)))
        return { kind: 'answer', id, outcome: outcomeOf(message) };
    return nothing('what is not JSON-RPC');
}

function request(message: Record<string, unknown>): Decided {
    const { jsonrpc, id, method } = message;
    const refuse = (code: number, why: string): Decided => ({
        kind: 'refused',
        id: typeof id === 'string' || typeof id === 'number' ? id : null,
        code,
        why
    });
    if (jsonrpc !== '2.0') return refuse(INVALID_REQUEST, 'Invalid request: jsonrpc is not "2.0"');
    if (!isId(id)) return refuse(INVALID_REQUEST, 'Invalid request: the id is no text and no integer');
    if (typeof method !== 'string') return refuse(INVALID_REQUEST, 'Invalid request: the method is no text');
    const params = paramsOf(message['params']);
    if (!params) return refuse(INVALID_PARAMS, 'Invalid params: an object is expected');
    if (!isMeta(params.value?.['_meta'])) return refuse(INVALID_PARAMS, 'Invalid params: _meta cannot be used');
    return {
        kind: 'request',
        message: { jsonrpc, id, method, ...(params.value && { params: params.value }) }
    };
}

function notification(message: Record<string, unknown>): Decided {
    const { jsonrpc, method } = message;
    if (typeof method !== 'string') return nothing('a notification whose method is no text');
    // Without `jsonrpc`, only the protocol's own notifications can be recognised.
    if (jsonrpc !== '2.0' && !(jsonrpc === undefined && method.startsWith('notifications/')))
        return nothing('what is not JSON-RPC');
    const params = paramsOf(message['params']);
    const value = params?.value && withoutOddMeta(params.value);
    const whole = value !== undefined && value === message['params'];
    return {
        kind: 'notification',
        method,
        params: value,
        whole,
        message: { jsonrpc: '2.0', method, ...(value && { params: value }) }
    };
}

function outcomeOf(message: Record<string, unknown>): Outcome {
    const { jsonrpc, result, error } = message;
    if (jsonrpc !== '2.0') return { wrong: 'is not of JSON-RPC 2.0' };
    if (isGiven(error)) return isGiven(result) ? { wrong: 'has a result and an error' } : errorOf(error);
    if (isObject(result)) {
        const kept = withoutOddMeta(result);
        return { result: kept, empty: false, whole: kept === result };
    }
    if (!('result' in message)) return { wrong: 'has no result and no error' };
    return isEmpty(result) ? { result: {}, empty: true, whole: false } : { wrong: 'has a result that is no object' };
}

/** The error in an answer, with a code that the contract can carry. Some servers write the code as a text. */
function errorOf(error: unknown): Outcome {
    if (!isObject(error)) return { wrong: `has an error that is no object: ${quote(error)}` };
    const { code: written, message, data } = error;
    const code = typeof written === 'string' && /^[+-]?\d{1,10}$/.test(written) ? Number(written) : written;
    const said = typeof message === 'string' ? message : isGiven(message) ? quote(message) : 'no message';
    if (typeof code !== 'number' || code !== (code | 0))
        return {
            wrong: `has an error without a code that can be used: ${quote(written)}: ${said.slice(0, LONGEST_QUOTE)}`
        };
    // The SDK reads some of `data`: the revisions that a server names, for example.
    return { error: { code, message: said, ...(data !== undefined && { data }) } };
}

/**
 * The valid params of a message; undefined for invalid ones. Some servers write an empty list for no params.
 */
function paramsOf(params: unknown): { value: Record<string, unknown> | undefined } | undefined {
    if (isEmpty(params)) return { value: undefined };
    return isObject(params) ? { value: withMeta(params) } : undefined;
}

/** The object without an empty `_meta`, and without the protocol's own members of `_meta` that are null. */
function withMeta(object: Record<string, unknown>): Record<string, unknown> {
    if (!('_meta' in object)) return object;
    const { _meta, ...rest } = object;
    if (isEmpty(_meta)) return rest;
    if (!isObject(_meta) || (_meta['progressToken'] !== null && _meta[RELATED_TASK] !== null)) return object;
    const kept = Object.entries(_meta).filter(([name, value]) => value !== null || !OWN.has(name));
    return { ...rest, _meta: Object.fromEntries(kept) };
}

/** The object without a `_meta` that the SDK does not accept: the program reads `_meta` in the text. */
function withoutOddMeta(object: Record<string, unknown>): Record<string, unknown> {
    const kept = withMeta(object);
    if (isMeta(kept['_meta'])) return kept;
    const rest = { ...kept };
    delete rest['_meta'];
    return rest;
}

/** Whether the SDK accepts a `_meta`. */
function isMeta(meta: unknown): boolean {
    if (meta === undefined) return true;
    if (!isObject(meta)) return false;
    const { progressToken, [RELATED_TASK]: task } = meta;
    return (
        (progressToken === undefined || isId(progressToken)) &&
        (task === undefined || (isObject(task) && typeof task['taskId'] === 'string'))
    );
}

/** Whether an id is valid in the protocol. */
function isId(id: unknown): id is RequestId {
    return typeof id === 'string' || Number.isSafeInteger(id);
}

function isGiven(value: unknown): boolean {
    return value !== undefined && value !== null;
}

function isEmpty(value: unknown): boolean {
    return !isGiven(value) || (Array.isArray(value) && value.length === 0);
}

const LONGEST_QUOTE = 200;

function quote(value: unknown): string {
    const text = JSON.stringify(value) as string | undefined;
    return (text ?? 'none').slice(0, LONGEST_QUOTE);
}

function nothing(what: string): Decided {
    return { kind: 'nothing', what };
}
