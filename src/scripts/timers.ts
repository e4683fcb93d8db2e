// Timers as a script has them: of any length, and one kind of id for all of them.
import { IdTable } from '../platform/id-table.js';
import * as platform from '../platform/timers.js';

type Callback = (...args: unknown[]) => void;

/** The longest that the core's own timers wait. What is later is waited for in parts. */
const LONGEST = 0x7fff_ffff;

/** The core's timer that each timer waits for now. */
const timers = new IdTable<number>();

/** `setTimeout`. What is no number is 0, and what is infinite never comes. */
export function setTimeout(callback: Callback, delay?: unknown, ...args: unknown[]): number {
    return start(callback, milliseconds(delay), args, false);
}

/** `setInterval`, of a millisecond at least. */
export function setInterval(callback: Callback, delay?: unknown, ...args: unknown[]): number {
    return start(callback, Math.max(milliseconds(delay), 1), args, true);
}

/** `clearTimeout`, and `clearInterval`. */
export function clearTimeout(id: number): void {
    platform.clearTimeout(timers.take(id));
}

/** Waits. */
export function sleep(delay?: unknown): Promise<void> {
    return new Promise(kept => start(() => kept(), milliseconds(delay), [], false));
}

function milliseconds(delay: unknown): number {
    const number = Number(delay ?? 0);
    return number > 0 ? number : 0;
}

function start(callback: Callback, delay: number, args: unknown[], again: boolean): number {
    if (typeof callback !== 'function') throw new TypeError('the callback of a timer is not a function');
    const id = timers.add(0);
    const wait = (left: number) => {
        if (left === Infinity) return;
        const part = Math.min(left, LONGEST);
        const over = () => {
            if (left > part) {
                wait(left - part);
                return;
            }
            if (again) wait(delay);
            else timers.delete(id);
            callback(...args);
        };
        timers.set(id, platform.setTimeout(over, part));
    };
    wait(delay);
    return id;
}
