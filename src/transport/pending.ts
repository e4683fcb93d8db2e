import type { RequestId } from '@modelcontextprotocol/client';

import type { Call } from '../operations/calls.js';
import type { FastRequest } from './fast-request.js';

/** A request that waits for its answer. Some requests of the SDK's belong to no operation. */
export interface PendingRequest {
    readonly id: RequestId;
    readonly method: string;
    readonly call: Call | undefined;
    /** Set when the request was sent on the fast path. */
    readonly fast?: FastRequest;
}

/** How many cancelled requests are remembered, so that a late answer is told from a second one. */
const MOST_GIVEN_UP = 1024;

/** The requests of a connection that wait for their answers, and the ids that requests have had. */
export class Pending {
    readonly #sent = new Map<RequestId, PendingRequest>();
    /** The ids that requests have had: the SDK counts, and uses a few names besides. */
    #highest = -1;
    readonly #names = new Set<string>();
    /** The ids of cancelled requests that are not answered yet, the oldest first. */
    readonly #givenUp = new Set<string>();

    add(sent: PendingRequest): void {
        const { id } = sent;
        this.#sent.set(id, sent);
        if (typeof id === 'string') this.#names.add(id);
        else if (id > this.#highest) this.#highest = id;
    }

    /** The request with exactly this id. */
    get(id: RequestId): PendingRequest | undefined {
        return this.#sent.get(id);
    }

    /**
     * The request with this id, also as a text: servers may answer the id 5 with "5", and header fields are
     * texts.
     */
    find(id: RequestId): PendingRequest | undefined {
        const sent = this.#sent.get(id);
        if (sent || typeof id === 'number') return sent;
        const number = Number(id);
        return String(number) === id ? this.#sent.get(number) : undefined;
    }

    delete(id: RequestId): void {
        this.#sent.delete(id);
    }

    /** Removes a request whose answer nobody waits for any more. */
    giveUp(id: RequestId): void {
        this.#sent.delete(id);
        this.#givenUp.add(String(id));
        if (this.#givenUp.size > MOST_GIVEN_UP) this.#givenUp.delete(this.#givenUp.values().next().value as string);
    }

    /** Whether an answer is the first to a cancelled request. */
    isLate(id: unknown): boolean {
        return this.#givenUp.delete(String(id));
    }

    /** All requests that wait. */
    all(): PendingRequest[] {
        return [...this.#sent.values()];
    }

    /** Whether a request has had the id. */
    had(id: unknown): boolean {
        const key = String(id);
        return this.#names.has(key) || (/^\d+$/.test(key) && Number(key) <= this.#highest);
    }
}
