// The way of an ordinary request past what the SDK does for each: promises, signals, options and
// three checks of one result, which are most of what a call costs in this engine. Whatever is not
// ordinary in what comes of it is the SDK's again: it sends the request once more, by the same id,
// and the transport knows that it has gone out.
import type { JSONRPCMessage } from '@modelcontextprotocol/client';
import type { Json } from 'caisson:mcp/types@0.1.0';

import type { Call } from './calls.js';
import type { TappedClient } from './client.js';
import { complete, optionsFor } from './client.js';
import { isObject } from './json.js';
import type { Tap } from './tap.js';

/** What of the SDK's client is used here, and its types keep to themselves. */
interface Internals {
    /** The id of the next request. */
    _requestMessageId: number;
    /** What an era has in the `_meta` of each message. */
    _outboundMetaEnvelope(): object | undefined;
    _negotiatedWireCodec(): Codec;
}

/** How an era's results are read. */
interface Codec {
    validateResult(method: string, value: unknown): { ok: boolean; value?: unknown };
}

/** A transport that sends a request and tells what became of it without a promise. */
export interface Way {
    post(quick: Quick, message: JSONRPCMessage): void;
}

/** A request, and what is done with its result. */
export interface Ordinary {
    readonly method: string;
    readonly params: Record<string, unknown>;
    /** What the operation settles with, of what the SDK makes of the result. Throws what it fails with. */
    finish(value: unknown): Json;
    /** Goes on with the operation as if the SDK had sent the request. */
    otherwise(): Promise<Json>;
}

/** The lane of one connection. */
export class Lane {
    readonly #envelope: object | undefined;
    /** How the connection's era reads results. */
    readonly codec: Codec;

    /** The client must be connected. */
    constructor(
        readonly client: TappedClient,
        readonly tap: Tap,
        private readonly way: Way,
        /** Whether the connection's era is the newer one. */
        readonly modern: boolean
    ) {
        const internals = client as unknown as Internals;
        this.#envelope = internals._outboundMetaEnvelope();
        this.codec = internals._negotiatedWireCodec();
    }

    /** Sends a request. The operation settles without the SDK when all goes as it mostly does. */
    send(call: Call, request: Ordinary): void {
        const internals = this.client as unknown as Internals;
        const id = internals._requestMessageId++;
        const { method, params } = request;
        const quick = new Quick(this, id, call, request);
        this.tap.passed(quick);
        call.quick = quick;
        this.way.post(quick, { method, params: this.#enveloped(params), jsonrpc: '2.0', id });
    }

    #enveloped(params: Record<string, unknown>): Record<string, unknown> {
        const envelope = this.#envelope;
        if (!envelope) return params;
        const { _meta } = params;
        return { ...params, _meta: _meta === undefined ? envelope : { ...envelope, ...(_meta as object) } };
    }
}

/** A request in the lane. */
export class Quick {
    #state: 'waiting' | 'settled' | 'taken' = 'waiting';

    constructor(
        private readonly lane: Lane,
        readonly id: number,
        readonly call: Call,
        readonly request: Ordinary
    ) {}

    /** Whether nothing has become of it yet. */
    get waiting(): boolean {
        return this.#state === 'waiting';
    }

    /** Whether it was answered, and the SDK knows nothing of it. */
    get settled(): boolean {
        return this.#state === 'settled';
    }

    /** Takes a result. False when the SDK is to have it. */
    hears(result: object): boolean {
        if (!this.waiting) return false;
        const value = this.#read(result as Record<string, unknown>);
        if (value === undefined) {
            this.take();
            return false;
        }
        this.#end('settled');
        try {
            this.call.resolve(this.request.finish(value));
        } catch (error) {
            this.call.reject(error);
        }
        return true;
    }

    /** Has the SDK take the request over, as if it had sent it. */
    take(): void {
        if (!this.waiting) return;
        this.#end('taken');
        const { client, tap } = this.lane;
        const { call, request } = this;
        const internals = client as unknown as Internals;
        const next = internals._requestMessageId;
        internals._requestMessageId = this.id;
        tap.adopted = this.id;
        try {
            const { method, params } = request;
            const taken = client.request({ method, params }, optionsFor(call)) as Promise<unknown>;
            const given = () => {
                if (call.settled) tap.forget(call);
            };
            taken.then(given, given);
            call.taken = taken;
        } finally {
            tap.adopted = undefined;
            internals._requestMessageId = next;
        }
        if (!call.settled) call.follow(request.otherwise());
    }

    #end(state: 'settled' | 'taken'): void {
        this.#state = state;
        this.call.quick = undefined;
    }

    /** What the SDK would make of a result; undefined when it would not take it as it is. */
    #read(result: Record<string, unknown>): unknown {
        const { codec, modern } = this.lane;
        const { method } = this.request;
        if (modern) {
            complete(result);
            // The SDK's decoder checks the same schema, with this member in it, a second time.
            if (result['resultType'] !== 'complete') return undefined;
        }
        const outcome = codec.validateResult(method, result);
        return outcome.ok ? outcome.value : undefined;
    }
}

/** Whether a request's `_meta` has nothing in it that means something to the SDK itself. */
export function isMeta(meta: unknown): boolean {
    if (meta === undefined) return true;
    if (!isObject(meta)) return false;
    for (const name in meta) {
        if (name.startsWith('io.modelcontextprotocol/')) return false;
        const value = meta[name];
        if (name === 'progressToken' && typeof value !== 'string' && !Number.isSafeInteger(value)) return false;
    }
    return true;
}
