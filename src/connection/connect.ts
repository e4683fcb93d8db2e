import type { SessionConfig } from 'caisson:mcp/client@0.1.0';
import { log } from 'caisson:mcp/host@0.1.0';
import type { SessionId } from 'caisson:mcp/types@0.1.0';

import type { Call } from '../operations/calls.js';
import { failure, toFailure } from '../operations/errors.js';
import { within } from '../platform/timers.js';
import { PROBE, anyNewer, anyOlder } from '../protocol/probe.js';
import type { Endpoint, NegotiationMode } from './connection.js';
import { Connection } from './connection.js';

/** A server that has not answered the probe for so long is worth a line in the log. */
const LOG_AFTER_MS = 5000;

/**
 * A server may take its time to start, and one that does not know the probe may keep silent. After
 * this long without an answer it is asked in the older way too, beside the probe.
 */
const FALLBACK_DELAY_MS = 15_000;

/** A server that is up in the older way may be about to answer the probe. This long, at most. */
const GRACE_MS = 2000;

/** A connection that is being opened. */
interface Attempt {
    readonly connection: Connection;
    readonly opened: Promise<Connection>;
}

/** How `connect` reaches a server: the attempts it makes, and which failure leads to which next. */
export class Connector {
    readonly #attempts: Attempt[] = [];
    readonly #begun = Date.now();

    constructor(
        private readonly call: Call,
        private readonly session: SessionId,
        private readonly config: SessionConfig
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

    /** Begins anew what was there and is lost: the way to the server is known. */
    again(lost: Connection): Promise<Connection> {
        return this.#begin(lost.endpoint, lost.legacy ? 'legacy' : 'auto').opened;
    }

    /** What the server has not answered yet, for people; undefined when it has answered everything. */
    get unanswered(): string | undefined {
        const waited = this.#attempts
            .map(({ connection }) => connection.waitsFor)
            .filter(method => method !== undefined);
        return waited.length === 0 ? undefined : [...new Set(waited)].join(' and ');
    }

    /** Ends every connection that was made, and waits until they are over. Never fails. */
    async close(): Promise<void> {
        await Promise.all(this.#attempts.map(({ connection }) => connection.close()));
    }

    /** Lets go of every connection that was made. */
    async abandon(): Promise<void> {
        await Promise.all(this.#attempts.map(({ connection }) => connection.abandon()));
    }

    #begin(endpoint: Endpoint, mode: NegotiationMode): Attempt {
        const connection = new Connection(this.session, this.call, endpoint, this.config, mode);
        const opened = connection.open().then(() => connection);
        // Whether anybody waits for it depends on the other attempt.
        opened.catch(() => {});
        const attempt = { connection, opened };
        this.#attempts.push(attempt);
        return attempt;
    }

    /**
     * Asks in the newer way first. That a server of an older revision refuses the probe, the client
     * knows how to go on from; here is what to do about one that ends at it, and one that keeps silent.
     */
    async #reach(endpoint: Endpoint): Promise<Connection> {
        const { protocolVersions, connectTimeout } = this.config;
        if (!anyNewer(protocolVersions)) return this.#begin(endpoint, 'legacy').opened;
        const probe = this.#begin(endpoint, 'auto');
        if (!anyOlder(protocolVersions)) return probe.opened;
        const fallbackDelay = Math.min(FALLBACK_DELAY_MS, connectTimeout / 2);
        const logAfter = Math.min(LOG_AFTER_MS, fallbackDelay);
        try {
            let opened = await within(probe.opened, logAfter);
            if (opened) return opened;
            log(this.session, 'info', `connect: waiting for the answer to ${PROBE}`);
            opened = await within(probe.opened, fallbackDelay - logAfter);
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

    /** What comes up first of the two, and lets go of the other. */
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
                // The probe was sent earlier: what makes the two start one after the other, such as the
                // lock of an installation, has the two answer at nearly the same time.
                const took = Date.now() - begun;
                const left = this.config.connectTimeout - (Date.now() - this.#begun);
                await within(
                    probe.opened.catch(() => {}),
                    Math.min(took, left / 2, GRACE_MS)
                );
                // Where it has ended meanwhile, the probe is waited for alone.
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

    /** Whether a command has ended, and had not answered anything before. */
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
                // Where it speaks neither, what it said to the current transport is the better hint.
                throw sse.connection.observer.streamed ? later : error;
            }
        }
    }
}

function parseUrl(text: string): URL {
    try {
        return new URL(text);
    } catch {
        // Without the text: what does not parse cannot be redacted.
        throw failure('invalid-argument', 'the endpoint is not an absolute URL');
    }
}
