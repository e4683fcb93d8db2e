import { beforeEach, describe, expect, test } from 'vitest';

import { FakeHost } from './host/host.js';
import type { Handler, Message } from './host/peer.js';
import { Peer, RpcError } from './host/peer.js';
import { event, onHttp, onPipe, onSse, reply } from './host/servers.js';
import { CONFIGS, connected } from './host/sessions.js';

const text = (value: string) => ({ content: [{ type: 'text', text: value }] });

describe.each(['legacy', 'modern'] as const)('64 calls at once, to a %s server, answered out of order', era => {
    const waiting: { id: unknown; answer: (text: string) => void; n: number }[] = [];
    beforeEach(() => void waiting.splice(0));

    /** Answers what waits in another order, and checks that each call got its own. */
    function answerAll(host: FakeHost, calls: number[]): void {
        expect(waiting.length).toBe(64);
        for (let i = 0; waiting.length > 0; i = (i + 37) % 64) {
            const next = waiting.splice(i % waiting.length, 1)[0];
            const result = { ...(era === 'modern' && { resultType: 'complete' }), ...text(`n=${next?.n}`) };
            next?.answer(JSON.stringify({ jsonrpc: '2.0', id: next.id, result }));
        }
        calls.forEach((call, n) => expect(host.ok(call)).toMatchObject(text(`n=${n}`)));
    }

    function hold(message: Message, answer: (text: string) => void): void {
        const { n } = message.params?.['arguments'] as { n: number };
        waiting.push({ id: message.id, n, answer });
    }

    test('over stdio', async () => {
        const peer = new Peer(era);
        const host = await FakeHost.start({
            pipe: end => ({
                line: line => {
                    const message = JSON.parse(line) as Message;
                    if (message.method === 'tools/call') return hold(message, answer => end.write(answer));
                    const answer = peer.answer(line);
                    if (answer !== undefined) end.write(answer);
                }
            })
        });
        const { session } = host.connect(CONFIGS.stdio);
        const calls = Array.from({ length: 64 }, (_, n) => host.callTool(session, 'echo', { n }));
        host.batch(() => answerAll(host, []));
        calls.forEach((call, n) => expect(host.ok(call)).toMatchObject(text(`n=${n}`)));
    });

    test('over HTTP, half of them as events', async () => {
        const peer = new Peer(era);
        const usual = onHttp(peer);
        const host = await FakeHost.start({
            http: exchange => {
                const message = JSON.parse(exchange.request.body ?? 'null') as Message | null;
                if (message?.method !== 'tools/call') return usual.http?.(exchange);
                hold(message, answer => {
                    const events = waiting.length % 2 === 0;
                    exchange.head(200, { 'content-type': events ? 'text/event-stream' : 'application/json' });
                    exchange.body(events ? event(answer) : answer);
                    exchange.end();
                });
            }
        });
        const { session } = host.connect(CONFIGS.http);
        const calls = Array.from({ length: 64 }, (_, n) => host.callTool(session, 'echo', { n }));
        answerAll(host, calls);
        expect(host.open.exchanges).toBe(0);
    });
});

test('two sessions of one instance do not mix', async () => {
    const answer = (name: string): Record<string, Handler> => ({ 'tools/call': () => text(name) });
    const peers = { a: new Peer('legacy', answer('a')), b: new Peer('modern', answer('b')) };
    const worlds = { a: onHttp(peers.a), b: onHttp(peers.b) };
    const host = await FakeHost.start({
        http: exchange => worlds[exchange.request.url.includes('//a.') ? 'a' : 'b'].http?.(exchange)
    });
    const a = host.connect({ endpoint: { tag: 'http', val: 'http://a.test/' } }).session;
    const b = host.connect({ endpoint: { tag: 'http', val: 'http://b.test/' } }).session;
    expect(host.ok(host.callTool(a, 'x'))).toMatchObject(text('a'));
    expect(host.ok(host.callTool(b, 'x'))).toMatchObject(text('b'));
    host.call((client, call) => client.close(call, a));
    expect(host.ok(host.callTool(b, 'x'))).toMatchObject(text('b'));
});

describe.each(['legacy', 'modern'] as const)('on a %s session', era => {
    const pages: Record<string, object> = {
        first: {
            tools: [{ name: 'a', inputSchema: { type: 'object' } }],
            nextCursor: 'second',
            ttlMs: 0,
            cacheScope: 'public'
        },
        second: { tools: [{ name: 'b', inputSchema: { type: 'object' } }], ttlMs: 0, cacheScope: 'public' }
    };
    const handlers: Record<string, Handler> = {
        'tools/list': ({ params }) => pages[(params?.['cursor'] as string | undefined) ?? 'first'],
        'tools/call': ({ params }) =>
            params?.['name'] === 'fail'
                ? { ...text('no'), isError: true }
                : text(JSON.stringify(params?.['arguments'])),
        'prompts/get': () => ({ messages: [{ role: 'user', content: { type: 'text', text: 'hi' } }] }),
        'acme/frobnicate': ({ params }) => ({ got: params?.['x'], deep: { a: [1, 2, { b: null }] } }),
        ping: () => ({}),
        'error/plain': () => new RpcError(-32_000, 'plain'),
        'error/data': () => new RpcError(7, 'data', { big: [1, 'two', null] }),
        'error/null': () => new RpcError(-32_603, 'null', null)
    };
    const world = () => onPipe(new Peer(era, handlers));

    test('list-tools asks for one page', async () => {
        const peer = new Peer(era, handlers);
        const { host, session } = await connected(onPipe(peer));
        const list = (params: object) =>
            host.ok(host.call((c, call) => c.listTools(call, session, JSON.stringify(params))));
        expect(list({})).toMatchObject(pages['first'] as object);
        expect(list({ cursor: 'second', _meta: { trace: 'x' } })).toMatchObject(pages['second'] as object);
        const asked = peer.requests('tools/list').map(({ params }) => params);
        expect(asked[0]).not.toHaveProperty('cursor');
        expect(asked[1]).toMatchObject({ cursor: 'second', _meta: { trace: 'x' } });
        expect(asked.length).toBe(2);
    });

    test("a tool's failure is a result", async () => {
        const { host, session } = await connected(world());
        expect(host.ok(host.callTool(session, 'fail'))).toMatchObject({ isError: true });
    });

    test('request sends any method of the protocol, and checks its result', async () => {
        const { host, session } = await connected(world());
        const request = (method: string, params: object) =>
            host.call((client, call) => client.request(call, session, method, JSON.stringify(params)));
        expect(host.ok(request('prompts/get', { name: 'p' }))).toMatchObject({ messages: [{ role: 'user' }] });
        expect(host.ok(request('tools/call', { name: 'x', arguments: {} }))).toMatchObject(text('{}'));
    });

    test('request sends what only an extension knows', async () => {
        const { host, session } = await connected(world());
        const call = host.call((client, call) => client.request(call, session, 'acme/frobnicate', '{"x":{"y":1}}'));
        expect(host.ok(call)).toMatchObject({ got: { y: 1 }, deep: { a: [1, 2, { b: null }] } });
        const unknown = host.call((client, call) => client.request(call, session, 'acme/nothing', '{}'));
        expect(host.err(unknown)).toEqual({
            step: 'acme/nothing',
            failure: { tag: 'rpc', val: { code: -32_601, message: 'Method not found' } }
        });
    });

    test("what the session's revision does not have is an argument of ours", async () => {
        const peer = new Peer(era, handlers);
        const { host, session } = await connected(onPipe(peer));
        const foreign =
            era === 'legacy'
                ? ['server/discover', 'subscriptions/listen']
                : ['resources/subscribe', 'resources/unsubscribe'];
        for (const method of [...foreign, 'initialize']) {
            const params = '{"uri":"file:///x","notifications":{}}';
            const call = host.call((client, call) => client.request(call, session, method, params));
            expect(host.err(call)).toMatchObject({ step: method, failure: { tag: 'invalid-argument' } });
        }
        const sent = peer.received.map(({ method }) => method);
        expect(sent).toEqual(
            era === 'legacy' ? ['server/discover', 'initialize', 'notifications/initialized'] : ['server/discover']
        );
    });

    test('ping settles with {}', async () => {
        const peer = new Peer(era, handlers);
        const { host, session } = await connected(onPipe(peer));
        expect(host.text(host.call((client, call) => client.ping(call, session)))).toBe('{}');
        expect(peer.received.at(-1)?.method).toBe(era === 'legacy' ? 'ping' : 'server/discover');
    });

    test.each([
        ['error/plain', { code: -32_000, message: 'plain' }],
        ['error/data', { code: 7, message: 'data', data: '{"big":[1,"two",null]}' }],
        ['error/null', { code: -32_603, message: 'null', data: 'null' }]
    ])('%s comes as it is', async (method, error) => {
        const { host, session } = await connected(world());
        const call = host.call((client, call) => client.request(call, session, method, '{}'));
        expect(host.err(call)).toEqual({ step: method, failure: { tag: 'rpc', val: error } });
    });

    test('wrong calls settle, and nothing is sent', async () => {
        const peer = new Peer(era, handlers);
        const { host, session } = await connected(onPipe(peer));
        const before = peer.received.length;
        const wrong = [
            host.call((client, call) => client.callTool(call, 99, '{"name":"x"}')),
            host.call((client, call) => client.callTool(call, session, 'not json')),
            host.call((client, call) => client.callTool(call, session, '[]')),
            host.call((client, call) => client.callTool(call, session, 'null')),
            host.call((client, call) => client.callTool(call, session, '{}')),
            host.call((client, call) => client.callTool(call, session, '')),
            host.call((client, call) => client.listTools(call, session, '"x"')),
            host.call((client, call) => client.request(call, session, 'x', '{"a":}')),
            host.call((client, call) => client.ping(call, 99)),
            host.call((client, call) => client.request(call, 99, 'x', '{}'))
        ];
        for (const call of wrong) expect(host.err(call).failure.tag).toBe('invalid-argument');
        expect(peer.received.length).toBe(before);
    });
});

test('a call id in use is refused, and the operation that has it goes on', async () => {
    const peer = new Peer('legacy', { 'tools/call': () => undefined });
    const { host, session } = await connected(onPipe(peer));
    const call = host.callTool(session, 'slow');
    host.call((client, id) => client.listTools(id, session, '{}'), call);
    expect(host.err(call).failure).toEqual({ tag: 'invalid-argument', val: `call id ${call} is in use` });
    host.pipes[0]?.write(`{"jsonrpc":"2.0","id":${peer.received.at(-1)?.id},"result":{"content":[]}}`);
    expect(host.outcomes.get(call)?.map(({ tag }) => tag)).toEqual(['err', 'ok']);
});

test('an event about something that is not there is ignored', async () => {
    const { host, session } = await connected(onPipe(new Peer('legacy', { 'tools/call': () => text('ok') })));
    host.deliver(
        { tag: 'timer', val: 77 },
        { tag: 'http-head', val: { exchange: 77, status: 200, headers: [['bad header', '\n']] } },
        { tag: 'http-body', val: { exchange: 77, chunk: new Uint8Array([1]) } },
        { tag: 'http-end', val: { exchange: 77 } },
        { tag: 'pipe-data', val: { pipe: 77, message: '{' } },
        { tag: 'pipe-closed', val: { pipe: 77 } }
    );
    host.cancel(4711);
    expect(host.ok(host.callTool(session, 'x'))).toMatchObject(text('ok'));
});

describe('a tool that mirrors an argument in a header (2026-07-28)', () => {
    const tool = {
        name: 'query',
        inputSchema: { type: 'object', properties: { region: { type: 'string', 'x-mcp-header': 'Region' } } }
    };
    test('is called again with the header that the server asks for', async () => {
        const peer = new Peer('modern', {
            'tools/list': () => ({ tools: [tool], ttlMs: 0, cacheScope: 'private' }),
            'tools/call': () => text('done')
        });
        const usual = onHttp(peer);
        const seen: (string | undefined)[] = [];
        const host = await FakeHost.start({
            http: exchange => {
                const message = JSON.parse(exchange.request.body ?? 'null') as Message;
                if (message.method !== 'tools/call') return usual.http?.(exchange);
                seen.push(exchange.header('mcp-param-region'));
                if (exchange.header('mcp-param-region') === 'eu') return usual.http?.(exchange);
                const error = { code: -32_020, message: 'Header mismatch' };
                reply(exchange, 400, JSON.stringify({ jsonrpc: '2.0', id: message.id, error }), 'application/json');
            }
        });
        const { session } = host.connect(CONFIGS.http);
        expect(host.ok(host.callTool(session, 'query', { region: 'eu' }))).toMatchObject(text('done'));
        expect(seen).toEqual([undefined, 'eu']);
        expect(host.ok(host.callTool(session, 'query', { region: 'eu' }))).toMatchObject(text('done'));
        expect(seen).toEqual([undefined, 'eu', 'eu']);
    });

    test('and is refused for good, tells the error of the last answer', async () => {
        const peer = new Peer('modern', {
            'tools/list': () => ({ tools: [tool], ttlMs: 0, cacheScope: 'private' })
        });
        const usual = onHttp(peer);
        let calls = 0;
        const host = await FakeHost.start({
            http: exchange => {
                const message = JSON.parse(exchange.request.body ?? 'null') as Message;
                if (message.method !== 'tools/call') return usual.http?.(exchange);
                const error = { code: -32_020, message: `mismatch ${++calls}`, data: { n: calls } };
                reply(exchange, 400, JSON.stringify({ jsonrpc: '2.0', id: message.id, error }), 'application/json');
            }
        });
        const { session } = host.connect(CONFIGS.http);
        expect(host.err(host.callTool(session, 'query', { region: 'eu' })).failure).toEqual({
            tag: 'rpc',
            val: { code: -32_020, message: 'mismatch 2', data: '{"n":2}' }
        });
    });
});

test('SSE calls are answered on the stream, whatever the POST says', async () => {
    const peer = new Peer('legacy', { 'tools/call': ({ params }) => text(String(params?.['name'])) });
    const { host, session } = await connected(onSse(peer), CONFIGS.sse);
    expect(host.ok(host.callTool(session, 'over sse'))).toMatchObject(text('over sse'));
});
