import { describe, expect, test } from 'vitest';

import type { ExchangeEnd, World } from './host/host.js';
import { FakeHost } from './host/host.js';
import type { Message } from './host/peer.js';
import { Peer } from './host/peer.js';
import { event, onHttp, onSse, reply, replyJson } from './host/servers.js';
import { CONFIGS, connected } from './host/sessions.js';

const handlers = {
    'tools/list': () => ({ tools: [{ name: 'echo', inputSchema: { type: 'object' } }] }),
    'tools/call': () => ({ content: [] })
};
const MINUTE = 60_000;

/** A server that answers GET in its own way, and everything else as it should. */
function getting(answer: (exchange: ExchangeEnd) => void): { world: World; peer: Peer } {
    const peer = new Peer('legacy', handlers);
    const world: World = {
        http: exchange => {
            if (exchange.request.method === 'GET') answer(exchange);
            else onHttp(peer, { sessionId: 's' }).http?.(exchange);
        }
    };
    return { world, peer };
}

const stream =
    (...events: string[]) =>
    (exchange: ExchangeEnd) => {
        exchange.head(200, { 'content-type': 'text/event-stream' });
        for (const text of events) exchange.body(text);
        exchange.end();
    };

describe('a stream of notifications', () => {
    test.each<[string, (exchange: ExchangeEnd) => void, number]>([
        ['404', exchange => reply(exchange, 404), 1],
        ['405', exchange => reply(exchange, 405), 1],
        ['500', exchange => reply(exchange, 500), 1],
        ['200 and a page', exchange => reply(exchange, 200, 'running'), 1],
        ['200 and JSON', exchange => replyJson(exchange, '{"status":"ok"}'), 1],
        ['a stream that ends at once', stream(), 40],
        ['a stream that asks to be asked at once', stream('retry: 0\n\n'), 40],
        ['a stream with an id that ends at once', stream('id: 7\nretry: 0\ndata:\n\n'), 40],
        ['a stream that asks for a year', stream('retry: 31536000000\n\n'), 11]
    ])('that is answered with %s costs a bounded number of requests', async (_, answer, most) => {
        const { world, peer } = getting(answer);
        const { host, session } = await connected(world, CONFIGS.http);
        for (let i = 0; i < 10; i++) {
            expect(host.outcome(host.callTool(session, 'echo')).tag).toBe('ok');
            host.advance(MINUTE / 2);
        }
        const gets = host.exchanges.filter(({ request }) => request.method === 'GET').length;
        expect(gets).toBeGreaterThan(0);
        expect(gets).toBeLessThanOrEqual(most);
        expect(peer.requests('initialize').length).toBe(1);
        expect(peer.requests('tools/call').length).toBe(10);
    });

    test('that tells something is begun anew as soon as the server says', async () => {
        const note = event('{"jsonrpc":"2.0","method":"notifications/x"}');
        const { world } = getting(stream('retry: 500\n\n', note));
        const { host } = await connected(world, CONFIGS.http);
        host.advance(10_000);
        expect(host.exchanges.filter(({ request }) => request.method === 'GET').length).toBeGreaterThan(15);
    });
});

describe('a server that is busy', () => {
    test.each(['0', '-5', '0.001', 'soon', 'Mon, 01 Jan 1990 00:00:00 GMT', '1e9', '99999999999'])(
        'and says Retry-After: %s is asked a bounded number of times',
        async after => {
            const peer = new Peer('legacy', handlers);
            const busy: World = {
                http: exchange => {
                    const { method } = JSON.parse(exchange.request.body ?? '{}') as Message;
                    if (method !== 'tools/call') return onHttp(peer).http?.(exchange);
                    exchange.head(503, { 'retry-after': after, 'content-type': 'text/plain' });
                    exchange.end();
                }
            };
            const { host, session } = await connected(busy, { ...CONFIGS.http, retryBudget: MINUTE });
            const before = host.exchanges.length;
            const call = host.callTool(session, 'echo');
            host.advance(2 * MINUTE);
            expect(host.err(call)).toMatchObject({ failure: { tag: 'http', val: { status: 503 } } });
            expect(host.exchanges.length - before).toBeLessThanOrEqual(15);
            expect(host.open.exchanges).toBe(0);
        }
    );
});

describe('a server that forgets each session', () => {
    const forgetting = (status: number, text: string) => {
        const peer = new Peer('legacy', handlers);
        const world: World = {
            http: exchange => {
                const { method, id } = JSON.parse(exchange.request.body ?? '{}') as Message;
                if (
                    exchange.request.method === 'POST' &&
                    id !== undefined &&
                    method !== 'initialize' &&
                    method !== 'server/discover'
                )
                    return reply(exchange, status, text, 'application/json');
                onHttp(peer, { sessionId: 's' }).http?.(exchange);
            }
        };
        return { peer, world };
    };

    test('is not asked for another one at once', async () => {
        const { peer, world } = forgetting(404, '');
        const { host, session } = await connected(world, CONFIGS.http);
        const list = () => host.call((client, call) => client.listTools(call, session, '{}'));
        host.err(list());
        expect(peer.requests('initialize').length).toBe(2);
        // What comes in the pause waits for its end, sends nothing, and shares what comes then.
        const sent = host.exchanges.length;
        const waiting = Array.from({ length: 20 }, list);
        const posts = () => host.exchanges.slice(sent).filter(({ request }) => request.method === 'POST');
        host.advance(999);
        expect(posts()).toEqual([]);
        for (const call of waiting) expect(host.outcomes.has(call)).toBe(false);
        host.advance(1);
        expect(peer.requests('initialize').length).toBe(3);
        // Forgotten again, each is sent once more: the pause has grown.
        host.advance(1999);
        expect(peer.requests('initialize').length).toBe(3);
        for (const call of waiting) expect(host.outcomes.has(call)).toBe(false);
        host.advance(1);
        for (const call of waiting) expect(host.err(call).failure).toMatchObject({ tag: 'http', val: { status: 404 } });
        expect(peer.requests('initialize').length).toBe(4);
        const late = list();
        host.advance(3999);
        expect(peer.requests('initialize').length).toBe(4);
        host.advance(1);
        expect(peer.requests('initialize').length).toBe(5);
        host.advance(8000);
        expect(host.err(late).failure).toMatchObject({ tag: 'http', val: { status: 404 } });
        expect(peer.requests('initialize').length).toBe(6);
    });

    test('is not waited for by a session that is closed in the pause', async () => {
        const { peer, world } = forgetting(404, '');
        const { host, session } = await connected(world, CONFIGS.http);
        host.err(host.call((client, call) => client.listTools(call, session, '{}')));
        const waiting = host.call((client, call) => client.listTools(call, session, '{}'));
        expect(host.outcomes.has(waiting)).toBe(false);
        host.ok(host.call((client, call) => client.close(call, session)));
        expect(host.err(waiting).failure).toEqual({ tag: 'closed', val: 'the session is closed' });
        host.advance(60_000);
        expect(peer.requests('initialize').length).toBe(2);
        expect(host.open).toEqual({ exchanges: 0, pipes: 0, timers: 0 });
    });

    test.each([
        ['Bad Request: No valid session ID provided', true],
        ['{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Session not found"}}', true],
        ['Invalid session ID', true],
        ['Missing session ID', true],
        ['Unknown session', true],
        ['the session has expired', true],
        ['Session abc123 does not exist', true],
        ['Invalid request: unknown tool', false],
        ['the argument is not valid', false],
        ['', false]
    ])('with 400 and "%s" is understood: %s', async (text, understood) => {
        const { peer, world } = forgetting(400, text);
        const { host, session } = await connected(world, CONFIGS.http);
        host.err(host.call((client, call) => client.listTools(call, session, '{}')));
        expect(peer.requests('initialize').length).toBe(understood ? 2 : 1);
    });
});

describe('a stream that a server leaves open after its answer', () => {
    const open = (peer: Peer): World => ({
        http: exchange => {
            const { id } = JSON.parse(exchange.request.body ?? '{}') as Message;
            const answer = peer.answer(exchange.request.body ?? '{}');
            if (exchange.request.method !== 'POST' || id === undefined || answer === undefined)
                return reply(exchange, 202);
            exchange.head(200, { 'content-type': 'text/event-stream' });
            exchange.body(event(answer));
        }
    });

    test.each(['legacy', 'modern'] as const)('is given up after a while, and when there are many (%s)', async era => {
        const { host, session } = await connected(open(new Peer(era, handlers)), CONFIGS.http);
        for (let i = 0; i < 100; i++) expect(host.outcome(host.callTool(session, 'echo')).tag).toBe('ok');
        expect(host.open.exchanges).toBeLessThanOrEqual(20);
        host.advance(3000);
        expect(host.open).toEqual({ exchanges: 0, pipes: 0, timers: 0 });
    });

    test('may tell more for as long as it does', async () => {
        const { host, session } = await connected(open(new Peer('legacy', handlers)), CONFIGS.http);
        host.outcome(host.callTool(session, 'echo'));
        const last = host.exchanges.at(-1);
        for (let i = 0; i < 10; i++) {
            host.advance(900);
            last?.body(event('{"jsonrpc":"2.0","method":"notifications/late"}'));
        }
        expect(host.notifications.filter(({ method }) => method === 'notifications/late').length).toBe(10);
        host.advance(3000);
        expect(last?.aborted).toBe(true);
    });
});

test('a stream in answer to a notification is not waited for', async () => {
    const peer = new Peer('legacy', handlers);
    const world: World = {
        http: exchange => {
            const { id, method } = JSON.parse(exchange.request.body ?? '{}') as Message;
            if (exchange.request.method === 'POST' && id === undefined && method !== undefined)
                return exchange.head(200, { 'content-type': 'text/event-stream' });
            onHttp(peer).http?.(exchange);
        }
    };
    const { host, session } = await connected(world, CONFIGS.http);
    for (let i = 0; i < 5; i++)
        expect(host.ok(host.call((client, call) => client.notify(call, session, 'notifications/x', '{}')))).toEqual({});
    expect(host.open.exchanges).toBe(0);
});

test('an endpoint at another origin is named where it is refused', async () => {
    const sse = onSse(new Peer('legacy', handlers));
    const world: World = {
        http: exchange => {
            if (exchange.request.method !== 'GET') return sse.http?.(exchange);
            exchange.head(200, { 'content-type': 'text/event-stream' });
            exchange.body('event: endpoint\ndata: http://elsewhere.test:9/messages\n\n');
        }
    };
    for (const kind of ['sse', 'http-or-sse'] as const) {
        const host = await FakeHost.start(world);
        const { call } = host.begin(CONFIGS[kind]);
        expect(JSON.stringify(host.err(call))).toContain('http://elsewhere.test:9');
    }
});
