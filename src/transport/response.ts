import type { JSONRPCMessage } from '@modelcontextprotocol/client';
import type { Header } from 'caisson:mcp/types@0.1.0';

/**
 * As much of a `Response` as the SDK uses, fed chunk by chunk. The engine's own costs a stream and
 * its promises for every body; here only a body that is read as a stream does.
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
    /** The messages in the body, when the observer has heard it whole. */
    messages: JSONRPCMessage[] | undefined;

    constructor(
        readonly url: string,
        readonly status: number,
        private readonly fields: Header[],
        private readonly onCancel: () => void
    ) {
        this.ok = isSuccess(status);
    }

    /** The header fields. What the host passes on and Headers refuses is left out. */
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

    /** The body when it has ended, unless it is read as a stream. */
    whole(): string {
        return (this.#text ??= decode(this.#chunks.splice(0)));
    }

    /** The whole body, parsed: the messages that the observer has taken, when it has heard the body. */
    async json(): Promise<unknown> {
        const text = await this.text();
        return this.messages ?? JSON.parse(text);
    }

    /** The next bytes came in. */
    push(chunk: Uint8Array): void {
        if (this.#stream) this.#stream.enqueue(chunk);
        else this.#chunks.push(chunk);
    }

    /** This is the whole body. */
    endWith(body: string): void {
        this.#text = body;
        this.end();
    }

    /** The body is over; with an error, it is not whole. */
    end(error?: Error): void {
        this.#ended = true;
        this.#error = error;
        this.#finish();
        this.#whole?.resolve();
    }

    #finish(): void {
        if (!this.#ended || !this.#stream) return;
        if (this.#error) {
            // An error takes from a stream what was not read yet: that is for the next pull.
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

/** Response header fields as Headers. What the host passes on and Headers refuse is left out. */
function toHeaders(fields: Header[]): Headers {
    const headers = new Headers();
    for (const [name, value] of fields) {
        try {
            headers.append(name, value);
        } catch {
            // A name or a value that HTTP does not allow.
        }
    }
    return headers;
}
