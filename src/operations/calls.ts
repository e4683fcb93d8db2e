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

    /** The id of the last request that was sent for this operation. */
    request: RequestId | undefined;
    /** The result that the server answered to that request, untouched. */
    result: Json | undefined;
    rpc: RpcError | undefined;
    /** Whether the server has asked for input: then the answer depends on the input too. */
    asked = false;
    /** Milliseconds that the operation has waited because of `Retry-After`. */
    waited = 0;
    /** How often the operation has waited. */
    waits = 0;
    /** Whether the host gets the server's own result even when it is invalid. */
    raw = false;
    /** Why there was no answer, when the SDK cannot know the cause. */
    failure: CallFailure | undefined;
    /** The operation's request while it is on the fast path; the SDK can take the request over. */
    fast: { handOver(): void } | undefined;
    /** The SDK's outcome of a request that it took over. */
    handedOver: Promise<unknown> | undefined;

    constructor(
        readonly id: CallId,
        readonly session: SessionId,
        readonly step: string,
        /** The operation that this one is a part of, and is cancelled with. */
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

    /** Called when a request is sent for this operation: forgets the earlier answer. */
    begin(request: RequestId): void {
        this.request = request;
        this.answered({});
    }

    /** Keeps the server's answer. */
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

    /** The cause of an exception. The server's own answer says more than the SDK's error. */
    cause(thrown: unknown): CallFailure {
        if (this.failure) return this.failure;
        if (this.rpc && thrown instanceof ProtocolError) return new CallFailure({ tag: 'rpc', val: this.rpc });
        return toFailure(thrown);
    }

    /** Why the answer to the operation's request was of no use. */
    get refusal(): CallFailure {
        if (this.failure) return this.failure;
        if (this.rpc) return new CallFailure({ tag: 'rpc', val: this.rpc });
        return failure('protocol', 'an answer of no use');
    }

    /** Settles with a failure and stops the work. `reason` goes to the server. */
    abort(cause: CallFailure, reason = cause.message): void {
        this.failure = cause;
        this.reject(cause);
        // The SDK tells the server.
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

/**
 * Begins an operation. Returns undefined when its id is in use: the operation has then settled with an error.
 */
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

/** Cancels an operation, if it has not settled. */
export function cancel(id: CallId, reason: string): void {
    calls.get(id)?.abort(failure('cancelled', reason), reason);
}

/** Settles every operation of a session except one. Their work ends with the connection. */
export function rejectAll(session: SessionId, cause: CallFailure, except?: Call): void {
    for (const call of [...calls.values()]) {
        if (call.session !== session || call === except) continue;
        call.failure = cause;
        call.reject(cause);
    }
}
