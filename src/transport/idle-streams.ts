// Streams that a server leaves open after it has answered, though it should end them (specification,
// basic/transports): each holds a connection, and a server that never does it holds one for each call.
import { clearTimeout, setTimeout } from '../platform/timers.js';

/** How long a stream may stay open after the last that came on it. */
const GRACE_MS = 1000;

/** How many such streams a connection has at most: the one that has said nothing for longest goes first. */
const MOST = 16;

/** What can be given up. */
interface IdleStream {
    expire(): void;
}

/** The streams of one connection that have had their answer. */
export class IdleStreams {
    /** When each was last heard of, the earliest first. */
    readonly #since = new Map<IdleStream, number>();
    #timer: number | undefined;

    /** A stream has had its answer, or goes on after it. */
    touch(stream: IdleStream): void {
        this.#since.delete(stream);
        this.#since.set(stream, Date.now());
        if (this.#since.size > MOST) this.#drop(this.#since.keys().next().value as IdleStream);
        // One timer for all, which is not taken back: most streams end at once.
        this.#timer ??= setTimeout(() => this.#sweep(), GRACE_MS);
    }

    /** A stream has ended. */
    delete(stream: IdleStream): void {
        this.#since.delete(stream);
    }

    /** The connection is over. */
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
