import type { JSONRPCMessage } from '@modelcontextprotocol/client';
import type { Header } from 'caisson:mcp/types@0.1.0';

/**
 * The parts of a `Response` that the SDK uses, filled chunk by chunk. The engine's own makes a stream and its
 * promises for every body; this one only for a body that is read as a stream.
 */
export class HttpResponse {
    readonly ok: boolean;
    readonly statusText = '';
    readonly type = 'basic';
    readonly redirected = false;
    readonly #chunks: Uint8Array[] = [];
    #text: string | undefined;
    #ended = false;
    #error: Error | undefined;
    #stream: ReadableStreamDefaultController<Uint8Array> | undefined;
    #body: ReadableStream<Uint8Array> | undefined;
    #whole: PromiseWithResolvers<void> | undefined;
    #headers: Headers | undefined;
    /** The messages in the body, when the observer has read the whole body. */
    messages: JSONRPCMessage[] | undefined;

    constructor(
        readonly url: string,
        readonly status: number,
        private readonly fields: Header[],
        private readonly onCancel: () => void
    ) {
        this.ok = isSuccess(status);
    }

    /** The header fields, without those that Headers refuses. */
    get headers(): Headers {
        return (this.#headers ??= toHeaders(this.fields));
    }

    /** The media type of the body, without its parameters. */
    get mediaType(): string | undefined {
        return mediaType(this.fields);
    }

    /** The rest of the body as a stream. */
    get body(): ReadableStream<Uint8Array> {
        this.#body ??= new ReadableStream<Uint8Array>({
            start: controller => {
                this.#stream = controller;
                for (const chunk of this.#chunks.splice(0)) controller.enqueue(chunk);
                if (this.#text) controller.enqueue(new TextEncoder().encode(this.#text));
                this.#finish();
            },
            pull: () => this.#finish(),
            cancel: () => {
                this.#stream = undefined;
                this.onCancel();
            }
        });
        return this.#body;
    }

    /** The whole body, as UTF-8. */
    async text(): Promise<string> {
        if (!this.#ended) await (this.#whole ??= Promise.withResolvers()).promise;
        if (this.#error) throw this.#error;
        return this.whole();
    }

    /** The body, once it has ended; not for a body that is read as a stream. */
    whole(): string {
        return (this.#text ??= decode(this.#chunks.splice(0)));
    }

    /** The whole body, parsed: the observer's messages, when the observer has read the body. */
    async json(): Promise<unknown> {
        const text = await this.text();
        return this.messages ?? JSON.parse(text);
    }

    /** Adds bytes to the body. */
    push(chunk: Uint8Array): void {
        if (this.#stream) this.#stream.enqueue(chunk);
        else this.#chunks.push(chunk);
    }

    /** Sets the whole body, and ends it. */
    endWith(body: string): void {
        this.#text = body;
        this.end();
    }

    /** Ends the body; with an error, the body is not whole. */
    end(error?: Error): void {
        this.#ended = true;
        this.#error = error;
        this.#finish();
        this.#whole?.resolve();
    }

    #finish(): void {
        if (!this.#ended || !this.#stream) return;
        if (this.#error) {
            // An error discards what was not read from the stream yet, so it waits for the next pull.
            if ((this.#stream.desiredSize ?? 1) < 1) return;
            this.#stream.error(this.#error);
        } else this.#stream.close();
        this.#stream = undefined;
    }
}

/** Whether a status says that the request was successful (RFC 9110, section 15.3). */
export function isSuccess(status: number): boolean {
    return status >= 200 && status < 300;
}

/** The media type that header fields name, without its parameters. */
export function mediaType(fields: Header[]): string | undefined {
    for (let i = 0; i < fields.length; i++) {
        const field = fields[i] as Header;
        if (field[0] !== 'content-type') continue;
        const type = field[1];
        return type === 'application/json' ? type : type.split(';', 1)[0]?.trim().toLowerCase();
    }
    return undefined;
}

/** Whether a body may hold messages, by its header fields. */
export function mayAnswer(fields: Header[]): boolean {
    const type = mediaType(fields);
    return type === 'application/json' || type === 'text/event-stream';
}

/** Bytes in pieces, as UTF-8. */
function decode(chunks: Uint8Array[]): string {
    const decoder = new TextDecoder();
    return chunks.map(chunk => decoder.decode(chunk, { stream: true })).join('') + decoder.decode();
}

/** Response header fields as Headers, without those that Headers refuses. */
export function toHeaders(fields: Header[]): Headers {
    const headers = new Headers();
    for (const [name, value] of fields) {
        try {
            headers.append(name, value);
        } catch {
            // HTTP does not allow the name or the value.
        }
    }
    return headers;
}
