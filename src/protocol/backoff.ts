// The delays before the client asks a server again. A server may ask for a delay, and gets it within
// bounds: the client never asks without a pause, and never waits without an end.
import type { Header } from 'caisson:mcp/types@0.1.0';

/** The first delay. It doubles while a server gives nothing, up to the second bound. */
const SHORTEST_MS = 100;
const LONGEST_FLOOR_MS = 10_000;

/** No delay is longer, whatever a server asks for. */
const LONGEST_MS = 60_000;

/** How often one operation waits because its server is busy. Mostly its retry budget ends first. */
export const MOST_WAITS = 100;

/** The shortest interval between two polls of a task, and the one while the task does not change. */
const SHORTEST_POLL_MS = 20;
const POLL_MS = 1000;

/** The delays between attempts. They grow exponentially while the attempts fail. */
export class Backoff {
    #failures = 0;

    constructor(
        private readonly first = SHORTEST_MS,
        private readonly longest = LONGEST_FLOOR_MS
    ) {}

    /** The next delay in milliseconds: the one that the server asks for, within the bounds. */
    next(asked?: number): number {
        const floor = Math.min(this.first * 2 ** this.#failures++, this.longest);
        return Math.min(Math.max(milliseconds(asked), floor), Math.max(LONGEST_MS, floor));
    }

    /** An attempt has succeeded. */
    reset(): void {
        this.#failures = 0;
    }
}

/**
 * Milliseconds until a busy server gets the same request again, for the `attempt`-th time: what its
 * `Retry-After` asks for (RFC 9110, section 10.2.3), but not less than a floor that grows. Undefined
 * when the server has sent no `Retry-After`.
 */
export function retryDelay(headers: Header[], attempt: number): number | undefined {
    const value = headers.find(([name]) => name === 'retry-after')?.[1].trim();
    if (value === undefined || value === '') return undefined;
    return Math.max(milliseconds(retryAfter(value)), Math.min(SHORTEST_MS * 2 ** attempt, LONGEST_FLOOR_MS));
}

/** The milliseconds that a `Retry-After` stands for: seconds, or a date. Anything else counts as 0. */
function retryAfter(value: string): number {
    if (/^\d+(\.\d*)?$/.test(value)) return Number(value) * 1000;
    return DATE.test(value) ? Date.parse(value) - Date.now() : 0;
}

/** The three forms of a date (RFC 9110, section 5.6.7) begin with the day of the week. */
const DATE = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? /;

/** Milliseconds until the next poll of a task, after `same` polls that showed no change. */
export function pollDelay(asked: unknown, same: number): number {
    const delay = typeof asked === 'number' && !Number.isNaN(asked) ? asked : POLL_MS;
    return Math.min(Math.max(delay, Math.min(SHORTEST_POLL_MS * 1.5 ** same, POLL_MS)), LONGEST_MS);
}

/** A number of milliseconds from a server; anything else counts as 0. */
export function milliseconds(value: unknown): number {
    return typeof value === 'number' && value > 0 ? value : 0;
}
