// The fast path: an ordinary request goes around the SDK. For each request the SDK makes promises, signals
// and options, and checks one result three times: most of what a call costs in this engine. When the
// outcome is not ordinary, the SDK takes the request over: it sends the request again by the same id, and
// the transport does not send it twice.
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

/** The methods that only read, and may take the fast path: none of a handshake or of tasks. */
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
    /** The methods of ASKING that the connection's era has. */
    readonly #asking = new Set<string>();
    /** The end of the text of params without `_meta`. */
    readonly #end: string;
    /** Reads results as the connection's era does. */
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

    /** The params with the `_meta` that the era has in each message. */
    enveloped(params: Params): Params {
        const envelope = this.#envelope;
        if (!envelope) return params;
        const { _meta } = params;
        return { ...params, _meta: _meta === undefined ? envelope : { ...envelope, ...(_meta as object) } };
    }
}

/** The fast path of an open connection; undefined for the transport of 2024-11-05. */
export function fastPathOf({ client, observer, transport, legacy }: Connection): FastPath | undefined {
    const on = (transport: FastTransport) => new ConnectionFastPath(client, observer, transport, !legacy);
    if (transport instanceof HttpTransport) return on(new HttpFastTransport(transport));
    return transport instanceof PipeTransport ? on(transport) : undefined;
}

/** A request that was sent on the fast path. */
class SentRequest implements FastRequest, PendingRequest {
    #state: 'waiting' | 'settled' | 'handed over' = 'waiting';

    constructor(
        private readonly path: ConnectionFastPath,
        readonly id: number,
        readonly call: Call,
        private readonly submission: Submission
    ) {}

    /** The request itself: it is on the fast path, other pending requests are not. */
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

    /** Lets the SDK send the request by the same id. The transport knows that it was sent already. */
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

    /** Whether the SDK would accept a result unchanged. */
    #takes(result: Params): boolean {
        const { codec, modern } = this.path;
        const { method } = this.submission;
        if (modern) {
            complete(result);
            if (result['resultType'] !== 'complete') return false;
        }
        // In the older era the SDK adds a missing `content` to a tool's result.
        if (method === 'tools/call' && result['content'] === undefined) return false;
        return takes(codec, method, result);
    }
}
