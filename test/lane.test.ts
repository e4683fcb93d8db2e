// What goes past the SDK arrives as if the SDK had sent it, and in the caller's own words.
import { describe, expect, test } from 'vitest';

import type { FakeHost } from './host/host.js';
import { Peer } from './host/peer.js';
import { onHttp, onPipe } from './host/servers.js';
import { CONFIGS, connected } from './host/sessions.js';

type Era = 'legacy' | 'modern';

const CALLED = { 'tools/call': () => ({ content: [] }), 'logging/setLevel': () => ({}) };
const ENVELOPE = 'io.modelcontextprotocol/protocolVersion';
const LEVEL = 'io.modelcontextprotocol/logLevel';

/** What was written last. */
function written(host: FakeHost): string {
    return host.pipes[0]?.written.at(-1) ?? host.exchanges.at(-1)?.request.body ?? '';
}

function meta(text: string): Record<string, unknown> | undefined {
    return (JSON.parse(text) as { params: { _meta?: Record<string, unknown> } }).params._meta;
}

describe.each([
    ['legacy', 'stdio'],
    ['modern', 'stdio'],
    ['legacy', 'http'],
    ['modern', 'http']
] as [Era, 'stdio' | 'http'][])('a call of a tool, %s, over %s', (era, transport) => {
    const world = () => (transport === 'stdio' ? onPipe : onHttp)(new Peer(era, CALLED));
    const call = (host: FakeHost, session: number, params: string) =>
        host.ok(host.call((client, call) => client.callTool(call, session, params)));

    test.skipIf(WITHOUT.lane)('keeps the order of members, and numbers', async () => {
        const { host, session } = await connected(world(), CONFIGS[transport]);
        const args = '"arguments":{"10":1.0,"9":{"b":9007199254740993,"a":-0},"x":1e400}';
        call(host, session, `{"name":"t",${args}}`);
        const text = written(host);
        expect(text).toContain(`"params":{"name":"t",${args}${era === 'modern' ? ',"_meta":' : '}'}`);
        expect(meta(text)?.[ENVELOPE]).toBe(era === 'modern' ? '2026-07-28' : undefined);
    });

    test('keeps numbers beside a progress token', async () => {
        const { host, session } = await connected(world(), CONFIGS[transport]);
        call(host, session, '{"name":"t","arguments":{"n":9007199254740993},"_meta":{"progressToken":7}}');
        const text = written(host);
        expect(text).toContain('"n":9007199254740993');
        expect(meta(text)).toMatchObject({ progressToken: 7, ...(era === 'modern' && { [ENVELOPE]: '2026-07-28' }) });
    });

    test('says how much it wants to be logged, where the revision has that in each request', async () => {
        const { host, session } = await connected(world(), CONFIGS[transport]);
        host.ok(host.call((client, call) => client.setLoggingLevel(call, session, '{"level":"error"}')));
        call(host, session, '{"name":"t","arguments":{"n":9007199254740993}}');
        const text = written(host);
        expect(text).toContain('"n":9007199254740993');
        expect(meta(text)?.[LEVEL]).toBe(era === 'modern' ? 'error' : undefined);
    });
});

test('more requests than the host keeps are each sent as what they are', async () => {
    const { host } = await connected(onHttp(new Peer('modern', CALLED)), CONFIGS.http);
    const sessions = Array.from({ length: 5 }, () => host.connect(CONFIGS.http).session);
    const names = Array.from({ length: 250 }, (_, n) => `tool-${n}`);
    const seen = host.exchanges.length;
    for (const session of [...sessions, ...sessions]) for (const name of names) host.ok(host.callTool(session, name));
    const calls = host.exchanges.slice(seen);
    expect(calls.length).toBe(2 * sessions.length * names.length);
    for (const exchange of calls) {
        const { params } = JSON.parse(exchange.request.body ?? '') as { params: { name: string } };
        expect(exchange.header('mcp-name')).toBe(params.name);
    }
});
