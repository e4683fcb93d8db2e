import { describe, expect, test } from 'vitest';

import type { ExchangeEnd, World } from './host/host.js';
import type { Message } from './host/peer.js';
import { Peer } from './host/peer.js';
import { onHttp, onPipe, reply } from './host/servers.js';
import { CONFIGS, connected } from './host/sessions.js';

const handlers = {
    'tools/list': () => ({
        tools: [
            { name: 'look', inputSchema: { type: 'object' }, annotations: { readOnlyHint: true } },
            { name: 'put', inputSchema: { type: 'object' }, annotations: { idempotentHint: true } },
            { name: 'pay', inputSchema: { type: 'object' } }
        ]
    }),
    'tools/call': ({ params }: Message) => ({ content: [{ type: 'text', text: String(params?.['name']) }] })
};

/** A server that can forget its sessions. */
function forgetful() {
    const peer = new Peer('legacy', handlers);
    let current = 1;
    const world: World = {
        http: exchange => {
            const { method, body } = exchange.request;
            const given = exchange.header('mcp-session-id');
            if (method === 'POST' && given !== undefined && given !== `s${current}`) return reply(exchange, 404);
            if (method === 'POST' && (JSON.parse(body ?? '{}') as Message).method === 'initialize') {
                return onHttp(peer, { sessionId: `s${current}` }).http?.(exchange);
            }
            onHttp(peer).http?.(exchange);
        }
    };
    return {
        peer,
        world,
        forget: () => {
            current++;
        }
    };
}

describe('a session that the server forgot', () => {
    // requirement: http.session-lost
    test.each(['look', 'put'])('is begun anew, and %s, which does no harm, called again', async tool => {
        const { peer, world, forget } = forgetful();
        const { host, session } = await connected(world, CONFIGS.http);
        host.call((client, call) => client.listTools(call, session, '{}'));
        forget();
        expect(host.ok(host.callTool(session, tool))).toEqual({ content: [{ type: 'text', text: tool }] });
        expect(host.renewed).toMatchObject([{ sessionId: 's2' }]);
        expect(peer.requests('initialize').length).toBe(2);
        // The server's revision is known by then.
        expect(peer.requests('server/discover').length).toBe(1);
        expect(peer.requests('tools/call').length).toBe(1);
        expect(host.closed).toEqual([]);
    });

    test('is begun anew, and a call that may have had an effect is not repeated', async () => {
        const { peer, world, forget } = forgetful();
        const { host, session } = await connected(world, CONFIGS.http);
        host.call((client, call) => client.listTools(call, session, '{}'));
        forget();
        expect(host.err(host.callTool(session, 'pay'))).toMatchObject({
            step: 'tools/call',
            failure: { tag: 'not-repeated' }
        });
        expect(peer.requests('tools/call')).toEqual([]);
        expect(host.ok(host.callTool(session, 'pay'))).toMatchObject({ content: [{ text: 'pay' }] });
    });

    test('is begun anew once for all calls that find out together', async () => {
        const { peer, world, forget } = forgetful();
        const { host, session } = await connected(world, CONFIGS.http);
        forget();
        const calls: number[] = [];
        host.batch(() => {
            for (let i = 0; i < 20; i++) calls.push(host.call((client, call) => client.listTools(call, session, '{}')));
        });
        for (const call of calls) expect(host.ok(call)).toMatchObject({ tools: [{ name: 'look' }, {}, {}] });
        expect(peer.requests('initialize').length).toBe(2);
    });

    test('is begun anew for calls that are sent again in another order, with the ids of each other', async () => {
        const lists = { 'resources/list': () => ({ resources: [] }), 'prompts/list': () => ({ prompts: [] }) };
        const peer = new Peer('legacy', lists);
        let [silent, known] = [true, true];
        const world: World = {
            http: exchange => {
                const { method } = JSON.parse(exchange.request.body ?? '{}') as Message;
                if (method === 'resources/list' && silent) {
                    silent = false;
                    return;
                }
                if (method === 'prompts/list' && known) {
                    known = false;
                    return reply(exchange, 404);
                }
                onHttp(peer, { sessionId: 's' }).http?.(exchange);
            }
        };
        const { host, session } = await connected(world, CONFIGS.http);
        const resources = host.call((client, call) => client.listResources(call, session, '{}'));
        const prompts = host.call((client, call) => client.listPrompts(call, session, '{}'));
        expect(host.ok(resources)).toEqual({ resources: [] });
        expect(host.ok(prompts)).toEqual({ prompts: [] });
    });

    test('is begun anew as often as it is forgotten, for a call that has had no answer', async () => {
        const lists = { 'resources/list': () => ({ resources: [] }), 'prompts/list': () => ({ prompts: [] }) };
        const peer = new Peer('legacy', lists);
        let silent = 2;
        let forgets = false;
        const world: World = {
            http: exchange => {
                const { method } = JSON.parse(exchange.request.body ?? '{}') as Message;
                if (method === 'resources/list' && silent-- > 0) return;
                if (method === 'prompts/list' && forgets) {
                    forgets = false;
                    return reply(exchange, 404);
                }
                onHttp(peer, { sessionId: 's' }).http?.(exchange);
            }
        };
        const { host, session } = await connected(world, CONFIGS.http);
        const resources = host.call((client, call) => client.listResources(call, session, '{}'));
        for (let i = 0; i < 2; i++) {
            forgets = true;
            const prompts = host.call((client, call) => client.listPrompts(call, session, '{}'));
            expect(host.ok(prompts)).toEqual({ prompts: [] });
        }
        expect(host.ok(resources)).toEqual({ resources: [] });
        expect(peer.requests('initialize').length).toBe(3);
    });

    test('that is forgotten again at once is not begun for ever', async () => {
        const peer = new Peer('legacy', handlers);
        const world: World = {
            http: exchange => {
                const { method } = JSON.parse(exchange.request.body ?? '{}') as Message;
                if (method === 'tools/list') return reply(exchange, 404);
                onHttp(peer, { sessionId: 's' }).http?.(exchange);
            }
        };
        const { host, session } = await connected(world, CONFIGS.http);
        const call = host.call((client, call) => client.listTools(call, session, '{}'));
        expect(host.err(call).failure).toMatchObject({ tag: 'http', val: { status: 404 } });
        expect(peer.requests('initialize').length).toBe(2);
    });

    test('and cannot be begun anew is over', async () => {
        const peer = new Peer('legacy', handlers);
        let up = true;
        const world: World = {
            http: exchange => (up ? onHttp(peer, { sessionId: 's' }).http?.(exchange) : reply(exchange, 404))
        };
        const { host, session } = await connected(world, CONFIGS.http);
        up = false;
        const call = host.call((client, call) => client.listTools(call, session, '{}'));
        expect(host.err(call).failure.tag).toBe('http');
        expect(host.closed.length).toBe(1);
        expect(host.err(host.callTool(session, 'look')).failure).toEqual({ tag: 'closed', val: 'HTTP 404' });
        host.advance(1);
        expect(host.open).toEqual({ exchanges: 0, pipes: 0, timers: 0 });
    });
});

describe('a server that has too much to do', () => {
    const busy = (times: number, status: number, after: string) => {
        const peer = new Peer('legacy', handlers);
        let left = times;
        const world: World = {
            http: (exchange: ExchangeEnd) => {
                const { method } = JSON.parse(exchange.request.body ?? '{}') as Message;
                if (method !== 'tools/call' || left-- <= 0) return onHttp(peer).http?.(exchange);
                exchange.head(status, { 'retry-after': after });
                exchange.end();
            }
        };
        return { peer, world };
    };

    test.each([429, 503])('is asked again when it said, after %i', async status => {
        const { peer, world } = busy(2, status, '2');
        const { host, session } = await connected(world, { ...CONFIGS.http, retryBudget: 4000 });
        const call = host.callTool(session, 'pay');
        host.advance(3999);
        expect(host.outcomes.has(call)).toBe(false);
        host.advance(1);
        expect(host.ok(call)).toMatchObject({ content: [{ text: 'pay' }] });
        expect(peer.requests('tools/call').length).toBe(1);
        expect(host.open).toEqual({ exchanges: 0, pipes: 0, timers: 0 });
    });

    test('is not waited for beyond the budget', async () => {
        const { world } = busy(3, 429, '2');
        const { host, session } = await connected(world, { ...CONFIGS.http, retryBudget: 3999 });
        const call = host.callTool(session, 'pay');
        host.advance(2000);
        expect(host.err(call).failure).toMatchObject({ tag: 'http', val: { status: 429 } });
        expect(host.open).toEqual({ exchanges: 0, pipes: 0, timers: 0 });
    });

    test('a call that is given up waits no longer', async () => {
        const { peer, world } = busy(3, 503, '2');
        const { host, session } = await connected(world, { ...CONFIGS.http, retryBudget: 60_000 });
        const call = host.callTool(session, 'pay');
        host.cancel(call);
        expect(host.err(call).failure.tag).toBe('cancelled');
        expect(host.open).toEqual({ exchanges: 0, pipes: 0, timers: 0 });
        host.advance(10_000);
        expect(peer.requests('tools/call')).toEqual([]);
    });
});

describe('a command that ended by itself', () => {
    const slow = { ...handlers, 'tools/call': () => undefined };

    test('is started again, with growing delays, and what only asks is sent again', async () => {
        const peer = new Peer('legacy', { ...handlers, 'resources/list': () => undefined });
        const { host, session } = await connected(onPipe(peer), { ...CONFIGS.stdio, restarts: 3 });
        const list = host.call((client, call) => client.listResources(call, session, '{}'));
        host.pipes[0]?.exit();
        expect(host.pipes.length).toBe(1);
        host.advance(100);
        expect(host.pipes.length).toBe(2);
        expect(host.renewed.length).toBe(1);
        expect(peer.requests('resources/list').length).toBe(2);
        expect(host.outcomes.has(list)).toBe(false);
        host.pipes[1]?.exit();
        host.advance(199);
        expect(host.pipes.length).toBe(2);
        host.advance(1);
        expect(host.pipes.length).toBe(3);
        expect(host.ok(host.callTool(session, 'x'))).toEqual({ content: [{ type: 'text', text: 'x' }] });
    });

    test('and a subscription that was not granted yet is asked for again', async () => {
        const peer = new Peer('modern', { 'subscriptions/listen': () => undefined });
        const { host, session } = await connected(onPipe(peer), { ...CONFIGS.stdio, restarts: 1 });
        const listen = host.call((client, call) => client.listen(call, session, '{"notifications":{}}'));
        host.pipes[0]?.exit();
        host.advance(2000);
        expect(peer.requests('subscriptions/listen').length).toBe(2);
        expect(host.outcomes.has(listen)).toBe(false);
    });

    test('leaves a call that may have had an effect failed', async () => {
        const peer = new Peer('legacy', slow);
        const { host, session } = await connected(onPipe(peer), { ...CONFIGS.stdio, restarts: 1 });
        const call = host.callTool(session, 'pay');
        host.pipes[0]?.exit();
        host.advance(100);
        expect(host.err(call).failure.tag).toBe('transport');
        expect(peer.requests('tools/call').length).toBe(1);
    });

    test('is not started again for ever', async () => {
        const { host, session } = await connected(onPipe(new Peer('legacy')), { ...CONFIGS.stdio, restarts: 2 });
        for (let i = 0; i < 3; i++) {
            host.pipes.at(-1)?.exit();
            host.advance(10_000);
        }
        expect(host.pipes.length).toBe(3);
        expect(host.closed.length).toBe(1);
        expect(host.err(host.callTool(session, 'x')).failure.tag).toBe('closed');
    });

    test('and a session that is closed meanwhile stays closed', async () => {
        const { host, session } = await connected(onPipe(new Peer('legacy')), { ...CONFIGS.stdio, restarts: 2 });
        host.pipes[0]?.exit();
        expect(host.text(host.call((client, call) => client.close(call, session)))).toBe('{}');
        host.advance(60_000);
        expect(host.pipes.length).toBe(1);
        expect(host.open).toEqual({ exchanges: 0, pipes: 0, timers: 0 });
    });
});
