import type { RequestId } from '@modelcontextprotocol/client';

import type { Call } from '../operations/calls.js';
import type { FastRequest } from './fast-request.js';

/** A request that waits for its answer. Some of the SDK's own belong to no operation. */
export interface PendingRequest {
    readonly id: RequestId;
    readonly method: string;
    readonly call: Call | undefined;
    /** Set when it has gone out on the fast path. */
    readonly fast?: FastRequest;
}

/** Their late answers are told apart from second ones: more than a server leaves unanswered for long. */
const MOST_GIVEN_UP = 1024;

/** The requests of a connection that wait for their answers, and which ids there have been. */
export class Pending {
    readonly #sent = new Map<RequestId, PendingRequest>();
    /** The ids that requests have had: the SDK counts, and has a few names beside. */
    #highest = -1;
    readonly #names = new Set<string>();
    /** The ids of requests that were given up, and not answered since: the oldest goes first. */
    readonly #givenUp = new Set<string>();

    add(sent: PendingRequest): void {
        const { id } = sent;
        this.#sent.set(id, sent);
        if (typeof id === 'string') this.#names.add(id);
        else if (id > this.#highest) this.#highest = id;
    }

    /** What has an id that is written as ours are. */
    get(id: RequestId): PendingRequest | undefined {
        return this.#sent.get(id);
    }

    /** A server may answer the id 5 with "5", as the SDK does; and header fields are texts. */
    find(id: RequestId): PendingRequest | undefined {
        const sent = this.#sent.get(id);
        if (sent || typeof id === 'number') return sent;
        const number = Number(id);
        return String(number) === id ? this.#sent.get(number) : undefined;
    }

    delete(id: RequestId): void {
        this.#sent.delete(id);
    }

    /** Nobody waits for the answer any more. */
    giveUp(id: RequestId): void {
        this.#sent.delete(id);
        this.#givenUp.add(String(id));
        if (this.#givenUp.size > MOST_GIVEN_UP) this.#givenUp.delete(this.#givenUp.values().next().value as string);
    }

    /** Whether an answer is the first to a request that was given up. */
    isLate(id: unknown): boolean {
        return this.#givenUp.delete(String(id));
    }

    /** All that waits now. */
    all(): PendingRequest[] {
        return [...this.#sent.values()];
    }

    /** Whether a request has had the id. */
    had(id: unknown): boolean {
        const key = String(id);
        return this.#names.has(key) || (/^\d+$/.test(key) && Number(key) <= this.#highest);
    }
}
