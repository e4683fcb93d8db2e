// What the rest of the core knows of a request on the fast path. The fast path itself can be left
// out: nothing below it names more than these.
import type { JSONRPCMessage } from '@modelcontextprotocol/client';
import type { Json } from 'caisson:mcp/types@0.1.0';

import type { Call } from '../operations/calls.js';
import type { Params } from '../protocol/requests.js';

/** A request that has gone out without the SDK, which can take it over at any time. */
export interface FastRequest {
    readonly id: number;
    readonly method: string;
    readonly params: Params;
    readonly call: Call;
    /** Whether it was answered, and the SDK knows nothing of it. */
    readonly settled: boolean;
    /** Takes a result, and the text of it. False when the SDK is to have it. */
    onResult(result: Params, text: Json): boolean;
    /** Has the SDK take the request over, as if it had sent it. */
    handOver(): void;
    /** The message that the SDK would send, with numbers as JavaScript has them. */
    message(): JSONRPCMessage;
}

/** A transport that sends a request and tells what becomes of it without a promise. */
export interface FastTransport {
    /** Sends a request, whose message has this text. */
    post(request: FastRequest, text: string): void;
}
