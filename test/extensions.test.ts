// Extensions that only the program knows: what is declared, sent and asked for them.
import { describe, expect, test } from 'vitest';

import { Peer } from './host/peer.js';
import { onPipe } from './host/servers.js';
import { CONFIGS, connected } from './host/sessions.js';

const NAME = 'com.example/weather';
const declaring = { ...CONFIGS.stdio, capabilities: JSON.stringify({ extensions: { [NAME]: { unit: 'K' } } }) };

/** A server that asks with a request, and what it is answered. */
async function asked(method: string, params?: object, config: typeof declaring = declaring) {
    const peer = new Peer('legacy');
    const { host, session } = await connected(onPipe(peer), config);
    host.pipes[0]?.write(JSON.stringify({ jsonrpc: '2.0', id: 'q1', method, params }));
    return { host, session, reply: () => peer.received.findLast(message => message.id === 'q1') };
}

test.each(['legacy', 'modern'] as const)('an extension of the program is declared in the %s era', async era => {
    const peer = new Peer(era);
    await connected(onPipe(peer), declaring);
    const [opening] = peer.requests(era === 'modern' ? 'server/discover' : 'initialize');
    const meta = opening?.params?.['_meta'] as Record<string, unknown> | undefined;
    const capabilities = meta?.['io.modelcontextprotocol/clientCapabilities'] ?? opening?.params?.['capabilities'];
    const tasks = era === 'modern' ? { 'io.modelcontextprotocol/tasks': {} } : {};
    expect(capabilities).toEqual({ extensions: { [NAME]: { unit: 'K' }, ...tasks } });
});

describe('a request that the protocol does not have', () => {
    test('goes to the host, and its answer to the server', async () => {
        const { host, session, reply } = await asked('weather/ask', { city: 'Bern' });
        expect(host.asks).toMatchObject([{ session, method: 'weather/ask', params: { city: 'Bern' } }]);
        host.answer({ action: 'accept', kelvin: 280 });
        expect(reply()?.result).toEqual({ action: 'accept', kelvin: 280 });
    });

    test('without params has an empty object', async () => {
        const { host } = await asked('weather/ask');
        expect(host.asks).toMatchObject([{ params: {} }]);
    });

    test("has the host's refusal for an answer", async () => {
        const { host, reply } = await asked('weather/ask', {}, { ...declaring, capabilities: '{}' });
        const error = { code: -32601, message: 'the client does not answer this' };
        host.deliver({ tag: 'answer', val: { ask: host.asks[0]?.id ?? 0, outcome: { tag: 'err', val: error } } });
        expect(reply()?.error).toEqual(error);
    });

    test('is taken back', async () => {
        const { host } = await asked('weather/ask');
        const method = 'notifications/cancelled';
        host.pipes[0]?.write(JSON.stringify({ jsonrpc: '2.0', method, params: { requestId: 'q1' } }));
        expect(host.asks).toMatchObject([{ retracted: true }]);
    });

    test('is refused before the server has answered initialize', async () => {
        const peer = new Peer('legacy', { initialize: () => undefined });
        const { FakeHost } = await import('./host/host.js');
        const host = await FakeHost.start(onPipe(peer));
        host.begin({ ...declaring, protocolVersions: ['2025-11-25'] });
        host.pipes[0]?.write(JSON.stringify({ jsonrpc: '2.0', id: 'q1', method: 'weather/ask' }));
        expect(host.asks).toEqual([]);
        expect(peer.received.findLast(message => message.id === 'q1')?.error?.code).toBe(-32600);
    });
});

test.each(['sampling/createMessage', 'roots/list', 'tools/list', 'tasks/get'])(
    'what the protocol has and the client has not declared is never asked: %s',
    async method => {
        const { host, reply } = await asked(method, {});
        expect(host.asks).toEqual([]);
        expect(reply()?.error?.code).toBe(-32601);
    }
);
