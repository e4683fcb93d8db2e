import type { JSONRPCMessage, RequestId } from '@modelcontextprotocol/client';

import type { FastRequest } from './fast-request.js';

/** What an exchange is for. Other than a request, it is a notification, or a stream of the server's own. */
export interface ExchangeOptions {
    /** The id of the JSON-RPC request that it carries. */
    readonly request?: RequestId;
    /** The request, when it is on the fast path. */
    readonly fast?: FastRequest;
    /** Who sends it on the fast path. */
    readonly listener?: ExchangeListener;
    /** The event after which a stream is to go on. */
    readonly lastEvent?: string;
    /** Whether it carries what has no answer: a notification, or an answer of ours. */
    readonly oneWay?: boolean;
}

/** Who sends a request on the fast path. */
export interface ExchangeListener {
    /** Messages came after the answer. */
    onMessages(messages: JSONRPCMessage[]): void;
    /** The exchange of a request is over. */
    onEnd(request: RequestId): void;
}
