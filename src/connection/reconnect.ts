// The state machine between a session and its connections. It recovers from what can be recovered from:
//
//            open                    forgotten (404), or the command ended
//   (new) ────────▶ live ──────────────────────────────────────────────▶ renewing
//     │              ▲ │                                                   │    │
//     │ fails        │ │ lost                        a new connection      │    │ every attempt
//     ▼              │ │                                                   │    │ failed
//   over ◀───────────┼─┘◀──────────────────────────────────────────────────┼────┘
//                    └─────────────────────────────────────────────────────┘
//
// This file never sends a request again. Sender does, because it knows which requests have no effect.
import type { SessionConfig } from 'caisson:mcp/client@0.1.0';
import { log } from 'caisson:mcp/host@0.1.0';
import type { SessionId } from 'caisson:mcp/types@0.1.0';

import type { SessionAuthorizer } from '../authorization/authorizer.js';
import { Call } from '../operations/calls.js';
import type { CallFailure } from '../operations/errors.js';
import { CallFailure as Failed, failure, inWords, toFailure } from '../operations/errors.js';
import { clearTimeout, setTimeout, sleep } from '../platform/timers.js';
import { Backoff } from '../protocol/backoff.js';
import { Connector } from './connect.js';
import type { Connection } from './connection.js';

/** After a command has run this long, its restarts are counted from 0 again. */
const STEADY_MS = 60_000;
const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 10_000;

export class Reconnector {
    #connector: Connector | undefined;
    #connection: Connection | undefined;
    #renewing: Promise<Connection> | undefined;
    #over: CallFailure | undefined;
    #since = 0;
    #restarts = 0;
    /** The delays between new sessions, when a server forgets one after the other. */
    readonly #backoff = new Backoff(1000, 60_000);
    /** When a forgotten session may be begun anew. */
    #renewable = 0;

    /** Called with each connection when it comes into use, the first one included. */
    onconnection: (connection: Connection) => void = () => {};
    /** Called once, when the connection is lost for good without a call of `close`. */
    onlost: (cause: CallFailure) => void = () => {};

    constructor(
        private readonly session: SessionId,
        private readonly config: SessionConfig,
        private readonly authorizer: SessionAuthorizer | undefined
    ) {}

    /** Opens the first connection, for an operation. */
    async open(call: Call): Promise<Connection> {
        return this.#adopt(await this.#connect(call, connector => connector.connect()));
    }

    /** The methods that the server has not answered yet while `connect` runs, as text for people. */
    get unanswered(): string | undefined {
        return this.#connector?.unanswered;
    }

    /** The connection to send on now, or the one that is being opened. Throws when the session is over. */
    current(): Connection | Promise<Connection> {
        this.#check();
        if (this.#renewing) return this.#renewing;
        const connection = this.#connection;
        if (!connection) throw failure('invalid-argument', `session ${this.session} is not connected yet`);
        return connection.forgotten ? this.#replace(connection) : connection;
    }

    /** The connection to send on now, when one is open. */
    get live(): Connection | undefined {
        return this.#over || this.#renewing || this.#connection?.forgotten ? undefined : this.#connection;
    }

    /**
     * The connection that replaces one on which a request has failed. Undefined when the failure has
     * nothing to do with the connection, or when nothing replaces it.
     */
    replacement(of: Connection, error: unknown): Connection | Promise<Connection> | undefined {
        if (this.#over) return undefined;
        if (this.#renewing) return this.#renewing;
        if (of !== this.#connection) return this.#connection;
        return of.forgot(error) ? this.#replace(of) : undefined;
    }

    /** Begins a forgotten session anew: after a pause, when the forgotten one has answered nothing. */
    #replace(forgotten: Connection): Promise<Connection> {
        const pause = this.#pause(forgotten);
        this.#renewable = Date.now() + pause + this.#backoff.next();
        return this.#renew(forgotten, 1, pause);
    }

    /** Milliseconds until a forgotten session may be begun anew. */
    #pause(forgotten: Connection): number {
        if (forgotten.observer.served) this.#backoff.reset();
        return forgotten.observer.served ? 0 : Math.max(this.#renewable - Date.now(), 0);
    }

    /** Closes the connection. From now on `current` throws `why`. Never fails. */
    async close(why: CallFailure): Promise<void> {
        this.#over ??= why;
        await this.#connector?.close();
    }

    #check(): void {
        if (this.#over) throw this.#over;
    }

    async #connect(call: Call, how: (connector: Connector) => Promise<Connection>): Promise<Connection> {
        this.#connector = new Connector(call, this.session, this.config, this.authorizer);
        return how(this.#connector);
    }

    #adopt(connection: Connection): Connection {
        if (connection.ended) throw connection.ended;
        this.#connection = connection;
        this.#since = Date.now();
        connection.onlost = cause => this.#onLost(connection, cause);
        // No call waits for the new session yet. A later call waits for the rest of the pause.
        connection.onforgotten = error => {
            if (this.#pause(connection) === 0) void this.replacement(connection, error);
        };
        this.onconnection(connection);
        return connection;
    }

    #onLost(connection: Connection, cause: CallFailure): void {
        if (connection !== this.#connection || this.#renewing || this.#over) return;
        if (connection.endpoint.kind === 'stdio' && this.config.restarts > 0) {
            if (Date.now() - this.#since > STEADY_MS) this.#restarts = 0;
            const left = this.config.restarts - this.#restarts;
            if (left > 0) return void this.#renew(connection, left);
        }
        this.#end(cause);
    }

    #renew(lost: Connection, attempts: number, pause = 0): Promise<Connection> {
        log(this.session, 'warn', `the connection is lost, and begun anew${pause > 0 ? ` in ${pause} ms` : ''}`);
        const renewing = this.#attempts(lost, attempts, pause).finally(() => (this.#renewing = undefined));
        this.#renewing = renewing;
        // Calls that wait get the same error; maybe none waits.
        renewing.catch((error: unknown) => this.#end(toFailure(error)));
        return renewing;
    }

    async #attempts(lost: Connection, attempts: number, pause: number): Promise<Connection> {
        await lost.abandon();
        if (pause > 0) await sleep(pause);
        for (;;) {
            attempts--;
            if (lost.endpoint.kind === 'stdio')
                await sleep(Math.min(FIRST_DELAY_MS * 2 ** this.#restarts++, LONGEST_DELAY_MS));
            this.#check();
            try {
                return this.#adopt(await this.#again(lost));
            } catch (error) {
                this.#check();
                if (attempts <= 0) throw error;
            }
        }
    }

    /** Makes one attempt. No operation of the host's belongs to it, so it has its own timeout. */
    async #again(lost: Connection): Promise<Connection> {
        const late = Promise.withResolvers<never>();
        const { connectTimeout } = this.config;
        const expire = () => late.reject(failure('timeout', `not connected within ${connectTimeout} ms`));
        const timer = setTimeout(expire, connectTimeout);
        try {
            const handshake = new Call(0, this.session, 'connect');
            return await Promise.race([this.#connect(handshake, connector => connector.again(lost)), late.promise]);
        } catch (error) {
            await this.#connector?.abandon();
            throw error;
        } finally {
            clearTimeout(timer);
        }
    }

    #end(cause: CallFailure): void {
        if (this.#over) return;
        // A bound that was exceeded stays a `limit`: the user may raise it.
        const tag = cause.failure.tag === 'limit' ? 'limit' : 'closed';
        this.#over = new Failed({ tag, val: inWords(cause) }, cause.io);
        this.onlost(cause);
    }
}
