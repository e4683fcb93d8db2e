import { ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/client';
import { ask as askHost, retract } from 'caisson:mcp/host@0.1.0';
import type { Input } from 'caisson:mcp/host@0.1.0';
import type { Answer } from 'caisson:mcp/ingress@0.1.0';
import type { SessionId } from 'caisson:mcp/types@0.1.0';

import { IdTable } from '../platform/id-table.js';

/** A question that waits for the host's answer. */
interface Waiting extends PromiseWithResolvers<Record<string, unknown>> {
    readonly session: SessionId;
}

const asks = new IdTable<Waiting>();

const RELATED_TASK = 'io.modelcontextprotocol/related-task';

/** The requests that servers send, by the capability that a client declares for each. */
export const ASKED = {
    sampling: 'sampling/createMessage',
    elicitation: 'elicitation/create',
    roots: 'roots/list'
} as const;

let lastRound = 0;

/** The questions of one answer of the server's, which are asked at once. Returns what makes the place of each. */
export function newRound(size: number): (key: string) => Input {
    const round = (lastRound = (lastRound + 1) >>> 0);
    return key => ({ round, key, size });
}

/** What the SDK's context says of a question. */
export interface Asked {
    readonly signal: AbortSignal;
    readonly _meta?: object | undefined;
    /** There when the question is part of an answer. */
    readonly input?: Input;
}

/**
 * Asks the host. Rejects with a ProtocolError when the host refuses, and with the signal's reason on abort.
 */
export async function ask(
    session: SessionId,
    method: string,
    params: object,
    { signal, _meta, input }: Asked
): Promise<Record<string, unknown>> {
    const answer = Promise.withResolvers<Record<string, unknown>>();
    if (signal.aborted) throw signal.reason;
    const id = asks.add({ ...answer, session });
    const onAbort = () => {
        if (!asks.take(id)) return;
        retract(id);
        answer.reject(signal.reason);
    };
    signal.addEventListener('abort', onAbort);
    askHost(id, session, method, JSON.stringify(params), input);
    try {
        const answered = await answer.promise;
        // The form was accepted unchanged: the SDK puts the form's defaults into this content.
        const form = method === ASKED.elicitation && !('mode' in params && params.mode === 'url');
        if (form && answered['action'] === 'accept') answered['content'] ??= {};
        return related(answered, _meta);
    } finally {
        signal.removeEventListener('abort', onAbort);
    }
}

/**
 * Adds the task to the answer to a task's question (2025-11-25, basic/utilities/tasks, "Associating
 * Task-Related Messages").
 */
function related(answer: Record<string, unknown>, meta: object = {}): Record<string, unknown> {
    const task = (meta as Record<string, unknown>)[RELATED_TASK];
    if (task === undefined) return answer;
    return { ...answer, _meta: { ...(answer['_meta'] as object | undefined), [RELATED_TASK]: task } };
}

/** Retracts all questions of a session, whose connection has ended. */
export function retractAll(session: SessionId, why: Error): void {
    for (const [id, waiting] of [...asks]) {
        if (waiting.session !== session) continue;
        asks.delete(id);
        retract(id);
        waiting.reject(why);
    }
}

/**
 * Handles the host's answer. An answer to a retracted question is ignored. An answer that is not a JSON
 * object
 * becomes an error to the server, which waits for an answer.
 */
export function onAnswer({ ask, outcome }: Answer): void {
    const waiting = asks.take(ask);
    if (!waiting) return;
    try {
        if (outcome.tag === 'ok') return waiting.resolve(answerOf(outcome.val));
        const { code, message, data } = outcome.val;
        waiting.reject(new ProtocolError(code, message, data === undefined ? undefined : JSON.parse(data)));
    } catch {
        waiting.reject(new ProtocolError(ProtocolErrorCode.InternalError, 'the client could not answer'));
    }
}

function answerOf(text: string): Record<string, unknown> {
    const answer: unknown = JSON.parse(text);
    if (typeof answer !== 'object' || answer === null || Array.isArray(answer)) throw new TypeError('not an object');
    return answer as Record<string, unknown>;
}
