// The states of tasks that servers send: tasks of the extension of revision 2026-07-28 (SEP-2663), and the
// experimental tasks of 2025-11-25, which are nearly the same.
import { SdkError, SdkErrorCode } from '@modelcontextprotocol/client';
import type { Json } from 'caisson:mcp/types@0.1.0';

import type { Connection } from '../connection/connection.js';
import type { Call } from '../operations/calls.js';
import { CallFailure, failure } from '../operations/errors.js';
import { errorData, exact, isObject, parseObject } from '../protocol/json.js';
import { pollDelay } from '../protocol/backoff.js';
import type { Answer } from '../protocol/requests.js';
import { resultSchema } from '../protocol/results.js';

/** Which tasks a server may have: those of the extension, those of 2025-11-25, or none. */
export type Kind = 'extension' | 'experimental' | 'none';

/** The revision whose experimental tasks are a part of the protocol itself. */
const EXPERIMENTAL = '2025-11-25';

const STATUSES: ReadonlySet<unknown> = new Set(['working', 'input_required', 'completed', 'failed', 'cancelled']);

/** The state of a task, as the server sent it. */
export interface State extends Record<string, unknown> {
    readonly taskId: string;
    readonly status: 'working' | 'input_required' | 'completed' | 'failed' | 'cancelled';
}

/** The answer to a tool's call that became a task. */
export class Created {
    constructor(readonly state: State) {}
}

/** Which tasks the server of a connection may have. */
export function kindOf({ client, legacy }: Connection): Kind {
    if (!legacy) return 'extension';
    const runs = client.getServerCapabilities()?.tasks?.requests?.tools?.call !== undefined;
    return runs && client.getNegotiatedProtocolVersion() === EXPERIMENTAL ? 'experimental' : 'none';
}

/** Checks the state of a task, and its id when `taskId` is given. */
export function stateOf(value: unknown, taskId?: string): State {
    if (!isObject(value)) throw failure('protocol', 'the server sent a task that is no object');
    const { taskId: id, status } = value;
    if (typeof id !== 'string') throw failure('protocol', 'the server sent a task without a taskId');
    if (taskId !== undefined && id !== taskId)
        throw failure('protocol', 'the server sent another task than was asked for');
    if (!STATUSES.has(status))
        throw failure('protocol', `the server sent a task with an unknown status: ${said(status)}`);
    return value as State;
}

/** The task in a server's answer to a tool's call in revision 2026-07-28. The SDK refuses such an answer. */
export function createdIn(refusal: unknown, { result }: Call): Answer | undefined {
    if (!(refusal instanceof SdkError) || refusal.code !== SdkErrorCode.UnsupportedResultType) return undefined;
    if (result === undefined) return undefined;
    const value: unknown = JSON.parse(result);
    if (!isObject(value) || value['resultType'] !== 'task') return undefined;
    return { value: new Created(stateOf(value)), result };
}

/** The task in a server's answer to a tool's call that asked for one (2025-11-25). */
export function created(value: unknown): Created {
    return new Created(stateOf(isObject(value) ? value['task'] : undefined));
}

/** Whether a task has come to its end. */
export function over({ status }: State): boolean {
    return status === 'completed' || status === 'failed' || status === 'cancelled';
}

/** Milliseconds until the next poll of the task, after `same` polls that showed no change. */
export function interval(state: State, same: number): number {
    const { pollIntervalMs, pollInterval = pollIntervalMs } = state;
    return pollDelay(pollInterval, same);
}

/** A text that differs between two states that are worth a report each. */
export function signature({ status, statusMessage, lastUpdatedAt }: State): string {
    return JSON.stringify([status, statusMessage, lastUpdatedAt]);
}

/** The outcome of a task that is over: returns the call's result, or throws the task's error. */
export function outcome({ client }: Connection, state: State, text: Json): Answer {
    if (state.status === 'failed') throw failed(state, text);
    const { result } = state;
    if (!isObject(result)) throw failure('protocol', 'the server sent a task that is completed, without a result');
    valid(client, result);
    return { value: result, result: member(text, 'result') };
}

/** Checks the result of a tool's call that came from a task. */
export function valid(client: Connection['client'], value: unknown): void {
    const checked = resultSchema(client, 'tools/call')?.['~standard'].validate(value);
    if (checked && 'issues' in checked && checked.issues)
        throw failure(
            'protocol',
            `the result of the task is no result of tools/call: ${said(checked.issues[0]?.message)}`
        );
}

/** The JSON-RPC error that a task has failed with. */
function failed({ error, statusMessage }: State, text: Json): CallFailure {
    if (!isObject(error)) return failure('protocol', 'the server sent a task that has failed, without an error');
    const { code, message = statusMessage } = error;
    if (typeof code !== 'number' || code !== (code | 0))
        return failure('protocol', 'the server sent a task that has failed, with an error that is none of JSON-RPC');
    const data = errorData(member(text, 'error'));
    return new CallFailure({
        tag: 'rpc',
        val: {
            code,
            message: typeof message === 'string' ? message : 'the task failed',
            ...(data !== undefined && { data })
        }
    });
}

/** The text of an object's member, with its numbers as they were written. */
function member(text: Json, name: string): Json {
    return JSON.stringify(exact(parseObject(text), text)[name]);
}

function said(value: unknown): string {
    const text = typeof value === 'string' ? value : (JSON.stringify(value) as string | undefined);
    return (text ?? 'none').slice(0, 1000).replace(/\s+/g, ' ').slice(0, 200);
}
