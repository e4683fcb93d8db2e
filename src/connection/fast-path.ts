// The interface of the fast path to a connection and its session. On the fast path an ordinary request
// goes around the SDK. A build, or a connection, may have no fast path.
import type { Json } from 'caisson:mcp/types@0.1.0';

import type { Call } from '../operations/calls.js';
import type { Params } from '../protocol/requests.js';

/** A request for the fast path, and the callbacks for its result. */
export interface Submission {
    readonly method: string;
    readonly params: Params;
    /** The text of the params as the host gave them, when they have at least one member. */
    readonly text?: Json | undefined;
    /** Called with the result and its text. */
    finish(result: Params, text: Json): void;
    /** Called when the SDK has taken the request over, with the outcome that the SDK will give. */
    handedOver(outcome: Promise<unknown>): void;
}

/** The fast path of one connection. */
export interface FastPath {
    /** Whether the connection's era is the newer one. */
    readonly modern: boolean;
    /** Whether a request may take the fast path: it only reads, and has nothing in it for the SDK. */
    takes(method: string, params: Params): boolean;
    /** Sends a request. An ordinary answer settles the operation without the SDK. */
    send(call: Call, submission: Submission): void;
    /** Sends a request of an operation that goes on with the result. */
    ask(call: Call, method: string, params: Params): Promise<unknown>;
}
