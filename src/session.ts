import type { StandardSchemaV1 } from '@modelcontextprotocol/client';
import type { SessionConfig } from 'caisson:mcp/client@0.1.0';
import { closed } from 'caisson:mcp/host@0.1.0';
import type { Json, SessionId } from 'caisson:mcp/types@0.1.0';

import type { Call } from './calls.js';
import { rejectAll } from './calls.js';
import type { CallOptions, TappedClient } from './client.js';
import { optionsFor } from './client.js';
import { Connector } from './connect.js';
import type { Connection } from './connection.js';
import type { CallFailure } from './errors.js';
import { CallFailure as Failed, failure, toError } from './errors.js';
import { parseParams } from './json.js';
import { clearTimeout, setTimeout } from './timers.js';

/** One server, from `connect` until the host closes the session. */
export class Session {
    #connector: Connector | undefined;
    #connecting: Call | undefined;
    #connection: Connection | undefined;
    /** Why there is nothing to call any more. */
    #over: CallFailure | undefined;
    #closing: Promise<void> | undefined;

    constructor(readonly id: SessionId) {}

    /** Opens the connection. The session is gone after an error. */
    async connect(call: Call, config: SessionConfig): Promise<Json> {
        this.#connecting = call;
        const late = failure('timeout', `not connected within ${config.connectTimeout} ms`);
        const timer = setTimeout(() => call.abort(late), config.connectTimeout);
        try {
            this.#connector = new Connector(call, this.id, config);
            const connection = await this.#connector.connect();
            if (call.settled) {
                await connection.close();
                throw late;
            }
            connection.onlost = cause => this.#onLost(cause);
            this.#connection = connection;
            return connection.describe();
        } finally {
            this.#connecting = undefined;
            clearTimeout(timer);
        }
    }

    /** `tools/list`: one page. */
    listTools(call: Call, params: Json): Promise<Json> {
        return this.request(call, 'tools/list', params);
    }

    /** `tools/call`. */
    async callTool(call: Call, params: Json): Promise<Json> {
        const { client } = this.#live();
        const given = parse(params);
        if (typeof given['name'] !== 'string') throw failure('invalid-argument', 'params have no name of a tool');
        return this.#answer(call, client.callTool(given as { name: string }, optionsFor(call)));
    }

    /** `ping`, or what comes nearest to it. */
    async ping(call: Call): Promise<Json> {
        const { client } = this.#live();
        if (client.getProtocolEra() === 'legacy') return this.#answer(call, client.ping(optionsFor(call)));
        await this.#answer(call, client.request({ method: 'server/discover' }, optionsFor(call)));
        return '{}';
    }

    /** Any request by its method name. */
    async request(call: Call, method: string, params: Json): Promise<Json> {
        const { client } = this.#live();
        const request = { method, params: parse(params) };
        if (method === 'initialize') throw failure('invalid-argument', 'initialize belongs to connect');
        return this.#answer(call, send(client, request, optionsFor(call)));
    }

    /** Ends the session, once. Never fails. */
    close(call: Call): Promise<void> {
        return (this.#closing ??= this.#end(call));
    }

    async #end(closing: Call): Promise<void> {
        this.#over ??= failure('closed', 'the session is closed');
        this.#connecting?.abort(this.#over);
        rejectAll(this.id, this.#over, closing);
        await this.#connector?.connection?.close();
    }

    #live(): Connection {
        if (this.#over) throw this.#over;
        if (!this.#connection) throw failure('invalid-argument', `session ${this.id} is not connected yet`);
        return this.#connection;
    }

    /** Waits for the SDK's word, and returns the server's. */
    async #answer(call: Call, sent: Promise<unknown>): Promise<Json> {
        try {
            await sent;
        } finally {
            // When it was given up, an answer may still come.
            this.#connection?.tap.forget(call);
        }
        if (call.result === undefined) throw failure('internal', 'the answer was not heard');
        return call.result;
    }

    #onLost(cause: CallFailure): void {
        const { io } = cause;
        this.#over = new Failed({ tag: 'closed', val: cause.message }, io);
        rejectAll(this.id, cause);
        closed(this.id, toError(cause, 'session'));
    }
}

function parse(params: Json): Record<string, unknown> {
    try {
        return parseParams(params);
    } catch (error) {
        throw failure(
            'invalid-argument',
            error instanceof SyntaxError ? 'params are not JSON' : 'params are not a JSON object'
        );
    }
}

/** Sends a request whose method may be one that the SDK has no schema for: an extension's, or nobody's. */
function send(
    client: TappedClient,
    request: { method: string; params: Record<string, unknown> },
    options: CallOptions
): Promise<unknown> {
    try {
        return client.request(request, options);
    } catch (error) {
        // Thrown at once, so nothing has been sent.
        if (error instanceof TypeError) return client.request(request, ANY_RESULT, options);
        throw error;
    }
}

/** The schema of a result that only its extension knows. */
const ANY_RESULT: StandardSchemaV1 = {
    '~standard': { version: 1, vendor: 'caisson', validate: value => ({ value }) }
};
