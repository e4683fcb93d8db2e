import type { SessionConfig } from 'caisson:mcp/client@0.1.0';
import { expect } from 'vitest';

import type { World } from './host.js';
import { FakeHost } from './host.js';

/** Where a test's server is, by transport. */
export const CONFIGS = {
    stdio: { endpoint: { tag: 'stdio' } },
    http: { endpoint: { tag: 'http', val: 'http://server.test/mcp' } },
    sse: { endpoint: { tag: 'sse', val: 'http://server.test/sse' } },
    'http-or-sse': { endpoint: { tag: 'http-or-sse', val: 'http://server.test/sse' } }
} as const;

/** A host, and a session with the server in its world. */
export async function connected(
    world: World,
    config: Partial<SessionConfig> & Pick<SessionConfig, 'endpoint'> = CONFIGS.stdio
): Promise<{ host: FakeHost; session: number }> {
    const host = await FakeHost.start(world);
    return { host, session: host.connect(config).session };
}

/** How long the core looks after a stream of events that has answered its request. */
const IDLE_STREAM_MS = 1000;

/** A host of which nothing is wanted any more but the timer that looks after streams, which is the last. */
export function expectQuiet(host: FakeHost): void {
    const { exchanges, pipes, timers } = host.open;
    expect({ exchanges, pipes }).toEqual({ exchanges: 0, pipes: 0 });
    expect(timers).toBeLessThanOrEqual(1);
    const sent = host.exchanges.length;
    host.advance(IDLE_STREAM_MS);
    expect(host.open).toEqual({ exchanges: 0, pipes: 0, timers: 0 });
    expect(host.exchanges.length).toBe(sent);
}
