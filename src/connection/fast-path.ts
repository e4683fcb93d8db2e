// The fast path as a connection and its session see it: the way of an ordinary request around what
// the SDK does for each. There may be none.
import type { Json } from 'caisson:mcp/types@0.1.0';

import type { Call } from '../operations/calls.js';
import type { Params } from '../protocol/requests.js';

/** A request for the fast path, and what is done with its result. */
export interface Submission {
    readonly method: string;
    readonly params: Params;
    /** The text of the params, when they are as the host gave them: an object with a member at least. */
    readonly text?: Json | undefined;
    /** Takes the result, and the text of it. */
    finish(result: Params, text: Json): void;
    /** The SDK has taken the request over, and this is what it will make of it. */
    handedOver(outcome: Promise<unknown>): void;
}

/** The fast path of one connection. */
export interface FastPath {
    /** Whether the connection's era is the newer one. */
    readonly modern: boolean;
    /** Whether a request may go this way: one that only asks, with nothing in it for the SDK. */
    takes(method: string, params: Params): boolean;
    /** Sends a request. The operation settles without the SDK when all goes as it mostly does. */
    send(call: Call, submission: Submission): void;
    /** Sends a request of an operation, which goes on with the result. */
    ask(call: Call, method: string, params: Params): Promise<unknown>;
}
