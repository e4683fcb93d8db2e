// Signals that end by others, and after a time, as a script has them: the engine's own do neither.
import { setTimeout } from './timers.js';

/** `AbortSignal.any`. */
export function any(signals: Iterable<AbortSignal>): AbortSignal {
    const made = new AbortController();
    for (const signal of signals) {
        if (signal.aborted) {
            made.abort(signal.reason);
            break;
        }
        signal.addEventListener('abort', () => made.abort(signal.reason));
    }
    return made.signal;
}

/** `AbortSignal.timeout`. */
export function timeout(milliseconds: number): AbortSignal {
    const made = new AbortController();
    setTimeout(() => made.abort(new DOMException('the time is over', 'TimeoutError')), milliseconds);
    return made.signal;
}
