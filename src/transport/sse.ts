import type { JSONRPCMessage } from '@modelcontextprotocol/client';
import { SSEClientTransport } from '@modelcontextprotocol/client';

import { http } from '../operations/errors.js';
import { fetchFor } from './fetch.js';
import type { Observer } from './observer.js';
import { mediaType } from './response.js';

// The SDK deprecates the class with its transport, which some servers still speak.
/* eslint-disable @typescript-eslint/no-deprecated */

/** The SDK's transport of revision 2024-11-05, on the host's egress. */
export class SseTransport extends SSEClientTransport {
    constructor(
        url: URL,
        private readonly observer: Observer
    ) {
        const fetch = fetchFor(observer);
        super(url, {
            fetch: async (url, init) => {
                const response = await fetch(url, init);
                if (init?.method === 'POST' && response.ok && mediaType([...response.headers]) === 'application/json')
                    this.#answeredWith(await response.text());
                return response;
            }
        });
        observer.deliver = message => this.onmessage?.(message);
    }

    /** Answers belong on the stream; some servers put them into the response to the POST. */
    #answeredWith(body: string): void {
        const answer = this.observer.offered(body, true);
        if (answer) this.onmessage?.(answer);
    }

    override async send(message: JSONRPCMessage): Promise<void> {
        this.observer.sent(message);
        try {
            await super.send(message);
        } catch (error) {
            throw withStatus(error);
        }
    }
}

/** Turns the SDK's error into one with a status: the SDK's SSE transport has the status only in the text. */
function withStatus(error: unknown): unknown {
    const [, status, text] =
        (error instanceof Error && /^Error POSTing to endpoint \(HTTP (\d+)\): ([^]*)$/.exec(error.message)) || [];
    return status === undefined ? error : http(Number(status), text ?? '');
}
