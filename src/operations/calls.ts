import { settle } from 'caisson:mcp/host@0.1.0';
import type { CallId, Json, RpcError, SessionId } from 'caisson:mcp/types@0.1.0';
import type { RequestId } from '@modelcontextprotocol/client';
import { ProtocolError } from '@modelcontextprotocol/client';

import { CallFailure, failure, toError, toFailure } from './errors.js';

/** The operations that have not settled. */
const calls = new Map<CallId, Call>();

/** One operation: from the host's call of an export until it settles. */
export class Call {
    #controller: AbortController | undefined;
    #settled = false;

    /** The request that was sent last for this operation, by its id. */
    request: RequestId | undefined;
    /** What the server answered to it, untouched. */
    result: Json | undefined;
    rpc: RpcError | undefined;
    /** Whether the server has asked for input: what it answers then depends on that, too. */
    asked = false;
    /** Milliseconds that it has waited because the server told it to. */
    waited = 0;
    /** How often. */
    waits = 0;
    /** Whether the host is to have the server's own result, whatever is in it. */
    raw = false;
    /** Why there was no answer, where the SDK cannot know it. */
    failure: CallFailure | undefined;
    /** Its request while that is on the fast path; the SDK can take it over. */
    fast: { handOver(): void } | undefined;
    /** What the SDK makes of a request that was handed over to it. */
    handedOver: Promise<unknown> | undefined;

    constructor(
        readonly id: CallId,
        readonly session: SessionId,
        readonly step: string,
        /** The operation that it is a part of, and is given up with. */
        private readonly whole?: Call
    ) {}

    /** Aborted when nobody waits for the outcome any more. */
    get signal(): AbortSignal {
        return this.whole?.signal ?? (this.#controller ??= new AbortController()).signal;
    }

    get settled(): boolean {
        return this.whole?.settled ?? this.#settled;
    }

    /** Throws when nobody waits for the outcome any more. */
    check(): void {
        if (this.#settled) throw failure('cancelled', 'the operation was given up');
    }

    /** A request is sent for this operation: what was answered before does not count any more. */
    begin(request: RequestId): void {
        this.request = request;
        this.answered({});
    }

    /** The server has answered. */
    answered({ result, rpc }: { result?: Json; rpc?: RpcError }): void {
        this.result = result;
        this.rpc = rpc;
        this.failure = undefined;
    }

    /** Settles with a result. */
    resolve(result: Json): void {
        if (this.#end()) settle(this.id, { tag: 'ok', val: result });
    }

    /** Settles with what the work returns or throws, whenever that is. */
    follow(work: Promise<Json>): void {
        work.then(
            result => this.resolve(result),
            (thrown: unknown) => this.reject(thrown)
        );
    }

    /** Settles with whatever was thrown. */
    reject(thrown: unknown): void {
        if (this.#end()) settle(this.id, { tag: 'err', val: toError(this.cause(thrown), this.step) });
    }

    /** Why whatever was thrown was. What the server answered says more than what the SDK made of it. */
    cause(thrown: unknown): CallFailure {
        if (this.failure) return this.failure;
        if (this.rpc && thrown instanceof ProtocolError) return new CallFailure({ tag: 'rpc', val: this.rpc });
        return toFailure(thrown);
    }

    /** Why the answer to its request was of no use. */
    get refusal(): CallFailure {
        if (this.failure) return this.failure;
        if (this.rpc) return new CallFailure({ tag: 'rpc', val: this.rpc });
        return failure('protocol', 'an answer of no use');
    }

    /** Settles with a failure and stops the work. The reason is what the server is told. */
    abort(cause: CallFailure, reason = cause.message): void {
        this.failure = cause;
        this.reject(cause);
        // Who tells the server is the SDK.
        this.fast?.handOver();
        (this.#controller ??= new AbortController()).abort(reason);
    }

    #end(): boolean {
        if (this.#settled) return false;
        this.#settled = true;
        if (calls.get(this.id) === this) calls.delete(this.id);
        return true;
    }
}

/** Begins an operation; undefined when its id is in use, and it has settled with that. */
export function open(id: CallId, session: SessionId, step: string): Call | undefined {
    const call = new Call(id, session, step);
    if (calls.has(id)) {
        call.reject(failure('invalid-argument', `call id ${id} is in use`));
        return undefined;
    }
    calls.set(id, call);
    return call;
}

/** Begins an operation that settles with what the work returns or throws, whenever that is. */
export function begin(id: CallId, session: SessionId, step: string, work: (call: Call) => Promise<Json>): void {
    const call = open(id, session, step);
    if (call) call.follow(work(call));
}

/** Gives up an operation, if it is there. */
export function cancel(id: CallId, reason: string): void {
    calls.get(id)?.abort(failure('cancelled', reason), reason);
}

/** Settles every operation of a session, except one. What they do ends with the connection. */
export function rejectAll(session: SessionId, cause: CallFailure, except?: Call): void {
    for (const call of [...calls.values()]) {
        if (call.session !== session || call === except) continue;
        call.failure = cause;
        call.reject(cause);
    }
}
