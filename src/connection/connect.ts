import type { SessionConfig } from 'caisson:mcp/client@0.1.0';
import { log } from 'caisson:mcp/host@0.1.0';
import type { SessionId } from 'caisson:mcp/types@0.1.0';

import type { SessionAuthorizer } from '../authorization/authorizer.js';
import type { Call } from '../operations/calls.js';
import { failure, toFailure } from '../operations/errors.js';
import { within } from '../platform/timers.js';
import { PROBE, anyNewer, anyOlder } from '../protocol/probe.js';
import type { Endpoint, NegotiationMode } from './connection.js';
import { Connection } from './connection.js';

/** After this long without an answer to the probe, a line of the log says so. */
const LOG_AFTER_MS = 5000;

/**
 * After this long without an answer to the probe, the client sends the handshake of the older revisions
 * as well. A server may be slow to start, or may ignore a probe that it does not know.
 */
const FALLBACK_DELAY_MS = 15_000;

/**
 * A handshake that has succeeded waits at most this long for the probe, which may be about to succeed too.
 */
const GRACE_MS = 2000;

/** A connection that is being opened. */
interface Attempt {
    readonly connection: Connection;
    readonly opened: Promise<Connection>;
}

/** Reaches a server for `connect`: makes the attempts, and decides which attempt follows which failure. */
export class Connector {
    readonly #attempts: Attempt[] = [];
    readonly #begun = Date.now();

    constructor(
        private readonly call: Call,
        private readonly session: SessionId,
        private readonly config: SessionConfig,
        private readonly authorizer: SessionAuthorizer | undefined
    ) {}

    async connect(): Promise<Connection> {
        const { endpoint, protocolVersions } = this.config;
        switch (endpoint.tag) {
            case 'stdio':
                return this.#reach({ kind: 'stdio' });
            case 'http':
                return this.#reach({ kind: 'http', url: parseUrl(endpoint.val) });
            case 'sse':
                if (!anyOlder(protocolVersions))
                    throw failure(
                        'invalid-argument',
                        `revision ${protocolVersions.join(', ')} has no SSE transport: choose http, or allow an older revision`
                    );
                return this.#begin({ kind: 'sse', url: parseUrl(endpoint.val) }, 'legacy').opened;
            case 'http-or-sse':
                return this.#overHttpOrSse(parseUrl(endpoint.val));
        }
    }

    /** Opens the next connection after one that was lost, in the way that worked before. */
    again(lost: Connection): Promise<Connection> {
        return this.#begin(lost.endpoint, lost.legacy ? 'legacy' : 'auto').opened;
    }

    /**
     * The methods that the server has not answered yet, as text for people; undefined when there are none.
     */
    get unanswered(): string | undefined {
        const waited = this.#attempts
            .map(({ connection }) => connection.waitsFor)
            .filter(method => method !== undefined);
        return waited.length === 0 ? undefined : [...new Set(waited)].join(' and ');
    }

    /** Closes every connection that was made, and waits until all are closed. Never fails. */
    async close(): Promise<void> {
        await Promise.all(this.#attempts.map(({ connection }) => connection.close()));
    }

    /** Abandons every connection that was made. */
    async abandon(): Promise<void> {
        await Promise.all(this.#attempts.map(({ connection }) => connection.abandon()));
    }

    #begin(endpoint: Endpoint, mode: NegotiationMode): Attempt {
        const connection = new Connection(this.session, this.call, endpoint, this.config, mode, this.authorizer);
        const opened = connection.open().then(() => connection);
        // Nobody may wait for this attempt, if the other one succeeds first.
        opened.catch(() => {});
        const attempt = { connection, opened };
        this.#attempts.push(attempt);
        return attempt;
    }

    /**
     * Sends the probe first. When a server of an older revision refuses the probe, the SDK's client goes on
     * with the handshake. This method handles a server that ends at the probe, and one that stays silent.
     */
    async #reach(endpoint: Endpoint): Promise<Connection> {
        const { protocolVersions, connectTimeout } = this.config;
        if (!anyNewer(protocolVersions)) return this.#begin(endpoint, 'legacy').opened;
        const probe = this.#begin(endpoint, 'auto');
        if (!anyOlder(protocolVersions)) return probe.opened;
        const fallbackDelay = Math.min(FALLBACK_DELAY_MS, connectTimeout / 2);
        const logAfter = Math.min(LOG_AFTER_MS, fallbackDelay);
        try {
            let opened = await this.#within(probe.opened, logAfter);
            if (opened) return opened;
            log(this.session, 'info', `connect: waiting for the answer to ${PROBE}`);
            opened = await this.#within(probe.opened, fallbackDelay - logAfter);
            if (opened) return opened;
        } catch (error) {
            if (!this.#ended(probe)) throw error;
            return this.#begin(endpoint, 'legacy').opened;
        }
        const again =
            endpoint.kind === 'stdio' ? 'the command is started a second time, and asked' : 'the server is asked';
        log(
            this.session,
            'warn',
            `connect: ${PROBE} has got no answer for ${fallbackDelay} ms; ${again} in the older way, and the answer that comes first counts. Where the server speaks an older revision, naming the revision spares the wait`
        );
        return this.#first(probe, this.#begin(endpoint, 'legacy'));
    }

    /** `within`, without the time that the authorization takes: a person may have to log in. */
    async #within<T>(promise: Promise<T>, delay: number): Promise<T | undefined> {
        for (;;) {
            const got = await within(promise, delay);
            if (got !== undefined || !this.authorizer?.busy) return got;
            await this.authorizer.idle();
        }
    }

    /** Returns the attempt that succeeds first, and closes the other. */
    async #first(probe: Attempt, handshake: Attempt): Promise<Connection> {
        const reached = Promise.withResolvers<Connection>();
        const begun = Date.now();
        let up: Connection | undefined;
        const older = async () => {
            const connection = await handshake.opened;
            if (connection.ended) throw connection.ended;
            return connection;
        };
        probe.opened.then(reached.resolve, (error: unknown) => {
            if (this.#ended(probe)) older().then(reached.resolve, reached.reject);
            else reached.reject(error);
        });
        handshake.opened.then(
            async connection => {
                // Wait a little for the probe, which was sent earlier: when the two commands had to wait for
                // each other, for a lock of an installation say, both answer at nearly the same time.
                const took = Date.now() - begun;
                const left = this.config.connectTimeout - (Date.now() - this.#begun);
                await within(
                    probe.opened.catch(() => {}),
                    Math.min(took, left / 2, GRACE_MS)
                );
                // When this connection has ended meanwhile, only the probe is left.
                if (!connection.ended) reached.resolve(connection);
            },
            (error: unknown) => {
                if (!up && !this.call.settled)
                    log(
                        this.session,
                        'info',
                        `connect: asked in the older way, it failed: ${toFailure(error).message}`
                    );
            }
        );
        try {
            up = await reached.promise;
            log(
                this.session,
                'info',
                `connect: reached ${up === probe.connection ? `by ${PROBE}` : 'in the older way'}`
            );
            return up;
        } finally {
            for (const { connection } of [probe, handshake]) if (connection !== up) void connection.close();
        }
    }

    /** Whether the command has ended without having answered anything. */
    #ended({ connection: { lost, observer } }: Attempt): boolean {
        return lost?.failure.tag === 'transport' && !observer.answered && !this.call.settled;
    }

    /** Specification, basic/transports, "Backwards Compatibility". */
    async #overHttpOrSse(url: URL): Promise<Connection> {
        try {
            return await this.#reach({ kind: 'http', url });
        } catch (error) {
            const { failure } = toFailure(error);
            const unknown = failure.tag === 'http' && [400, 404, 405].includes(failure.val.status);
            if (!unknown || this.call.settled || !anyOlder(this.config.protocolVersions)) throw error;
            const sse = this.#begin({ kind: 'sse', url }, 'legacy');
            try {
                return await sse.opened;
            } catch (later) {
                // When the server speaks neither transport, its answer to the current one is the better hint.
                throw sse.connection.observer.streamed ? later : error;
            }
        }
    }
}

function parseUrl(text: string): URL {
    try {
        return new URL(text);
    } catch {
        // The error does not quote the text: what does not parse cannot be redacted.
        throw failure('invalid-argument', 'the endpoint is not an absolute URL');
    }
}
