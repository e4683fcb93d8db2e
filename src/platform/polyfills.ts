// The parts of a web platform that the SDK and its dependencies expect, and that the engine lacks or
// implements by waiting inside the component. Imported first: the SDK reads some of them on load.
import { clearTimeout, setTimeout } from './timers.js';

/** Bytes to text, chunk by chunk. */
class TextDecoderStream {
    readonly readable: ReadableStream<string>;
    readonly writable: WritableStream<Uint8Array>;

    constructor(label = 'utf-8', options: TextDecoderOptions = {}) {
        const decoder = new TextDecoder(label, options);
        const { readable, writable } = new TransformStream<Uint8Array, string>({
            transform(chunk, controller) {
                const text = decoder.decode(chunk, { stream: true });
                if (text) controller.enqueue(text);
            },
            flush(controller) {
                const text = decoder.decode();
                if (text) controller.enqueue(text);
            }
        });
        this.readable = readable;
        this.writable = writable;
    }
}

/** The event that an EventSource dispatches. */
class MessageEvent extends Event {
    readonly data: unknown;
    readonly origin: string;
    readonly lastEventId: string;

    constructor(type: string, init: MessageEventInit = {}) {
        super(type);
        this.data = init.data;
        this.origin = init.origin ?? '';
        this.lastEventId = init.lastEventId ?? '';
    }
}

/**
 * The result of `AbortSignal.any`. The engine's own is aborted from the start. Only our `fetch` gets this
 * one,
 * so it has no more of a signal than `fetch` uses. It listens to its sources only while it has listeners.
 */
class AnySignal {
    constructor(private readonly signals: AbortSignal[]) {}

    get aborted(): boolean {
        return this.signals.some(signal => signal.aborted);
    }

    get reason(): unknown {
        return this.signals.find(signal => signal.aborted)?.reason as unknown;
    }

    addEventListener(type: 'abort', listener: () => void): void {
        for (const signal of this.signals) signal.addEventListener(type, listener);
    }

    removeEventListener(type: 'abort', listener: () => void): void {
        for (const signal of this.signals) signal.removeEventListener(type, listener);
    }
}

/** Fails: each transport has its own fetch, bound to a session. Nothing may go out without a session. */
function fetch(): Promise<never> {
    return Promise.reject(new TypeError('fetch without a session'));
}

Object.assign(globalThis, {
    setTimeout,
    clearTimeout,
    fetch,
    TextDecoderStream,
    MessageEvent
});

// The engine seeds its own once, at build time: all instances would have the same numbers.
Object.assign(Math, { random: () => (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) / 2 ** 32 });

Object.assign(AbortSignal, { any: (signals: AbortSignal[]) => new AnySignal(signals) });

Object.assign(URL, {
    canParse(url: string | URL, base?: string | URL) {
        try {
            new URL(url, base);
            return true;
        } catch {
            return false;
        }
    }
});
