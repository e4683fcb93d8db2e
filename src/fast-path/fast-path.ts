// The way of an ordinary request past what the SDK does for each: promises, signals, options and
// three checks of one result, which are most of what a call costs in this engine. Whatever is not
// ordinary in what comes of it is the SDK's again: it sends the request once more, by the same id,
// and the transport knows that it has gone out.
import type { JSONRPCMessage } from '@modelcontextprotocol/client';
import type { Json } from 'caisson:mcp/types@0.1.0';

import type { Call } from '../operations/calls.js';
import type { TappedClient } from '../connection/client.js';
import { complete, optionsFor } from '../connection/client.js';
import { exact, isObject } from '../protocol/json.js';
import type { Params } from '../protocol/requests.js';
import type { Codec } from '../protocol/results.js';
import { takes } from '../protocol/results.js';
import type { Tap } from '../transport/observer.js';

/** What of the SDK's client is used here, and its types keep to themselves. */
interface Internals {
    /** The id of the next request. */
    _requestMessageId: number;
    /** What an era has in the `_meta` of each message. */
    _outboundMetaEnvelope(): object | undefined;
    _negotiatedWireCodec(): Codec;
}

/** A transport that sends a request and tells what became of it without a promise. */
export interface Way {
    /** Sends a request, whose message has this text. */
    post(quick: Quick, text: string): void;
}

/** A request, and what is done with its result. */
export interface Ordinary {
    readonly method: string;
    readonly params: Params;
    /** The text of the params, when they are as the host gave them: an object with a member at least. */
    readonly text?: Json | undefined;
    /** Takes the result, and the text of it. */
    finish(result: Params, text: Json): void;
    /** The SDK has taken the request over, and this is what it will make of it. */
    otherwise(taken: Promise<unknown>): void;
}

/** What only asks, and may go past the SDK; not what belongs to a handshake, or to tasks. */
const ASKING = [
    'tools/list',
    'resources/list',
    'resources/templates/list',
    'resources/read',
    'prompts/list',
    'prompts/get',
    'completion/complete'
];

/** The lane of one connection. */
export class Lane {
    readonly #envelope: object | undefined;
    /** What only asks, of the methods that the connection's era has. */
    readonly #asking = new Set<string>();
    /** How params end that have no `_meta` of their own. */
    readonly #end: string;
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
        this.#end = this.#envelope ? `,"_meta":${JSON.stringify(this.#envelope)}}` : '}';
        this.codec = internals._negotiatedWireCodec();
        for (const method of ASKING) if (this.codec.hasRequestMethod(method)) this.#asking.add(method);
    }

    /** Sends a request. The operation settles without the SDK when all goes as it mostly does. */
    send(call: Call, request: Ordinary): void {
        const id = (this.client as unknown as Internals)._requestMessageId++;
        const quick = new Quick(this, id, call, request);
        call.quick = quick;
        this.tap.passed(quick);
        const { method, params, text } = request;
        const written =
            text !== undefined && params['_meta'] === undefined
                ? text.slice(0, -1) + this.#end
                : JSON.stringify(this.#enveloped(exact(params, text)));
        this.way.post(quick, `{"method":"${method}","params":${written},"jsonrpc":"2.0","id":${id}}`);
    }

    /** Whether a request may take the lane: what only asks, with nothing in it for the SDK. */
    takes(method: string, { _meta }: Params): boolean {
        return this.#asking.has(method) && isMeta(_meta);
    }

    /** Sends a request of an operation, which goes on with the result. */
    ask(call: Call, method: string, params: Params): Promise<unknown> {
        return new Promise((resolve, reject) => {
            this.send(call, {
                method,
                params,
                finish(result, text) {
                    call.answered({ result: text });
                    resolve(result);
                },
                otherwise: taken => void taken.then(resolve, reject)
            });
        });
    }

    /** The message of a request, with numbers as JavaScript has them. */
    message({ id, request: { method, params } }: Quick): JSONRPCMessage {
        return { method, params: this.#enveloped(params), jsonrpc: '2.0', id };
    }

    #enveloped(params: Params): Params {
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
        readonly lane: Lane,
        readonly id: number,
        readonly call: Call,
        readonly request: Ordinary
    ) {}

    /** Itself, among requests that wait for their answers: others are not in the lane. */
    get quick(): this {
        return this;
    }

    get method(): string {
        return this.request.method;
    }

    /** Whether nothing has become of it yet. */
    get waiting(): boolean {
        return this.#state === 'waiting';
    }

    /** Whether it was answered, and the SDK knows nothing of it. */
    get settled(): boolean {
        return this.#state === 'settled';
    }

    /** Takes a result, and the text of it. False when the SDK is to have it. */
    hears(result: Params, text: Json): boolean {
        const { call } = this;
        if (this.#state !== 'waiting' || !this.#takes(result)) {
            call.answered({ result: text });
            this.take();
            return false;
        }
        this.#end('settled');
        this.request.finish(result, text);
        return true;
    }

    /** Has the SDK take the request over, as if it had sent it. */
    take(): void {
        if (this.#state !== 'waiting') return;
        this.#end('taken');
        const { call, request } = this;
        const taken = this.#send();
        const given = () => {
            if (call.settled) this.lane.tap.forget(call);
        };
        taken.then(given, given);
        if (!call.settled) request.otherwise(taken);
    }

    /** Has the SDK send the request, by the same id: it has gone out. */
    #send(): Promise<unknown> {
        const { client, tap } = this.lane;
        const { method, params, text } = this.request;
        const internals = client as unknown as Internals;
        const next = internals._requestMessageId;
        internals._requestMessageId = this.id;
        tap.adopted = this.id;
        try {
            return client.request({ method, params: exact(params, text) }, optionsFor(this.call)) as Promise<unknown>;
        } finally {
            tap.adopted = undefined;
            internals._requestMessageId = next;
        }
    }

    #end(state: 'settled' | 'taken'): void {
        this.#state = state;
        this.call.quick = undefined;
    }

    /** Whether the SDK would take a result, and make nothing else of it. */
    #takes(result: Params): boolean {
        const { codec, modern } = this.lane;
        const { method } = this.request;
        if (modern) {
            complete(result);
            if (result['resultType'] !== 'complete') return false;
        }
        // In the older era the SDK gives a tool's result a content that has none.
        if (method === 'tools/call' && result['content'] === undefined) return false;
        return takes(codec, method, result);
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
