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
import type { Authorizer } from './authorizer.js';
import type { FastRequest } from './fast-request.js';
import { IdleStreams } from './idle-streams.js';
import type { PendingRequest } from './pending.js';
import { Pending } from './pending.js';

/**
 * Reads the messages of a connection as the server sent them, before the SDK gets them. The SDK validates
 * messages, and its schemas change them; operations settle with the text that the observer has read.
 */
export class Observer {
    readonly #pending = new Pending();
    /** The request that was answered last. The SDK may not have seen the answer yet. */
    #latest: PendingRequest | undefined;
    /** Hands a message to the SDK. Set by the transport. */
    deliver: (message: JSONRPCMessage) => void = () => {};
    /** Sends the answer to a request of the server's that nobody can handle. Set by the connection. */
    onrefused: (answer: JSONRPCMessage) => void = () => {};
    /** Called for each notification, before the host gets it. */
    onnotification: (method: string, params: Record<string, unknown> | undefined) => void = () => {};
    /** The operation whose request is being sent. */
    current: Call | undefined;
    /** The id of the request that the SDK is taking over, which was sent already. */
    adopted: RequestId | undefined;
    /** Why the last exchange without a request broke off: the stream of the older transports. */
    broken: CallFailure | undefined;
    /** Whether the server has answered anything. */
    answered = false;
    /** Whether the server has answered anything since the handshake. */
    served = false;
    /** Authorizes requests that the server refuses, where the host can. Set by the connection. */
    authorizer: Authorizer | undefined;
    /** Called when the server sends anything on a stream of its own. */
    onstream: () => void = () => {};
    /** Whether a stream of events has begun. */
    streamed = false;
    /** The exchanges whose stream a server leaves open after its answer. */
    readonly idleStreams = new IdleStreams();

    /**
     * Until the handshake is over, a request of no other operation belongs to `handshake`. A `shared`
     * connection has one channel for all answers: a pipe, or the one event stream of 2024-11-05.
     */
    constructor(
        readonly session: SessionId,
        private handshake: Call | undefined,
        private readonly shared: boolean,
        private readonly retryBudget = 0
    ) {}

    /** Whether the handshake is not over. */
    get connecting(): boolean {
        return this.handshake !== undefined;
    }

    /** Called when the handshake has ended. */
    handshakeOver(): void {
        if (this.handshake) this.forget(this.handshake);
        this.handshake = undefined;
    }

    /** Notes a message that is being sent. Returns its id when it is a request. */
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

    /** Notes a request that is being sent on the fast path. */
    sentFast(request: FastRequest & PendingRequest): void {
        request.call.request = request.id;
        this.#pending.add(request);
    }

    /** Hands all requests on the fast path over to the SDK. */
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
     * The delay, in milliseconds, before a request is sent again to a busy server. Undefined when the
     * operation
     * may not wait any longer. `delayOf` gives the delay by how often the operation has waited.
     */
    mayWait(id: RequestId, delayOf: (waits: number) => number | undefined): number | undefined {
        const call = this.waiting(id);
        const delay = call && call.waits < MOST_WAITS ? delayOf(call.waits) : undefined;
        if (!call || delay === undefined || call.waited + delay > this.retryBudget) return undefined;
        call.waited += delay;
        call.waits++;
        return delay;
    }

    /** Notes that nobody waits for the answer to an operation's request any more. */
    forget(call: Call): void {
        // The operation's last request may be another connection's: here its id may be another operation's.
        if (call.request !== undefined && this.waiting(call.request) === call) this.#pending.giveUp(call.request);
    }

    /** Fails a request that gets no answer: the SDK gets an answer in place of the server's. */
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
     * Reads a text that came in: on the exchange of `request`, or on a stream or pipe that is shared. Returns
     * the messages in it that the SDK can use.
     */
    received(text: string, request?: RequestId): JSONRPCMessage[] {
        try {
            return this.#received(text, request);
        } catch {
            // The engine's stack overflowed: nothing else throws here.
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
            // Text with "jsonrpc" in it is a broken message. Many servers print other text, which is ignored.
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

    /** Fails the request, or refuses the question, in a message that cannot be given to the SDK. */
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
     * Reads a body that need not be an answer. Returns the answer in it for the SDK: an error, or with
     * `results`
     * a result too. Ignores everything else.
     */
    offered(text: string, results = false): JSONRPCMessage | undefined {
        try {
            const { message, payload } = parseMessage(text);
            const answers = isObject(message) && (isObject(message['error']) || (results && 'result' in message));
            if (answers && this.waits(message['id'] as RequestId))
                return this.#observe(message, payload, undefined, () => undefined);
        } catch {
            // The body is not JSON: a page for people.
        }
        return undefined;
    }

    /** Handles a message. Returns what the SDK must get of it. */
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
                // The answer repeats the id's text: JavaScript may not hold the integer.
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
        // A server that could not read the request answers with a null id. The exchange says which request it
        // was.
        const whose = id === null && 'error' in outcome && request !== undefined ? request : id;
        const sent = typeof whose === 'string' || typeof whose === 'number' ? this.#pending.find(whose) : undefined;
        // The server may have sent the answer before it read the cancellation.
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

    /**
     * Fails the requests whose answer may be in a message that cannot be read: otherwise they would wait for
     * ever.
     */
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
