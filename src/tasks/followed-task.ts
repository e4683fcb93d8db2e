import { taskState } from 'caisson:mcp/host@0.1.0';
import type { Json } from 'caisson:mcp/types@0.1.0';

import type { Call } from '../operations/calls.js';
import type { CallFailure } from '../operations/errors.js';
import { failure, toFailure } from '../operations/errors.js';
import { clearTimeout, setTimeout } from '../platform/timers.js';
import type { State } from './task.js';
import { over, signature } from './task.js';

/** A task that an operation waits for. */
export class FollowedTask {
    /** The server's keys of the questions that the host was asked, and the number of rounds. */
    readonly asked = new Set<string>();
    rounds = 0;
    readonly #questions = new AbortController();
    #answers: [key: string, answer: unknown][] = [];
    #refusal: CallFailure | undefined;
    #reported = '';
    /** How many polls in succession showed no change. */
    same = 0;
    #awake = false;
    #pausing: (() => void) | undefined;

    constructor(
        readonly call: Call,
        public state: State,
        public text: Json
    ) {
        call.signal.addEventListener('abort', this.wake);
    }

    /** Aborted when nobody waits for the answers to the task's questions any more. */
    get signal(): AbortSignal {
        return this.#questions.signal;
    }

    /** Keeps the state that a poll has shown. */
    saw(state: State, text: Json): void {
        this.state = state;
        this.text = text;
    }

    /** Reports the task's state to the host, if it has changed and the task is not over. */
    report(): void {
        const current = signature(this.state);
        if (over(this.state)) return;
        if (current === this.#reported) {
            this.same++;
            return;
        }
        this.same = 0;
        this.#reported = current;
        taskState(this.call.id, JSON.stringify(this.state));
    }

    /** Waits until it is time for the next poll, or `wake` is called. */
    async pause(delay: number): Promise<void> {
        if (!this.#awake) {
            const { promise, resolve } = Promise.withResolvers<void>();
            const timer = setTimeout(() => resolve(), delay);
            this.#pausing = resolve;
            await promise;
            clearTimeout(timer);
        }
        this.#pausing = undefined;
        this.#awake = false;
    }

    /** Ends the current or the next pause. */
    readonly wake = (): void => {
        this.#awake = true;
        this.#pausing?.();
    };

    answered(key: string, answer: unknown): void {
        this.#answers.push([key, answer]);
        this.wake();
    }

    refused(error: unknown): void {
        this.#refusal ??= toFailure(error);
        this.wake();
    }

    /** The answers that the server does not have yet. Throws when a question cannot be answered. */
    takeAnswers(): Record<string, unknown> | undefined {
        if (this.#refusal) throw this.#refusal;
        if (this.#answers.length === 0) return undefined;
        const answers = Object.fromEntries(this.#answers);
        this.#answers = [];
        return answers;
    }

    end(): void {
        this.call.signal.removeEventListener('abort', this.wake);
        this.#questions.abort(failure('cancelled', 'the task is over'));
    }
}
