import type { SessionConfig } from 'caisson:mcp/client@0.1.0';

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
