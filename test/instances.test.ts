import { expect, test } from 'vitest';

import { FakeHost } from './host/host.js';
import { Peer } from './host/peer.js';
import { onHttp, onPipe } from './host/servers.js';
import { CONFIGS } from './host/sessions.js';

test('instances share no state', async () => {
    const hosts = await Promise.all(
        [0, 1].map(() => FakeHost.start(onPipe(new Peer('legacy', { 'tools/call': () => ({ content: [] }) }))))
    );
    for (const host of hosts) {
        // Both begin at the same ids, and each has its own sessions.
        expect(host.connect(CONFIGS.stdio).session).toBe(1);
    }
    const [a, b] = hosts as [FakeHost, FakeHost];
    a.call((client, call) => client.close(call, 1));
    expect(b.outcome(b.callTool(1, 'x')).tag).toBe('ok');
    expect(a.err(a.callTool(1, 'x')).failure.tag).toBe('invalid-argument');
});

test("random numbers are the host's, from the first on", async () => {
    const anonymous = { supportedVersions: ['2026-07-28'], capabilities: {}, ttlMs: 0, cacheScope: 'private' };
    const asked: number[] = [];
    for (const instance of [0, 1]) {
        const random = {
            getRandomBytes: (length: bigint) => {
                asked.push(instance);
                return new Uint8Array(Number(length)).fill(instance);
            },
            getRandomU64: () => BigInt(asked.push(instance))
        };
        const host = await FakeHost.start({
            ...onHttp(new Peer('modern', { 'server/discover': () => anonymous })),
            random
        });
        const before = asked.length;
        // A server without a name gets one by chance, inside the SDK.
        expect(host.connect(CONFIGS.http).result).not.toHaveProperty('serverInfo');
        expect(asked.length).toBeGreaterThan(before);
    }
});
