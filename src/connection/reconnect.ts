// What stands between a session and its server, through everything that can be recovered from:
//
//            open                    forgotten (404), or the command ended
//   (new) ────────▶ live ──────────────────────────────────────────────▶ renewing
//     │              ▲ │                                                   │    │
//     │ fails        │ │ lost                        a new connection      │    │ every attempt
//     ▼              │ │                                                   │    │ failed
//   over ◀───────────┼─┘◀──────────────────────────────────────────────────┼────┘
//                    └─────────────────────────────────────────────────────┘
//
// What may have had an effect is never sent again from here: see Session, which knows what a
// request does.
import type { SessionConfig } from 'caisson:mcp/client@0.1.0';
import { log } from 'caisson:mcp/host@0.1.0';
import type { SessionId } from 'caisson:mcp/types@0.1.0';

import { Call } from '../operations/calls.js';
import type { CallFailure } from '../operations/errors.js';
import { CallFailure as Failed, failure, inWords, toFailure } from '../operations/errors.js';
import { clearTimeout, setTimeout, sleep } from '../platform/timers.js';
import { Backoff } from '../protocol/backoff.js';
import { Connector } from './connect.js';
import type { Connection } from './connection.js';

/** A command that ran this long may be started again as often as at first. */
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
    /** How long the next session lasts at least, when a server forgets one after the other. */
    readonly #backoff = new Backoff(1000, 60_000);
    #renewable = 0;

    /** Called for each connection that serves from now on; the first one as well. */
    onconnection: (connection: Connection) => void = () => {};
    /** Called once, when the connection is lost for good and it was not us. */
    onlost: (cause: CallFailure) => void = () => {};

    constructor(
        private readonly session: SessionId,
        private readonly config: SessionConfig
    ) {}

    /** Opens the first connection, for an operation. */
    async open(call: Call): Promise<Connection> {
        return this.#adopt(await this.#connect(call, connector => connector.connect()));
    }

    /** What the server has not answered yet while it is being connected, for people. */
    get unanswered(): string | undefined {
        return this.#connector?.unanswered;
    }

    /** The connection to send on now. Throws when there is none, and there will be none. */
    current(): Connection | Promise<Connection> {
        this.#check();
        if (this.#renewing) return this.#renewing;
        const connection = this.#connection;
        if (!connection) throw failure('invalid-argument', `session ${this.session} is not connected yet`);
        return connection.forgotten ? this.#replace(connection) : connection;
    }

    /** The connection to send on now, when there is one. */
    get live(): Connection | undefined {
        return this.#over || this.#renewing || this.#connection?.forgotten ? undefined : this.#connection;
    }

    /**
     * What takes the place of a connection on which a request failed: undefined when the failure
     * has nothing to do with the connection, or nothing takes its place.
     */
    replacement(of: Connection, error: unknown): Connection | Promise<Connection> | undefined {
        if (this.#over) return undefined;
        if (this.#renewing) return this.#renewing;
        if (of !== this.#connection) return this.#connection;
        return of.forgot(error) ? this.#replace(of) : undefined;
    }

    /** Begins a session anew that the server forgot: after a pause, when the one before came to nothing. */
    #replace(forgotten: Connection): Promise<Connection> {
        const pause = this.#pause(forgotten);
        this.#renewable = Date.now() + pause + this.#backoff.next();
        return this.#renew(forgotten, 1, pause);
    }

    /** Milliseconds until a session that the server forgot may be begun anew. */
    #pause(forgotten: Connection): number {
        if (forgotten.observer.served) this.#backoff.reset();
        return forgotten.observer.served ? 0 : Math.max(this.#renewable - Date.now(), 0);
    }

    /** Ends the connection and says why there is none any more. Never fails. */
    async close(why: CallFailure): Promise<void> {
        this.#over ??= why;
        await this.#connector?.close();
    }

    #check(): void {
        if (this.#over) throw this.#over;
    }

    async #connect(call: Call, how: (connector: Connector) => Promise<Connection>): Promise<Connection> {
        this.#connector = new Connector(call, this.session, this.config);
        return how(this.#connector);
    }

    #adopt(connection: Connection): Connection {
        if (connection.ended) throw connection.ended;
        this.#connection = connection;
        this.#since = Date.now();
        connection.onlost = cause => this.#onLost(connection, cause);
        // Nobody waits for it: who does later, waits for what is left of the pause.
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
        // Whoever waits for it hears of it; maybe nobody does.
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

    /** One attempt, which no operation of the host's waits for. */
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
        // A bound that was met is told as one: who meets it may raise it.
        const tag = cause.failure.tag === 'limit' ? 'limit' : 'closed';
        this.#over = new Failed({ tag, val: inWords(cause) }, cause.io);
        this.onlost(cause);
    }
}
