// Ends the streams that a server leaves open after its answer. The server should end them (specification,
// basic/transports). A server that never does would hold one connection for each call.
import { clearTimeout, setTimeout } from '../platform/timers.js';

/** How long a stream may stay open after its last event. */
const GRACE_MS = 1000;

/** How many idle streams a connection may have. The one that has been idle for longest is ended first. */
const MOST = 16;

/** A stream that can be ended. */
interface IdleStream {
    expire(): void;
}

/** The streams of one connection that are open after their answer. */
export class IdleStreams {
    /** When each stream had its last event, the earliest first. */
    readonly #since = new Map<IdleStream, number>();
    #timer: number | undefined;

    /** Called when a stream has had its answer, and for each later event. */
    touch(stream: IdleStream): void {
        this.#since.delete(stream);
        this.#since.set(stream, Date.now());
        if (this.#since.size > MOST) this.#drop(this.#since.keys().next().value as IdleStream);
        // One timer for all streams, which is not cleared: most streams end at once.
        this.#timer ??= setTimeout(() => this.#sweep(), GRACE_MS);
    }

    /** Called when a stream has ended. */
    delete(stream: IdleStream): void {
        this.#since.delete(stream);
    }

    /** Called when the connection closes. */
    close(): void {
        clearTimeout(this.#timer);
        this.#timer = undefined;
        this.#since.clear();
    }

    #sweep(): void {
        this.#timer = undefined;
        const now = Date.now();
        for (const [stream, since] of this.#since) {
            if (since + GRACE_MS > now) {
                this.#timer = setTimeout(() => this.#sweep(), since + GRACE_MS - now);
                return;
            }
            this.#drop(stream);
        }
    }

    #drop(stream: IdleStream): void {
        this.#since.delete(stream);
        stream.expire();
    }
}
