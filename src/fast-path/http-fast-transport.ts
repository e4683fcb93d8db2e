import type { JSONRPCMessage, RequestId } from '@modelcontextprotocol/client';

import type { FastRequest, FastTransport } from '../transport/fast-request.js';
import type { HttpTransport } from '../transport/http.js';
import type { ExchangeListener } from '../transport/exchange-options.js';
import { Template } from './template.js';

/** A template, and the header fields in it that its key does not determine. */
interface Kept {
    readonly template: Template;
    readonly protocolVersion: string | undefined;
    readonly sessionId: string | undefined;
}

/** The most templates of a connection: more than a server has tools that are called often. */
const MOST_TEMPLATES = 256;

/** Sends requests of the fast path over Streamable HTTP: the host keeps each request's template. */
export class HttpFastTransport implements FastTransport, ExchangeListener {
    readonly #templates = new Map<string, Kept>();

    constructor(private readonly transport: HttpTransport) {}

    post(request: FastRequest, text: string): void {
        const { egress, fastExchanges } = this.transport;
        fastExchanges.set(request.id, egress.postFast(request, this.#template(request), text, this));
    }

    onMessages(messages: JSONRPCMessage[]): void {
        for (const message of messages) this.transport.onmessage?.(message);
    }

    onEnd(request: RequestId): void {
        this.transport.fastExchanges.delete(request);
    }

    /**
     * The template of a request: all but its body, which is the same for each call of a tool. The header fields
     * have the name of a tool or a prompt, and the URI of a resource.
     */
    #template(request: FastRequest): Template {
        const { method, params } = request;
        const key = `${method} ${String(params['name'] ?? params['uri'])}`;
        const { observer, protocolVersion, sessionId, url } = this.transport;
        let kept = this.#templates.get(key);
        if (!kept || kept.protocolVersion !== protocolVersion || kept.sessionId !== sessionId) {
            const headers = this.transport.headersFor(request.message());
            const template = new Template(observer.session, { method: 'POST', url: url.href, headers });
            kept = { template, protocolVersion, sessionId };
            if (this.#templates.size >= MOST_TEMPLATES) this.#templates.clear();
            this.#templates.set(key, kept);
        }
        return kept.template;
    }
}
