import { SdkHttpError } from '@modelcontextprotocol/client';
import type { SessionConfig } from 'caisson:mcp/client@0.1.0';
import type { SessionId } from 'caisson:mcp/types@0.1.0';

import type { Call } from './calls.js';
import type { Carrier, Opening } from './connection.js';
import { Connection } from './connection.js';
import { failure } from './errors.js';
import { NEVER } from './timers.js';

/** A server on a pipe that does not know the probe may also keep silent. This long, it may. */
const PROBE_MS = 5000;

/** The first revision that begins with a probe, and not with a handshake. */
const FIRST_WITH_PROBE = '2026-07-28';

/** How `connect` reaches a server: the attempts it makes, and which failure leads to which next. */
export class Connector {
    /** The latest attempt. */
    connection: Connection | undefined;

    constructor(
        private readonly call: Call,
        private readonly session: SessionId,
        private readonly config: SessionConfig
    ) {}

    connect(): Promise<Connection> {
        const { endpoint } = this.config;
        switch (endpoint.tag) {
            case 'stdio':
                return this.#overPipe();
            case 'http':
                return this.#attempt(
                    { kind: 'http', url: parseUrl(endpoint.val) },
                    { mode: 'auto', probeTimeout: NEVER }
                );
            case 'sse':
                return this.#attempt({ kind: 'sse', url: parseUrl(endpoint.val) }, { mode: 'legacy' });
            case 'http-or-sse':
                return this.#overHttpOrSse(parseUrl(endpoint.val));
        }
    }

    /** Begins anew what was there and is lost: the way to the server is known. */
    again(lost: Connection): Promise<Connection> {
        return this.#attempt(lost.carrier, lost.legacy ? { mode: 'legacy' } : { mode: 'auto', probeTimeout: NEVER });
    }

    async #attempt(carrier: Carrier, opening: Opening): Promise<Connection> {
        const { protocolVersions } = this.config;
        const old = protocolVersions.length > 0 && protocolVersions.every(version => version < FIRST_WITH_PROBE);
        if (old) opening = { mode: 'legacy' };
        const connection = new Connection(this.session, this.call, carrier, this.config, opening);
        this.connection = connection;
        await connection.open();
        return connection;
    }

    /** A command that ends at the unknown first message gets a second one, and the older handshake. */
    async #overPipe(): Promise<Connection> {
        const probeTimeout = Math.min(PROBE_MS, this.config.connectTimeout / 2);
        try {
            return await this.#attempt({ kind: 'stdio' }, { mode: 'auto', probeTimeout });
        } catch (error) {
            const { lost, tap } = this.connection as Connection;
            if (lost?.failure.tag !== 'transport' || tap.answered || this.call.settled) throw error;
            return await this.#attempt({ kind: 'stdio' }, { mode: 'legacy' });
        }
    }

    /** Specification, basic/transports, "Backwards Compatibility". */
    async #overHttpOrSse(url: URL): Promise<Connection> {
        try {
            return await this.#attempt({ kind: 'http', url }, { mode: 'auto', probeTimeout: NEVER });
        } catch (error) {
            if (!(error instanceof SdkHttpError && [400, 404, 405].includes(error.status)) || this.call.settled)
                throw error;
            try {
                return await this.#attempt({ kind: 'sse', url }, { mode: 'legacy' });
            } catch (later) {
                // Where it speaks neither, what it said to the current transport is the better hint.
                throw this.connection?.tap.streamed ? later : error;
            }
        }
    }
}

function parseUrl(text: string): URL {
    try {
        return new URL(text);
    } catch {
        throw failure('invalid-argument', `not an absolute URL: ${text}`);
    }
}
