import { describe, expect, test } from 'vitest';

import type { ExchangeEnd } from './host/host.js';
import { FakeHost } from './host/host.js';
import { Peer } from './host/peer.js';
import { onHttp, onPipe, onSse, reply } from './host/servers.js';
import { CONFIGS, connected } from './host/sessions.js';

const close = (host: FakeHost, session: number) => host.call((client, call) => client.close(call, session));
const silent = { 'tools/call': () => undefined };

describe.each([
    ['stdio', onPipe],
    ['http', onHttp],
    ['sse', onSse]
] as const)('close over %s', (transport, serve) => {
    test('settles what is pending with closed, and then itself', async () => {
        const { host, session } = await connected(serve(new Peer('legacy', silent)), CONFIGS[transport]);
        const pending = [host.callTool(session, 'a'), host.callTool(session, 'b')];
        const closing = close(host, session);
        expect(host.text(closing)).toBe('{}');
        for (const call of pending) {
            expect(host.err(call)).toEqual({
                step: 'tools/call',
                failure: { tag: 'closed', val: 'the session is closed' }
            });
        }
        expect(host.history.slice(-3)).toEqual([...pending, closing].map(call => `settle ${call}`));
        expect(host.closed).toEqual([]);
        expect(host.open).toEqual({ exchanges: 0, pipes: 0, timers: 0 });
        expect(host.err(host.callTool(session, 'late')).failure.tag).toBe('invalid-argument');
        expect(host.text(close(host, session))).toBe('{}');
    });
});

test('close of a session that never was settles', async () => {
    const host = await FakeHost.start();
    expect(host.text(close(host, 4711))).toBe('{}');
});

test('close waits until the command is gone', async () => {
    let end = () => {};
    const serve = onPipe(new Peer('legacy', silent));
    const { host, session } = await connected({
        pipe: pipe => {
            end = () => pipe.exit();
            return { ...serve.pipe?.(pipe), closing: () => {} };
        }
    });
    const pending = host.callTool(session, 'x');
    const [first, second] = [close(host, session), close(host, session)];
    expect(host.err(pending).failure.tag).toBe('closed');
    expect(host.outcomes.has(first)).toBe(false);
    expect(host.pipes[0]?.closing).toBe(true);
    expect(host.err(host.callTool(session, 'late')).failure.tag).toBe('closed');
    host.pipes[0]?.write('{"jsonrpc":"2.0","method":"too/late"}');
    end();
    expect(host.text(first)).toBe('{}');
    expect(host.text(second)).toBe('{}');
    expect(host.notifications).toEqual([]);
});

describe('close of an HTTP session with an id', () => {
    const started = (goodbye: (exchange: ExchangeEnd) => void) => {
        const usual = onHttp(new Peer('legacy', silent), { sessionId: 'abc', stream: true });
        const http = (exchange: ExchangeEnd) =>
            exchange.request.method === 'DELETE' ? goodbye(exchange) : usual.http?.(exchange);
        return connected({ http }, CONFIGS.http);
    };

    test.each([200, 204, 404, 405, 500])('deletes it, whatever the server says to that (%i)', async status => {
        const { host, session } = await started(exchange => {
            expect(exchange.header('mcp-session-id')).toBe('abc');
            expect(exchange.header('mcp-protocol-version')).toBe('2025-11-25');
            reply(exchange, status);
        });
        expect(host.text(close(host, session))).toBe('{}');
        expect(host.exchanges.filter(({ request }) => request.method === 'DELETE').length).toBe(1);
        expect(host.open).toEqual({ exchanges: 0, pipes: 0, timers: 0 });
    });

    test('does not wait for the server longer than two seconds', async () => {
        const { host, session } = await started(() => {});
        const closing = close(host, session);
        host.advance(1999);
        expect(host.outcomes.has(closing)).toBe(false);
        host.advance(1);
        expect(host.text(closing)).toBe('{}');
        expect(host.open).toEqual({ exchanges: 0, pipes: 0, timers: 0 });
    });

    test('deletes nothing where there is no id', async () => {
        const { host, session } = await connected(onHttp(new Peer('modern')), CONFIGS.http);
        close(host, session);
        expect(host.exchanges.every(({ request }) => request.method === 'POST')).toBe(true);
    });
});

test('a thousand sessions leave nothing behind', async () => {
    const host = await FakeHost.start(onPipe(new Peer('legacy')));
    for (let n = 0; n < 1000; n++) {
        const { session } = host.connect(CONFIGS.stdio);
        host.text(close(host, session));
    }
    expect(host.open).toEqual({ exchanges: 0, pipes: 0, timers: 0 });
    expect(host.closed).toEqual([]);
});
