import type { JSONRPCMessage, RequestId, Result } from '@modelcontextprotocol/client';
import { log, notify } from 'caisson:mcp/host@0.1.0';
import type { Json, SessionId } from 'caisson:mcp/types@0.1.0';

import type { Call } from './calls.js';
import type { CallFailure } from './errors.js';
import { failure } from './errors.js';
import { errorData, isObject, parseMessage, splitResult, whole } from './json.js';
import type { Quick } from './lane.js';

/** A request that waits for its answer. Some of the SDK's own belong to no operation. */
interface Sent {
    readonly id: RequestId;
    readonly call: Call | undefined;
    /** Set when it has gone past the SDK. */
    readonly quick?: Quick;
}

/**
 * Listens to a connection where its messages still are as the server sent them. The SDK validates
 * and hands on what its schemas made of a message; operations settle with what the tap has heard.
 */
export class Tap {
    /** The requests that wait for an answer. */
    readonly #pending = new Map<RequestId, Sent>();
    /** Hands a message to the SDK. Set by the transport. */
    deliver: (message: JSONRPCMessage) => void = () => {};
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
    /** The ids that requests have had: the SDK counts, and has a few names beside. */
    #highest = -1;
    readonly #names = new Set<string>();

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
    shaken(): void {
        if (this.handshake) this.forget(this.handshake);
        this.handshake = undefined;
    }

    /** A message goes out. Returns its id when it is a request. */
    sent(message: JSONRPCMessage): RequestId | undefined {
        if (!('method' in message) || !('id' in message)) return undefined;
        if (message.id === this.adopted) return message.id;
        const call = this.current ?? this.handshake;
        const { id } = message;
        if (call) {
            this.forget(call);
            call.begin(id);
        }
        this.#pending.set(id, { id, call });
        if (typeof id === 'number') this.#highest = Math.max(this.#highest, id);
        else this.#names.add(id);
        return id;
    }

    /** A request goes out past the SDK. */
    passed(quick: Quick): void {
        const { id } = quick;
        quick.call.request = id;
        this.#pending.set(id, quick);
        if (id > this.#highest) this.#highest = id;
    }

    /** Has the SDK take over what has gone past it. */
    takeAll(): void {
        for (const { quick } of [...this.#pending.values()]) if (quick && !quick.call.settled) quick.take();
    }

    /** Whether a request waits for its answer. */
    waits(id: RequestId): boolean {
        return this.#find(id) !== undefined;
    }

    /** The operation that waits for the answer to a request. */
    waiting(id: RequestId): Call | undefined {
        return this.#find(id)?.call;
    }

    /** Whether the operation of a request may wait once more, this many milliseconds, and try again. */
    mayWait(id: RequestId, delay: number): boolean {
        const call = this.waiting(id);
        if (!call || call.waited + delay > this.retryBudget) return false;
        call.waited += delay;
        return true;
    }

    /** Nobody waits for the answer to an operation's request any more. */
    forget(call: Call): void {
        // Its last request may have been another connection's, and the id is another call's here.
        if (call.request !== undefined && this.waiting(call.request) === call) this.#pending.delete(call.request);
    }

    /** A request gets no answer. The SDK is given one in the server's place. */
    fail(id: RequestId, cause: CallFailure): void {
        const sent = this.#take(id);
        if (!sent) return;
        sent.quick?.take();
        if (sent.call) sent.call.failure = cause;
        this.deliver({ jsonrpc: '2.0', id: sent.id, error: { code: -32603, message: 'no answer' } });
    }

    /**
     * A text came in, on the exchange of a request or on what all share. Returns the messages in it
     * that the SDK can use.
     */
    received(text: string, request?: RequestId): JSONRPCMessage[] {
        const result = splitResult(text);
        if (result && isResult(result.value)) {
            const { id, value, payload } = result;
            const quick = this.#pending.get(id)?.quick;
            if (quick) {
                this.#pending.delete(id);
                this.answered = true;
                return quick.hears(value, payload) ? NOTHING : [{ jsonrpc: '2.0', id, result: value }];
            }
        }
        let parsed;
        try {
            parsed = result ? whole(result) : parseMessage(text);
        } catch {
            if (text.trim() === '') return [];
            // A broken message is a lost one; anything else is chatter, which many servers print.
            if (text.includes('"jsonrpc"')) this.#lost('a message that is not valid JSON', request);
            else this.#ignore('what is not JSON');
            return [];
        }
        const { message, payload } = parsed;
        if (!Array.isArray(message)) return this.#hear(message, payload, request) ? [message as JSONRPCMessage] : [];
        // A batch, which revision 2025-03-26 has.
        return message.filter(part => this.#hear(part, undefined, request)) as JSONRPCMessage[];
    }

    /** An answer that came in an unusual way, or not at all: what is no answer to us is ignored. */
    offered(text: string): void {
        try {
            const { message, payload } = parseMessage(text);
            if (isObject(message) && isObject(message['error']) && this.waits(message['id'] as RequestId))
                this.#hear(message, payload, undefined);
        } catch {
            // Not JSON: a page for people.
        }
    }

    #hear(message: unknown, payload: Json | undefined, request: RequestId | undefined): boolean {
        if (!isObject(message) || message['jsonrpc'] !== '2.0') return this.#ignore('what is not JSON-RPC');
        const { id, method } = message;
        if (typeof method !== 'string') return this.#hearAnswer(message, payload, request);
        if (id !== undefined) return true;
        const { params } = message;
        if (params !== undefined && !isObject(params)) return this.#ignore('a notification whose params are no object');
        this.onnotification(method, params);
        notify(this.session, method, params === undefined ? undefined : (payload ?? JSON.stringify(params)));
        return true;
    }

    #hearAnswer(message: Record<string, unknown>, payload: Json | undefined, request: RequestId | undefined): boolean {
        const { id, result, error } = message;
        const sent = typeof id === 'string' || typeof id === 'number' ? this.#take(id) : undefined;
        if (!sent && this.#had(id)) return this.#ignore('a second answer, or one to a request that was given up');
        if (!sent) return this.#lost('an answer with an id that no request had', request);
        this.answered = true;
        // Three members, as the SDK has it: it takes no notice of a message with more.
        if (Object.keys(message).length === 3) {
            if (isResult(result)) {
                const text = payload ?? JSON.stringify(result);
                if (sent.quick) return !sent.quick.hears(result, text);
                sent.call?.answered({ result: text });
                return true;
            }
            if (isError(error)) {
                sent.quick?.take();
                const data = errorData(payload ?? JSON.stringify(error));
                const { code, message } = error;
                sent.call?.answered({ rpc: { code, message, ...(data !== undefined && { data }) } });
                return true;
            }
        }
        this.#pending.set(sent.id, sent);
        this.fail(sent.id, failure('protocol', "the server's answer is not valid JSON-RPC"));
        return false;
    }

    /** Whether a request has had the id. */
    #had(id: unknown): boolean {
        const key = String(id);
        return this.#names.has(key) || (/^\d+$/.test(key) && Number(key) <= this.#highest);
    }

    /** An answer is lost, and nothing says whose: whoever it may have been for does not wait for good. */
    #lost(what: string, request: RequestId | undefined): false {
        log(this.session, 'warn', `the server sent ${what}`);
        const cause = failure('protocol', `the server sent ${what}, which may have been the answer`);
        const waiting = request === undefined ? (this.shared ? [...this.#pending.keys()] : []) : [request];
        for (const id of waiting) this.fail(id, cause);
        return false;
    }

    #take(id: RequestId): Sent | undefined {
        const sent = this.#find(id);
        if (sent) this.#pending.delete(sent.id);
        return sent;
    }

    /** A server may answer the id 5 with "5", as the SDK does; and header fields are texts. */
    #find(id: RequestId): Sent | undefined {
        const sent = this.#pending.get(id);
        return sent || typeof id === 'number' ? sent : this.#pending.get(Number(id));
    }

    #ignore(what: string): false {
        log(this.session, 'warn', `the server sent ${what}; ignored`);
        return false;
    }
}

const NOTHING: JSONRPCMessage[] = [];

/** What the SDK takes for a result: it drops a message with anything else, and nobody would answer. */
function isResult(result: unknown): result is Result {
    return isObject(result) && (result['_meta'] === undefined || isObject(result['_meta']));
}

/** An error with a code that the contract has room for. */
function isError(error: unknown): error is { code: number; message: string } {
    if (!isObject(error)) return false;
    const { code, message } = error;
    return typeof code === 'number' && code === (code | 0) && typeof message === 'string';
}
