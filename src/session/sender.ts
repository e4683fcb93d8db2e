import type { StandardSchemaV1 } from '@modelcontextprotocol/client';
import { LOG_LEVEL_META_KEY, SdkError, SdkErrorCode } from '@modelcontextprotocol/client';

import type { ObservedClient } from '../connection/client.js';
import { optionsFor, send } from '../connection/client.js';
import type { Connection } from '../connection/connection.js';
import type { Reconnector } from '../connection/reconnect.js';
import type { Call } from '../operations/calls.js';
import type { CallFailure } from '../operations/errors.js';
import { failure } from '../operations/errors.js';
import { extensionMethod } from '../extensions/extensions.js';
import { isObject } from '../protocol/json.js';
import type { Answer, Params } from '../protocol/requests.js';
import { REPEATABLE } from '../protocol/requests.js';
import { mended } from '../protocol/results.js';

/** How often one request is sent, when its connections are lost one after the other. */
const MOST_ATTEMPTS = 5;

/** The outcome of a request, and the client that sent it. */
interface Answered extends Answer {
    readonly client: ObservedClient;
}

/** Sends the requests of a session over its current connection. */
export class Sender {
    /** The level for logging messages. Revision 2026-07-28 has it in each request. */
    logLevel: unknown;

    constructor(private readonly reconnector: Reconnector) {}

    /**
     * Sends a request unchanged. `sent` is the connection on which it was sent already, if it was; `schema`
     * is
     * for a result that the SDK has no schema for.
     */
    send(call: Call, method: string, params: Params, sent?: Connection, schema?: StandardSchemaV1): Promise<Answered> {
        const ask = async (connection: Connection) => {
            const { client, fastPath } = connection;
            const paramsWithLevel = this.withLogLevel(client, params);
            return this.read(call, connection, method, () =>
                !call.handedOver && fastPath?.takes(method, paramsWithLevel)
                    ? fastPath.ask(call, method, paramsWithLevel)
                    : send(client, { method, params: paramsWithLevel }, optionsFor(call), schema)
            );
        };
        const repeatable = extensionMethod(method)?.repeatable ?? REPEATABLE.has(method);
        return this.over(call, repeatable, ask, sent);
    }

    /**
     * Sends a request. When the SDK accepted its result only after repairs, the call settles with the
     * repaired one.
     */
    async read(call: Call, connection: Connection, method: string, send: () => Promise<unknown>): Promise<unknown> {
        const before = mended();
        const value = await send();
        if (mended() !== before && call.result !== undefined) {
            const readable = connection.readable(method, call.result);
            if (readable && !call.raw) call.result = JSON.stringify(readable);
        }
        return value;
    }

    /**
     * Sends a request over the current connection. When that connection is lost and a repetition does no
     * harm, sends the request once more over the next one. Sends it again when the next connection is lost
     * because another request learned that the session is forgotten: this request has had no answer yet.
     */
    async over(
        call: Call,
        repeatable: boolean,
        send: (connection: Connection) => Promise<unknown>,
        sent?: Connection
    ): Promise<Answered> {
        for (let attempt = 1; ; attempt++) {
            const next = attempt === 1 && sent ? sent : this.reconnector.current();
            const connection = next instanceof Promise ? await next : next;
            call.check();
            try {
                const value = await send(connection);
                if (call.result === undefined) throw failure('internal', 'the answer was not observed');
                return { value, result: call.result, client: connection.client };
            } catch (error) {
                const again = attempt === 1 || (attempt < MOST_ATTEMPTS && connection.forgotten && isClosed(error));
                if (!again || call.settled) throw error;
                if (!(await this.reconnector.replacement(connection, error))) throw error;
                if (!repeatable) throw connection.forgotten ? notRepeated(call) : (connection.lost ?? error);
            } finally {
                // An answer to a cancelled request may still come.
                connection.observer.forget(call);
            }
        }
    }

    /** The params with the level for logging messages, in the revision that has it in each request. */
    withLogLevel(client: ObservedClient, params: Params): Params {
        if (this.logLevel === undefined || client.getProtocolEra() === 'legacy') return params;
        const meta = isObject(params['_meta']) ? params['_meta'] : {};
        return { ...params, _meta: { [LOG_LEVEL_META_KEY]: this.logLevel, ...meta } };
    }
}

function isClosed(error: unknown): boolean {
    return error instanceof SdkError && error.code === SdkErrorCode.ConnectionClosed;
}

function notRepeated(call: Call): CallFailure {
    call.failure = undefined;
    return failure(
        'not-repeated',
        'the server had forgotten the session; a new one is begun, and the call was not repeated, as it may have had an effect'
    );
}
