import type { JSONRPCMessage, RequestId } from '@modelcontextprotocol/client';

import type { FastRequest } from './fast-request.js';

/** What an exchange is for: a request, a notification, or a stream of the server's own. */
export interface ExchangeOptions {
    /** The id of the JSON-RPC request in the body. */
    readonly request?: RequestId;
    /** The request on the fast path. */
    readonly fast?: FastRequest;
    /** The transport of the request on the fast path. */
    readonly listener?: ExchangeListener;
    /** The id of the event after which a stream resumes. */
    readonly lastEvent?: string;
    /** Whether it is a part of the authorization. */
    readonly authorizes?: boolean;
    /** Whether the body has no answer: a notification, or an answer of ours. */
    readonly oneWay?: boolean;
}

/** The transport of a request on the fast path. */
export interface ExchangeListener {
    /** Called with messages that came after the answer. */
    onMessages(messages: JSONRPCMessage[]): void;
    /** Called at the end of a request's exchange. */
    onEnd(request: RequestId): void;
}
