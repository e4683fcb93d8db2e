// The interfaces of a request on the fast path. A build can leave the fast path out, so the folders below
// it know only these.
import type { JSONRPCMessage } from '@modelcontextprotocol/client';
import type { Json } from 'caisson:mcp/types@0.1.0';

import type { Call } from '../operations/calls.js';
import type { Params } from '../protocol/requests.js';

/** A request that was sent without the SDK. The SDK can take the request over at any time. */
export interface FastRequest {
    readonly id: number;
    readonly method: string;
    readonly params: Params;
    readonly call: Call;
    /** Whether the request was settled without the SDK. */
    readonly settled: boolean;
    /** Handles the result, and its text. Returns false when the SDK must handle the result. */
    onResult(result: Params, text: Json): boolean;
    /** Hands the request over to the SDK, as if the SDK had sent it. */
    handOver(): void;
    /** The message that the SDK would send, with JavaScript's numbers. */
    message(): JSONRPCMessage;
}

/** A transport that sends a request without a promise: the observer gets the answer. */
export interface FastTransport {
    /** Sends the text of a request's message. */
    post(request: FastRequest, text: string): void;
}
