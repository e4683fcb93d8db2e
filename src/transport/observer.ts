import type { JSONRPCMessage, RequestId } from '@modelcontextprotocol/client';
import { log, notify } from 'caisson:mcp/host@0.1.0';
import type { Json, SessionId } from 'caisson:mcp/types@0.1.0';

import type { Call } from '../operations/calls.js';
import type { CallFailure } from '../operations/errors.js';
import { failure } from '../operations/errors.js';
import { errorData, exact, isObject, parseMessage, parts, splitResult, whole } from '../protocol/json.js';
import type { Outcome } from '../protocol/message.js';
import { decide } from '../protocol/message.js';
import { MOST_WAITS } from '../protocol/backoff.js';
import { EMPTY, TOO_DEEP, isResult, textOf } from '../protocol/payload.js';
import type { FastRequest } from './fast-request.js';
import { IdleStreams } from './idle-streams.js';
import type { PendingRequest } from './pending.js';
import { Pending } from './pending.js';

/**
 * Listens to a connection where its messages still are as the server sent them. The SDK validates
 * and hands on what its schemas made of a message; operations settle with what the observer has heard.
 */
export class Observer {
    readonly #pending = new Pending();
    /** The request that was answered last, which the SDK may not have heard of yet. */
    #latest: PendingRequest | undefined;
    /** Hands a message to the SDK. Set by the transport. */
    deliver: (message: JSONRPCMessage) => void = () => {};
    /** Answers a request of the server's that nobody can take. Set by the connection. */
    onrefused: (answer: JSONRPCMessage) => void = () => {};
    /** Called for each notification, before the host is told. */
    onnotification: (method: string, params: Record<string, unknown> | undefined) => void = () => {};
    /** The operation whose request is being sent. */
    current: Call | undefined;
    /** The id of the request that the SDK is taking over: it has gone out. */
    adopted: RequestId | undefined;
    /** Why the last exchange that carried no request broke off: the stream of the older transports. */
    broken: CallFailure | undefined;
    /** Whether the server has answered anything. */
    answered = false;
    /** Whether the server has answered anything since the handshake. */
    served = false;
    /** Called when the server sends anything on a stream of its own. */
    onstream: () => void = () => {};
    /** Whether a stream of events has begun. */
    streamed = false;
    /** The exchanges whose stream a server leaves open after its answer. */
    readonly idleStreams = new IdleStreams();

    /**
     * Until the handshake is over, what belongs to no other operation belongs to `connect`. On a
     * shared connection, a pipe or the one event stream of 2024-11-05, all answers come one way.
     */
    constructor(
        readonly session: SessionId,
        private handshake: Call | undefined,
        private readonly shared: boolean,
        private readonly retryBudget = 0
    ) {}

    /** The handshake is over. */
    handshakeOver(): void {
        if (this.handshake) this.forget(this.handshake);
        this.handshake = undefined;
    }

    /** A message goes out. Returns its id when it is a request. */
    sent(message: JSONRPCMessage): RequestId | undefined {
        if (!('method' in message) || !('id' in message)) return undefined;
        if (message.id === this.adopted) return message.id;
        const call = this.current ?? this.handshake;
        const { id, method } = message;
        if (call) {
            this.forget(call);
            call.begin(id);
        }
        this.#pending.add({ id, method, call });
        return id;
    }

    /** A request goes out on the fast path. */
    sentFast(request: FastRequest & PendingRequest): void {
        request.call.request = request.id;
        this.#pending.add(request);
    }

    /** Has the SDK take over all that is on the fast path. */
    handOverAll(): void {
        for (const { fast } of this.#pending.all()) if (fast && !fast.call.settled) fast.handOver();
    }

    /** Whether a request waits for its answer. */
    waits(id: RequestId): boolean {
        return this.#pending.find(id) !== undefined;
    }

    /** The operation that waits for the answer to a request. */
    waiting(id: RequestId): Call | undefined {
        return this.#pending.find(id)?.call;
    }

    /**
     * Whether the operation of a request may wait once more, and try again: the milliseconds, by how
     * often it has waited.
     */
    mayWait(id: RequestId, delayOf: (waits: number) => number | undefined): number | undefined {
        const call = this.waiting(id);
        const delay = call && call.waits < MOST_WAITS ? delayOf(call.waits) : undefined;
        if (!call || delay === undefined || call.waited + delay > this.retryBudget) return undefined;
        call.waited += delay;
        call.waits++;
        return delay;
    }

    /** Nobody waits for the answer to an operation's request any more. */
    forget(call: Call): void {
        // Its last request may have been another connection's, and the id is another call's here.
        if (call.request !== undefined && this.waiting(call.request) === call) this.#pending.giveUp(call.request);
    }

    /** A request gets no answer. The SDK is given one in the server's place. */
    fail(id: RequestId, cause: CallFailure): void {
        const sent = this.#pending.find(id);
        if (sent) this.#fail(sent, cause);
    }

    #fail(sent: PendingRequest, cause: CallFailure): void {
        this.#pending.delete(sent.id);
        sent.fast?.handOver();
        if (sent.call) sent.call.failure = cause;
        this.deliver({ jsonrpc: '2.0', id: sent.id, error: { code: -32603, message: 'no answer' } });
    }

    /**
     * A text came in, on the exchange of a request or on what all share. Returns the messages in it
     * that the SDK can use.
     */
    received(text: string, request?: RequestId): JSONRPCMessage[] {
        try {
            return this.#received(text, request);
        } catch {
            // The engine's stack is at its end: no other code of ours throws here.
            this.#lost(`a message that is ${TOO_DEEP}`, request);
            return NOTHING;
        }
    }

    #received(text: string, request: RequestId | undefined): JSONRPCMessage[] {
        const result = splitResult(text);
        if (result && isResult(result.value)) {
            const { id, value, payload } = result;
            const fast = this.#pending.get(id)?.fast;
            if (fast) {
                this.#pending.delete(id);
                this.#answered();
                return fast.onResult(value, payload) ? NOTHING : [{ jsonrpc: '2.0', id, result: value }];
            }
        }
        let parsed;
        try {
            parsed = result ? whole(result) : parseMessage(text);
        } catch {
            if (text.trim() === '') return NOTHING;
            // A broken message is a lost one; anything else is chatter, which many servers print.
            if (text.includes('"jsonrpc"')) this.#lost('a message that is not valid JSON', request);
            else this.#ignore('what is not JSON');
            return NOTHING;
        }
        const { message, payload } = parsed;
        if (!Array.isArray(message)) {
            const forSdk = this.#observe(
                message,
                payload,
                request,
                () => exact(message as Record<string, unknown>, text)['id']
            );
            return forSdk ? [forSdk] : NOTHING;
        }
        // A batch, which revision 2025-03-26 has.
        const forSdk = parts(message, text).map(part =>
            this.#observe(part.message, part.payload, request, () => part.id)
        );
        return forSdk.filter(message => message !== undefined);
    }

    /** A message that the SDK cannot be given: whoever waits for what it says hears of it. */
    unwritable(message: JSONRPCMessage): void {
        this.#ignore(`a message that is ${TOO_DEEP}`);
        if (!('id' in message) || message.id === undefined) return;
        const { id } = message;
        if ('method' in message)
            this.onrefused({ jsonrpc: '2.0', id, error: { code: -32600, message: `the request is ${TOO_DEEP}` } });
        else if (this.#latest?.id === id)
            this.#fail(this.#latest, failure('protocol', `the server's answer is ${TOO_DEEP}`));
    }

    /**
     * A body came where no answer is expected, or no result. Gives the SDK what is one; all else means
     * nothing.
     */
    offered(text: string, results = false): JSONRPCMessage | undefined {
        try {
            const { message, payload } = parseMessage(text);
            const answers = isObject(message) && (isObject(message['error']) || (results && 'result' in message));
            if (answers && this.waits(message['id'] as RequestId))
                return this.#observe(message, payload, undefined, () => undefined);
        } catch {
            // Not JSON: a page for people.
        }
        return undefined;
    }

    /** Hears a message. Gives what the SDK is to have of it. */
    #observe(
        message: unknown,
        payload: Json | undefined,
        request: RequestId | undefined,
        writtenId: () => unknown
    ): JSONRPCMessage | undefined {
        const decided = decide(message, id => this.waits(id));
        switch (decided.kind) {
            case 'request':
                return decided.message;
            case 'refused': {
                const { code, why } = decided;
                this.#ignore(`a request that cannot be taken (${why})`);
                // An integer that JavaScript cannot hold goes back as it came.
                const id = typeof decided.id === 'number' ? writtenId() : decided.id;
                this.onrefused({ jsonrpc: '2.0', id: id as RequestId, error: { code, message: why } });
                return undefined;
            }
            case 'notification': {
                const { method, params, whole } = decided;
                this.onnotification(method, params);
                const text = params && ((whole ? payload : undefined) ?? JSON.stringify(params));
                notify(this.session, method, text);
                return decided.message;
            }
            case 'answer':
                return this.#observeAnswer(decided.id, decided.outcome, payload, request);
            case 'nothing':
                return this.#ignore(decided.what);
        }
    }

    #observeAnswer(
        id: unknown,
        outcome: Outcome,
        payload: Json | undefined,
        request: RequestId | undefined
    ): JSONRPCMessage | undefined {
        // Who cannot tell what it was asked answers with no id; on the exchange of a request there is one.
        const whose = id === null && 'error' in outcome && request !== undefined ? request : id;
        const sent = typeof whose === 'string' || typeof whose === 'number' ? this.#pending.find(whose) : undefined;
        // The server may have sent it before it heard that nobody waits.
        if (!sent && this.#pending.isLate(id)) return this.#ignore('an answer to a request that was given up', 'debug');
        if (!sent && this.#pending.had(id)) return this.#ignore('a second answer to a request');
        if (!sent) return this.#lost('an answer with an id that no request had', request);
        this.#pending.delete(sent.id);
        this.#latest = sent;
        this.#answered();
        if ('result' in outcome && (!outcome.empty || EMPTY.has(sent.method))) {
            const { result } = outcome;
            const text = textOf(outcome, payload, sent.call?.raw === true);
            if (sent.fast?.onResult(result, text) === true) return undefined;
            const message: JSONRPCMessage = { jsonrpc: '2.0', id: sent.id, result };
            if (!sent.fast) sent.call?.answered({ result: text });
            return message;
        }
        if ('error' in outcome) {
            sent.fast?.handOver();
            const data = payload === undefined ? undefined : errorData(payload);
            const { code, message } = outcome.error;
            sent.call?.answered({ rpc: { code, message, ...(data !== undefined && { data }) } });
            return { jsonrpc: '2.0', id: sent.id, error: outcome.error };
        }
        const wrong = 'wrong' in outcome ? outcome.wrong : 'has no result';
        this.#fail(sent, failure('protocol', `the server's answer is not valid JSON-RPC: it ${wrong}`));
        return undefined;
    }

    #answered(): void {
        this.answered = true;
        if (!this.handshake) this.served = true;
    }

    /** An answer is lost, and nothing says whose: whoever it may have been for does not wait for good. */
    #lost(what: string, request: RequestId | undefined): JSONRPCMessage | undefined {
        log(this.session, 'warn', `the server sent ${what}`);
        const cause = failure('protocol', `the server sent ${what}, which may have been the answer`);
        const waiting =
            request === undefined ? (this.shared ? this.#pending.all().map(({ id }) => id) : []) : [request];
        for (const id of waiting) this.fail(id, cause);
        return undefined;
    }

    #ignore(what: string, level: 'debug' | 'warn' = 'warn'): JSONRPCMessage | undefined {
        log(this.session, level, `the server sent ${what}; ignored`);
        return undefined;
    }
}

const NOTHING: JSONRPCMessage[] = [];
