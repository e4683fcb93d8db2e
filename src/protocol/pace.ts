// What a server says about time, and what is made of it. A server may ask for patience; it may not
// ask to be asked without a pause, nor to be waited for without an end.
import type { Header } from 'caisson:mcp/types@0.1.0';

/** No server is asked again sooner than this, and sooner than after this none is asked that gave nothing. */
const SHORTEST_MS = 100;
const LONGEST_FLOOR_MS = 10_000;

/** No wait is longer: what a server says beyond it is not believed. */
const LONGEST_MS = 60_000;

/** How often one operation waits because its server is busy. Its budget is mostly spent before. */
export const MOST_WAITS = 100;

/** A task is asked for at once again, at most, and a second later while it stays what it was. */
const SHORTEST_POLL_MS = 20;
const POLL_MS = 1000;

/** A day: a result is not kept for longer. */
const LONGEST_LIFE_MS = 86_400_000;

/** The pauses between one attempt and the next, which grow while nothing is gained. */
export class Pace {
    #barren = 0;

    constructor(
        private readonly first = SHORTEST_MS,
        private readonly longest = LONGEST_FLOOR_MS
    ) {}

    /** The next pause, in milliseconds: what the server says, within the bounds. */
    next(said?: number): number {
        const floor = Math.min(this.first * 2 ** this.#barren++, this.longest);
        return Math.min(Math.max(number(said), floor), Math.max(LONGEST_MS, floor));
    }

    /** Something came of an attempt. */
    gained(): void {
        this.#barren = 0;
    }
}

/**
 * Milliseconds to wait before a request is sent again that the server could not take, the
 * `attempt`-th time: what its `Retry-After` asks for (RFC 9110, section 10.2.3), but not less than a
 * floor that grows. Undefined when the server does not ask for it.
 */
export function busy(headers: Header[], attempt: number): number | undefined {
    const value = headers.find(([name]) => name === 'retry-after')?.[1].trim();
    if (value === undefined || value === '') return undefined;
    return Math.max(number(retryAfter(value)), Math.min(SHORTEST_MS * 2 ** attempt, LONGEST_FLOOR_MS));
}

/** A number of seconds, or a date; what is neither asks for nothing in particular. */
function retryAfter(value: string): number {
    if (/^\d+(\.\d*)?$/.test(value)) return Number(value) * 1000;
    return DATE.test(value) ? Date.parse(value) - Date.now() : 0;
}

/** The three forms of a date (RFC 9110, section 5.6.7) begin with the day of the week. */
const DATE = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? /;

/** Milliseconds until a task is asked for again, `same` times after it was what it is. */
export function poll(said: unknown, same: number): number {
    const delay = typeof said === 'number' && !Number.isNaN(said) ? said : POLL_MS;
    return Math.min(Math.max(delay, Math.min(SHORTEST_POLL_MS * 1.5 ** same, POLL_MS)), LONGEST_MS);
}

/** Milliseconds that a result may be kept; 0 for a result that may not. */
export function life(said: unknown): number {
    return Math.min(number(said), LONGEST_LIFE_MS);
}

/** What is no number of milliseconds is none at all. */
function number(said: unknown): number {
    return typeof said === 'number' && said > 0 ? said : 0;
}
