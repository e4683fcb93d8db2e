// The fast path: an ordinary request goes around what the SDK does for each, which is promises,
// signals, options and three checks of one result, and most of what a call costs in this engine.
// The SDK takes over whatever is not ordinary in what comes of it: it sends the request once more,
// by the same id, and the transport knows that it has gone out.
import type { JSONRPCMessage } from '@modelcontextprotocol/client';
import type { Json } from 'caisson:mcp/types@0.1.0';

import type { ObservedClient } from '../connection/client.js';
import { complete, optionsFor } from '../connection/client.js';
import type { Connection } from '../connection/connection.js';
import type { FastPath, Submission } from '../connection/fast-path.js';
import type { Call } from '../operations/calls.js';
import { exact, isOneLine } from '../protocol/json.js';
import type { Params } from '../protocol/requests.js';
import { isCallersMeta } from '../protocol/requests.js';
import type { Codec } from '../sdk/internals.js';
import { codecOf, envelopeOf, takeRequestId, withRequestId } from '../sdk/internals.js';
import type { FastRequest, FastTransport } from '../transport/fast-request.js';
import { HttpTransport } from '../transport/http.js';
import type { Observer } from '../transport/observer.js';
import type { PendingRequest } from '../transport/pending.js';
import { PipeTransport } from '../transport/pipe.js';
import { HttpFastTransport } from './http-fast-transport.js';
import { takes } from './result-check.js';

/** What only asks, and may take the fast path; not what belongs to a handshake, or to tasks. */
const ASKING = [
    'tools/list',
    'resources/list',
    'resources/templates/list',
    'resources/read',
    'prompts/list',
    'prompts/get',
    'completion/complete'
];

/** The fast path of one connection. */
export class ConnectionFastPath implements FastPath {
    readonly #envelope: object | undefined;
    /** What only asks, of the methods that the connection's era has. */
    readonly #asking = new Set<string>();
    /** How params end that have no `_meta` of their own. */
    readonly #end: string;
    /** How the connection's era reads results. */
    readonly codec: Codec;

    /** The client must be connected. */
    constructor(
        readonly client: ObservedClient,
        readonly observer: Observer,
        private readonly transport: FastTransport,
        readonly modern: boolean
    ) {
        this.#envelope = envelopeOf(client);
        this.#end = this.#envelope ? `,"_meta":${JSON.stringify(this.#envelope)}}` : '}';
        this.codec = codecOf(client);
        for (const method of ASKING) if (this.codec.hasRequestMethod(method)) this.#asking.add(method);
    }

    send(call: Call, submission: Submission): void {
        const id = takeRequestId(this.client);
        const request = new SentRequest(this, id, call, submission);
        call.fast = request;
        this.observer.sentFast(request);
        const { method, params, text } = submission;
        const written =
            text !== undefined && params['_meta'] === undefined && isOneLine(text)
                ? text.slice(0, -1) + this.#end
                : JSON.stringify(this.enveloped(exact(params, text)));
        this.transport.post(request, `{"method":"${method}","params":${written},"jsonrpc":"2.0","id":${id}}`);
    }

    takes(method: string, { _meta }: Params): boolean {
        return this.#asking.has(method) && isCallersMeta(_meta);
    }

    ask(call: Call, method: string, params: Params): Promise<unknown> {
        return new Promise((resolve, reject) => {
            this.send(call, {
                method,
                params,
                finish(result, text) {
                    call.answered({ result: text });
                    resolve(result);
                },
                handedOver: outcome => void outcome.then(resolve, reject)
            });
        });
    }

    /** Params with what the era has in the `_meta` of each message. */
    enveloped(params: Params): Params {
        const envelope = this.#envelope;
        if (!envelope) return params;
        const { _meta } = params;
        return { ...params, _meta: _meta === undefined ? envelope : { ...envelope, ...(_meta as object) } };
    }
}

/** The fast path of a connection that is open; the transport of 2024-11-05 has none. */
export function fastPathOf({ client, observer, transport, legacy }: Connection): FastPath | undefined {
    const on = (transport: FastTransport) => new ConnectionFastPath(client, observer, transport, !legacy);
    if (transport instanceof HttpTransport) return on(new HttpFastTransport(transport));
    return transport instanceof PipeTransport ? on(transport) : undefined;
}

/** A request that has gone out on the fast path. */
class SentRequest implements FastRequest, PendingRequest {
    #state: 'waiting' | 'settled' | 'handed over' = 'waiting';

    constructor(
        private readonly path: ConnectionFastPath,
        readonly id: number,
        readonly call: Call,
        private readonly submission: Submission
    ) {}

    /** Itself: other requests that wait for their answers are not on the fast path. */
    get fast(): this {
        return this;
    }

    get method(): string {
        return this.submission.method;
    }

    get params(): Params {
        return this.submission.params;
    }

    message(): JSONRPCMessage {
        return { method: this.method, params: this.path.enveloped(this.params), jsonrpc: '2.0', id: this.id };
    }

    get settled(): boolean {
        return this.#state === 'settled';
    }

    onResult(result: Params, text: Json): boolean {
        const { call } = this;
        if (this.#state !== 'waiting' || !this.#takes(result)) {
            call.answered({ result: text });
            this.handOver();
            return false;
        }
        this.#end('settled');
        this.submission.finish(result, text);
        return true;
    }

    handOver(): void {
        if (this.#state !== 'waiting') return;
        this.#end('handed over');
        const { call } = this;
        const outcome = this.#send();
        const forget = () => {
            if (call.settled) this.path.observer.forget(call);
        };
        outcome.then(forget, forget);
        if (!call.settled) this.submission.handedOver(outcome);
    }

    /** Has the SDK send the request, by the same id: it has gone out. */
    #send(): Promise<unknown> {
        const { client, observer } = this.path;
        const { method, params, text } = this.submission;
        observer.adopted = this.id;
        try {
            return withRequestId(client, this.id, () =>
                client.request({ method, params: exact(params, text) }, optionsFor(this.call))
            ) as Promise<unknown>;
        } finally {
            observer.adopted = undefined;
        }
    }

    #end(state: 'settled' | 'handed over'): void {
        this.#state = state;
        this.call.fast = undefined;
    }

    /** Whether the SDK would take a result, and make nothing else of it. */
    #takes(result: Params): boolean {
        const { codec, modern } = this.path;
        const { method } = this.submission;
        if (modern) {
            complete(result);
            if (result['resultType'] !== 'complete') return false;
        }
        // In the older era the SDK gives a tool's result a content that has none.
        if (method === 'tools/call' && result['content'] === undefined) return false;
        return takes(codec, method, result);
    }
}
