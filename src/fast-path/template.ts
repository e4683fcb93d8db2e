import type { HttpRequest } from 'caisson:mcp/egress@0.1.0';
import { httpPost, httpPrepare } from 'caisson:mcp/egress@0.1.0';
import type { SessionId, TemplateId } from 'caisson:mcp/types@0.1.0';

import type { Prepared } from '../transport/fetch.js';

/** How many templates the host keeps. */
const MOST = 1024;

/** The templates that the host keeps, by their ids. The next one replaces the oldest. */
const kept: Template[] = [];
let next = 0;

/** A request that is sent often with different bodies: the host keeps everything but the body. */
export class Template implements Prepared {
    #id: TemplateId | undefined;

    constructor(
        private readonly session: SessionId,
        private readonly request: HttpRequest
    ) {}

    post(exchange: number, body: string): void {
        httpPost(exchange, this.#id ?? this.#keep(), body);
    }

    #keep(): TemplateId {
        const id = next;
        const displaced = kept[id];
        if (displaced) displaced.#id = undefined;
        next = (next + 1) % MOST;
        kept[id] = this;
        this.#id = id;
        httpPrepare(id, this.session, this.request);
        return id;
    }
}
