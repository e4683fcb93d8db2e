import { clear, set } from 'caisson:mcp/timers@0.1.0';

import { IdTable } from './id-table.js';

/** A delay that never ends. The core sets no timer of the host's for it. */
export const NEVER = Number.POSITIVE_INFINITY;

/** The longest delay of a web timer. Ours never fire after a longer delay, or one that is not finite. */
const LONGEST = 0x7fff_ffff;

const timers = new IdTable<() => void>();

type Callback = (...args: unknown[]) => void;

/** `setTimeout` on the host's clock. The id is 0 for a timer that never fires. */
export function setTimeout(callback: Callback, delay = 0, ...args: unknown[]): number {
    if (!(delay <= LONGEST)) return 0;
    const id = timers.add(() => {
        timers.delete(id);
        callback(...args);
    });
    set(id, Math.max(0, Math.ceil(delay)));
    return id;
}

/** `clearTimeout` on the host's clock. */
export function clearTimeout(id: number | undefined): void {
    if (id !== undefined && timers.delete(id)) clear(id);
}

/** Waits, on the host's clock. */
export function sleep(delay: number): Promise<void> {
    return new Promise(resolve => setTimeout(() => resolve(), delay));
}

/** The value of a promise; undefined when the delay ends first. */
export async function within<T>(promise: Promise<T>, delay: number): Promise<T | undefined> {
    const late = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => late.resolve(undefined), delay);
    try {
        return await Promise.race([promise, late.promise]);
    } finally {
        clearTimeout(timer);
    }
}

/** A time that can be stopped, and goes on where it was. */
export class Countdown {
    #timer: number | undefined;
    #since = 0;

    constructor(
        private readonly over: () => void,
        private left: number
    ) {
        this.go();
    }

    go(): void {
        if (this.#timer !== undefined) return;
        this.#since = Date.now();
        this.#timer = setTimeout(this.over, this.left);
    }

    stop(): void {
        if (this.#timer === undefined) return;
        clearTimeout(this.#timer);
        this.#timer = undefined;
        this.left = Math.max(this.left - (Date.now() - this.#since), 0);
    }
}

/** A timer of the host's is due. */
export function fire(id: number): void {
    timers.get(id)?.();
}
