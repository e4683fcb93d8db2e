import type { Tool } from '@modelcontextprotocol/client';
import { ProtocolError } from '@modelcontextprotocol/client';
import type { Json, SessionId } from 'caisson:mcp/types@0.1.0';

import type { Connection } from '../connection/connection.js';
import { newRound } from '../operations/asks.js';
import { Call } from '../operations/calls.js';
import { failure } from '../operations/errors.js';
import { isObject } from '../protocol/json.js';
import type { Answer, Params } from '../protocol/requests.js';
import { ANY_RESULT } from '../protocol/requests.js';
import { FollowedTask } from './followed-task.js';
import type { Kind, State } from './task.js';
import { interval, kindOf, outcome, over, stateOf, valid } from './task.js';

/** Sends a request of an operation, and again when that is necessary and does no harm. */
type Send = (call: Call, method: string, params: Params) => Promise<Answer>;

/**
 * How long a server may take to confirm that a task is cancelled. Only the end of the session waits for it.
 */
const CANCEL_MS = 2000;

/** The tasks of one server. */
export class Tasks {
    /** Which tasks the server may have. */
    kind: Kind = 'none';
    #connection!: Connection;
    readonly #followedTasks = new Set<FollowedTask>();
    readonly #cancellations = new Set<Promise<unknown>>();

    constructor(
        private readonly session: SessionId,
        private readonly rounds: number,
        private readonly send: Send
    ) {}

    /** Uses another connection from now on. */
    use(connection: Connection): void {
        this.#connection = connection;
        this.kind = kindOf(connection);
    }

    /**
     * Whether a tool may be called without listing it first. `hidden` says that it is not in the server's
     * list.
     */
    mayCall(tool: Tool | undefined, hidden: boolean): boolean {
        if (this.kind !== 'experimental') return true;
        return tool ? tool.execution?.taskSupport !== 'required' : hidden;
    }

    /**
     * The params of a tool's call, with the request for a task when the tool needs one or allows a wanted one
     * (2025-11-25).
     */
    async asked(params: Params, wanted: boolean, find: () => Promise<Tool | undefined>): Promise<Params> {
        if (this.kind === 'extension') return params;
        const support = this.kind === 'none' ? undefined : ((await find())?.execution?.taskSupport ?? 'forbidden');
        if (support === 'required' || (support === 'optional' && wanted)) return { task: {}, ...params };
        if (wanted) throw failure('invalid-argument', 'the server does not run this tool as a task');
        return params;
    }

    /** Sends a request about tasks. */
    async request(call: Call, method: string, params: Params): Promise<Answer> {
        if (this.kind === 'none')
            throw failure('invalid-argument', `the server has no tasks in its revision: ${method}`);
        if (this.kind === 'experimental' && method === 'tasks/update')
            throw failure('invalid-argument', 'revision 2025-11-25 has no tasks/update: its servers ask with requests');
        const { taskId } = params;
        if (method !== 'tasks/list' && typeof taskId !== 'string')
            throw failure('invalid-argument', 'params have no taskId');
        const answer = await this.send(call, method, params);
        if (method === 'tasks/get') stateOf(answer.value, taskId as string);
        return answer;
    }

    /** Handles the server's notification that a task has changed: the task is polled at once. */
    notified(params: Params | undefined): void {
        for (const one of this.#followedTasks) if (one.state.taskId === params?.['taskId']) one.wake();
    }

    /** Follows a task to its end, and returns the result of the tool's call. */
    async wait(call: Call, params: Params): Promise<Answer> {
        const { value, result } = await this.request(call, 'tasks/get', params);
        return this.#follow(new FollowedTask(call, value as State, result));
    }

    /** Follows the task that a call has become. Cancels the task when the call fails first. */
    async drive(call: Call, state: State, text: Json): Promise<Answer> {
        const one = new FollowedTask(call, state, text);
        try {
            // The answer that created the task has no result, even when the task is over already.
            if (over(state) && this.kind === 'extension') await this.#look(one);
            return await this.#follow(one);
        } catch (error) {
            // After an error of the server's there is nothing to cancel.
            if (!over(one.state) && !(error instanceof ProtocolError)) this.#cancel(state.taskId);
            throw error;
        }
    }

    /** Waits until the server has confirmed all cancellations, or their time is over. */
    async cancellationsDone(): Promise<void> {
        await Promise.all(this.#cancellations);
    }

    async #follow(one: FollowedTask): Promise<Answer> {
        this.#followedTasks.add(one);
        try {
            for (;;) {
                one.report();
                const answer = await this.#outcome(one);
                if (answer) return answer;
                if (one.state.status === 'input_required') this.#ask(one);
                await one.pause(interval(one.state, one.same));
                one.call.check();
                await this.#answer(one);
                await this.#look(one);
            }
        } finally {
            this.#followedTasks.delete(one);
            one.end();
        }
    }

    async #look(one: FollowedTask): Promise<void> {
        const { value, result } = await this.request(one.call, 'tasks/get', { taskId: one.state.taskId });
        one.saw(value as State, result);
    }

    /** The outcome of the task; undefined while the task goes on. */
    async #outcome({ call, state, text }: FollowedTask): Promise<Answer | undefined> {
        const { taskId, status, statusMessage } = state;
        if (status === 'working') return undefined;
        if (status === 'cancelled') {
            const why = typeof statusMessage === 'string' ? `: ${statusMessage.slice(0, 200)}` : '';
            throw failure('cancelled', `the server says that the task is cancelled${why}`);
        }
        if (this.kind === 'extension') return over(state) ? outcome(this.#connection, state, text) : undefined;
        // `tasks/result` waits for the end of the task, and meanwhile carries the server's questions.
        const answer = await this.send(call, 'tasks/result', { taskId });
        valid(this.#connection.client, answer.value);
        return answer;
    }

    /** Passes the server's questions to the host, each question once. */
    #ask(one: FollowedTask): void {
        const { inputRequests } = one.state;
        const questions = Object.entries(isObject(inputRequests) ? inputRequests : {});
        const fresh = questions.filter(([key]) => !one.asked.has(key));
        if (fresh.length > 0 && ++one.rounds > this.rounds)
            throw failure('protocol', `the server asked for input more than ${this.rounds} times for one task`);
        const place = newRound(fresh.length);
        for (const [key, question] of fresh) {
            one.asked.add(key);
            this.#connection.client.answer(key, question, { signal: one.signal, input: place(key) }).then(
                answer => one.answered(key, answer),
                (error: unknown) => one.refused(error)
            );
        }
    }

    /** Sends the server the answers that are there. */
    async #answer(one: FollowedTask): Promise<void> {
        const inputResponses = one.takeAnswers();
        if (inputResponses) await this.request(one.call, 'tasks/update', { taskId: one.state.taskId, inputResponses });
    }

    /** Cancels a task, without waiting for the confirmation. */
    #cancel(taskId: string): void {
        const cancellation = this.#sendCancel(taskId).finally(() => this.#cancellations.delete(cancellation));
        this.#cancellations.add(cancellation);
    }

    async #sendCancel(taskId: string): Promise<void> {
        const { client, observer } = this.#connection;
        const call = new Call(0, this.session, 'tasks/cancel');
        const options = { call, signal: call.signal, timeout: CANCEL_MS };
        try {
            await client.request({ method: 'tasks/cancel', params: { taskId } }, ANY_RESULT, options);
        } catch {
            // The task or the connection is over already.
        } finally {
            observer.forget(call);
        }
    }
}
