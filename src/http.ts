import type { JSONRPCMessage, RequestId, TransportSendOptions } from '@modelcontextprotocol/client';
import { SSEClientTransport, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

import { failure, http } from './errors.js';
import { REQUEST_ID, fetchFor } from './fetch.js';
import type { Tap } from './tap.js';

/** The same as TransportSendOptions, but for what exactOptionalPropertyTypes makes of it. */
type SendOptions = Parameters<StreamableHTTPClientTransport['send']>[1];

/** The SDK's Streamable HTTP transport, on the host's egress. No request stays without an end. */
export class HttpTransport extends StreamableHTTPClientTransport {
    constructor(
        url: URL,
        private readonly tap: Tap,
        fetch = fetchFor(tap)
    ) {
        super(url, { fetch });
        tap.deliver = message => this.onmessage?.(message);
    }

    override async send(message: JSONRPCMessage | JSONRPCMessage[], options?: TransportSendOptions): Promise<void> {
        const id = Array.isArray(message) ? undefined : this.tap.sent(message);
        await super.send(message, (id === undefined ? options : this.#observed(id, options)) as SendOptions);
    }

    #observed(id: RequestId, options: TransportSendOptions | undefined): TransportSendOptions {
        return {
            ...options,
            headers: { ...options?.headers, [REQUEST_ID]: String(id) },
            // A cancelled request's stream may otherwise stay open for good: in the older revisions the
            // server is told by a message and need not end it.
            requestSignal: options?.requestSignal ?? this.tap.waiting(id)?.signal,
            onRequestStreamEnd: () => {
                options?.onRequestStreamEnd?.();
                if (!this.tap.waits(id)) return;
                const ended = failure('transport', 'the stream ended before the answer came');
                this.tap.fail(id, this.tap.waiting(id)?.failure ?? ended);
            }
        };
    }
}

// Deprecated with its transport, which servers still speak.
/* eslint-disable @typescript-eslint/no-deprecated */

/** The SDK's transport of revision 2024-11-05, on the host's egress. */
export class SseTransport extends SSEClientTransport {
    constructor(
        url: URL,
        private readonly tap: Tap
    ) {
        super(url, { fetch: fetchFor(tap) });
        tap.deliver = message => this.onmessage?.(message);
    }

    override async send(message: JSONRPCMessage): Promise<void> {
        this.tap.sent(message);
        try {
            await super.send(message);
        } catch (error) {
            throw withStatus(error);
        }
    }
}

/** The SDK's SSE transport tells a status only in its text. */
function withStatus(error: unknown): unknown {
    const [, status, text] =
        (error instanceof Error && /^Error POSTing to endpoint \(HTTP (\d+)\): ([^]*)$/.exec(error.message)) || [];
    return status === undefined ? error : http(Number(status), text ?? '');
}
