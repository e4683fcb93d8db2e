import type {
    ClientCapabilities,
    JSONRPCResponse,
    ListToolsResult,
    McpSubscription,
    RequestOptions,
    SubscriptionFilter
} from '@modelcontextprotocol/client';
import { Client } from '@modelcontextprotocol/client';

import type { Asked } from '../operations/asks.js';
import { ASKED, newRound } from '../operations/asks.js';
import type { Call } from '../operations/calls.js';
import type { CallFailure } from '../operations/errors.js';
import { failure } from '../operations/errors.js';
import { declaredToLegacy, extensionMethod } from '../extensions/extensions.js';
import { NEVER } from '../platform/timers.js';
import { isObject } from '../protocol/json.js';
import type { Params } from '../protocol/requests.js';
import { ANY_RESULT } from '../protocol/requests.js';
import { resultSchema } from '../protocol/results.js';
import type { Codec, Round } from '../sdk/internals.js';
import { codecOf, excludeTools, handlerOf, open } from '../sdk/internals.js';
import type { Observer } from '../transport/observer.js';

/** The options of a request that belongs to an operation. The SDK hands them on unchanged. */
export interface CallOptions extends RequestOptions {
    readonly call: Call;
}

/** Options without a timeout: the host alone ends an operation that has no answer yet. */
export function optionsFor(call: Call): CallOptions {
    return { call, signal: call.signal, timeout: NEVER };
}

/**
 * The SDK's client. It tells the observer to which operation each request belongs. The SDK sends a
 * message before `request` returns, so the operation that is current during `request` is the message's.
 */
export class ObservedClient extends open(Client) {
    #observer: Observer | undefined;
    /** Called with the tools that the SDK has listed by itself. */
    onlisted: (page: ListToolsResult) => void = () => {};
    /** Why the probe failed, when the handshake of the older revisions followed it. */
    refusal: CallFailure | undefined;
    #introduced = false;

    /**
     * Whether the server has introduced itself. Until then it may ask for nothing (basic/lifecycle,
     * "Initialization").
     */
    get introduced(): boolean {
        return this.#introduced || this.getProtocolEra() === 'modern';
    }

    /** Reads results as the connection's era does. */
    get codec(): Codec {
        return codecOf(this);
    }

    /** Sets the observer that gets the operation of each request. */
    observedBy(observer: Observer): void {
        this.#observer = observer;
    }

    // The SDK overloads `request`: the arguments go through unchanged.
    // eslint-disable-next-line @typescript-eslint/no-explicit-any
    override request(...args: any[]): Promise<any> {
        const [request, second] = args as [{ method: string; params?: Record<string, unknown> }, unknown];
        const { method } = request;
        const call = args.find(hasCall)?.call;
        if (call?.handedOver) {
            const { handedOver } = call;
            call.handedOver = undefined;
            return handedOver;
        }
        if (method === 'initialize') {
            args[0] = asLegacy(request);
            if (call?.request !== undefined) this.refusal = call.refusal;
        }
        const schema = isSchema(second) ? undefined : resultSchema(this, method);
        if (schema) args.splice(1, 0, schema);
        const send = () => (super.request as (this: this, ...args: unknown[]) => Promise<unknown>).apply(this, args);
        return this.#sending(args, send);
    }

    /** Overridden because the SDK sends the request of a subscription without `request`. */
    override listen(filter: SubscriptionFilter, options?: RequestOptions): Promise<McpSubscription> {
        return this.#sending([options], () => super.listen(filter, options));
    }

    /** Answers a question that came inside an answer, as if the server had asked it with a request. */
    async answer(key: string, question: unknown, context: Asked): Promise<unknown> {
        const { method, params } = isObject(question) ? question : {};
        const asked = Object.values<unknown>(ASKED).includes(method) ? (method as string) : undefined;
        const handler = asked === undefined ? undefined : handlerOf(this, asked);
        if (asked === undefined || !handler)
            throw failure('protocol', `the server asks for what the client has not declared: ${String(method)}`);
        const request = { jsonrpc: '2.0' as const, id: key, method: asked, ...(isObject(params) && { params }) };
        return handler(request, { mcpReq: { ...context, id: key, method: asked } });
    }

    /**
     * Removes from a page the tools that the SDK would remove: their `x-mcp-header` is invalid. Returns their
     * names.
     */
    dropUnusable(page: ListToolsResult): Set<string> {
        const names = page.tools.map(tool => tool.name);
        excludeTools(this, page);
        const kept = new Set(page.tools.map(tool => tool.name));
        return new Set(names.filter(name => !kept.has(name)));
    }

    /** Hands the requests on the fast path over, so that they end with the connection. */
    protected override closing(): void {
        this.#observer?.handOverAll();
    }

    /**
     * The SDK lists the tools by itself when a server has refused a call for its headers. `onlisted` gets
     * that list.
     */
    override async listTools(...args: Parameters<Client['listTools']>): Promise<ListToolsResult> {
        const page = await super.listTools(...args);
        this.onlisted(page);
        return page;
    }

    protected override answered(response: JSONRPCResponse): JSONRPCResponse {
        // Set before the SDK handles the answer: messages in the same batch are handled right after it.
        if ('result' in response && 'protocolVersion' in response.result) this.#introduced = true;
        if ('result' in response && this.getProtocolEra() === 'modern') complete(response.result);
        return response;
    }

    /** Overridden because the SDK sends a further round without `request`. */
    protected override round(round: Round): Round {
        if (hasCall(round.options)) round.options.call.asked = true;
        const retry = (...args: unknown[]) => this.#sending([round.options], () => round.retry(...args));
        return { ...round, retry };
    }

    protected override asking(size: number): (key: string) => Partial<Asked> {
        const place = newRound(size);
        return key => ({ input: place(key) });
    }

    #sending<T>(args: unknown[], send: () => T): T {
        if (!this.#observer) return send();
        this.#observer.current = args.find(hasCall)?.call;
        try {
            return send();
        } finally {
            this.#observer.current = undefined;
        }
    }
}

/**
 * Sends a request whose method the SDK may have no schema for: an extension's, or an unknown one. `schema`
 * is the extension's schema for this request, if it has one.
 */
export function send(
    client: ObservedClient,
    request: { method: string; params: Params },
    options: CallOptions,
    schema = extensionMethod(request.method)?.result
): Promise<unknown> {
    if (schema) return client.request(request, schema, options);
    try {
        return client.request(request, options);
    } catch (error) {
        // Thrown at once, so nothing has been sent.
        if (error instanceof TypeError) return client.request(request, ANY_RESULT, options);
        throw error;
    }
}

/**
 * Sets the members of a result that a server has left out, or has set to a value that the revision does not
 * know, to what clients of 2026-07-28 assume (basic, "ResultType"; server/utilities/caching). The SDK would
 * refuse the result otherwise. Operations still settle with the server's own text.
 */
export function complete(result: Record<string, unknown>): void {
    result['resultType'] ??= 'complete';
    if (result['cacheScope'] !== 'public') result['cacheScope'] = 'private';
    const { ttlMs } = result;
    if (typeof ttlMs !== 'number' || !Number.isSafeInteger(ttlMs) || ttlMs < 0) result['ttlMs'] = 0;
}

/** The handshake of the older revisions, without the extensions that these revisions do not have. */
function asLegacy(request: { params?: Record<string, unknown> }): object {
    const capabilities = declaredToLegacy(request.params?.['capabilities'] as ClientCapabilities);
    return { ...request, params: { ...request.params, capabilities } };
}

function hasCall(options: unknown): options is CallOptions {
    return typeof options === 'object' && options !== null && 'call' in options;
}

function isSchema(value: unknown): boolean {
    return typeof value === 'object' && value !== null && '~standard' in value;
}
