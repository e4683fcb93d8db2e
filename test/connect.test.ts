import { describe, expect, test } from 'vitest';

import type { ExchangeEnd, World } from './host/host.js';
import { DEFAULTS, FakeHost } from './host/host.js';
import type { Message } from './host/peer.js';
import { LEGACY, MODERN, Peer, RpcError } from './host/peer.js';
import { onHttp, onPipe, onSse, reply, replyJson } from './host/servers.js';

const STDIO = { endpoint: { tag: 'stdio' } } as const;
const HTTP = { endpoint: { tag: 'http', val: 'http://server.test/mcp' } } as const;
const SSE = { endpoint: { tag: 'sse', val: 'http://server.test/sse' } } as const;
const EITHER = { endpoint: { tag: 'http-or-sse', val: 'http://server.test/sse' } } as const;

const TOOLS = { tools: [{ name: 'echo', inputSchema: { type: 'object' } }], ttlMs: 0, cacheScope: 'private' };
const handlers = {
    'tools/list': () => TOOLS,
    'tools/call': ({ params }: Message) => ({
        content: [{ type: 'text', text: JSON.stringify(params?.['arguments']) }]
    })
};

const reached = [
    ['legacy', 'stdio', STDIO, (peer: Peer) => onPipe(peer)],
    ['legacy', 'http', HTTP, (peer: Peer) => onHttp(peer)],
    ['legacy', 'http', HTTP, (peer: Peer) => onHttp(peer, { events: true })],
    ['legacy', 'http', HTTP, (peer: Peer) => onHttp(peer, { events: true, sessionId: 'abc', stream: true })],
    ['legacy', 'http', EITHER, (peer: Peer) => onHttp(peer)],
    ['legacy', 'sse', SSE, (peer: Peer) => onSse(peer)],
    ['legacy', 'sse', EITHER, (peer: Peer) => onSse(peer)],
    ['modern', 'stdio', STDIO, (peer: Peer) => onPipe(peer)],
    ['modern', 'http', HTTP, (peer: Peer) => onHttp(peer)],
    ['modern', 'http', HTTP, (peer: Peer) => onHttp(peer, { events: true })],
    ['modern', 'http', EITHER, (peer: Peer) => onHttp(peer)]
] as const;

// requirement: http.both-answers
test.each(reached)('a %s server is reached over %s', async (era, transport, config, serve) => {
    const peer = new Peer(era, handlers);
    const host = await FakeHost.start(serve(peer));
    const { session, result } = host.connect(config);
    expect(result).toEqual({
        protocolVersion: era === 'modern' ? MODERN : LEGACY,
        serverInfo: { name: 'peer', version: '3.2.1', title: 'A peer' },
        capabilities: { tools: { listChanged: true }, 'x-unknown': { kept: [1, { deep: true }] } },
        instructions: 'Be kind.',
        transport,
        ...(host.exchanges.some(exchange => exchange.header('mcp-session-id') === 'abc') && { sessionId: 'abc' })
    });
    const list = host.call((client, call) => client.listTools(call, session, '{}'));
    expect(host.ok(list)).toMatchObject(TOOLS);
    const call = host.callTool(session, 'echo', { a: 1 });
    expect(host.ok(call)).toMatchObject({ content: [{ type: 'text', text: '{"a":1}' }] });
    const close = host.call((client, call) => client.close(call, session));
    expect(host.text(close)).toBe('{}');
    expect(host.open).toEqual({ exchanges: 0, pipes: 0, timers: 0 });
    expect(host.logs.filter(({ level }) => level !== 'debug')).toEqual([]);
    expect(host.closed).toEqual([]);
});

test('the client names itself, and nothing of ours shows on the wire', async () => {
    const peer = new Peer('legacy');
    const host = await FakeHost.start(onHttp(peer));
    host.connect({ ...HTTP, clientInfo: { name: 'program', version: '2', title: 'A program' } });
    expect(peer.requests('initialize')[0]?.params?.['clientInfo']).toEqual({
        name: 'program',
        version: '2',
        title: 'A program'
    });
    expect(JSON.stringify(host.exchanges.map(({ request }) => request)).toLowerCase()).not.toContain('caisson');
});

test('a server of an older revision is spoken to in its own', async () => {
    const initialize = () => ({
        protocolVersion: '2024-11-05',
        capabilities: {},
        serverInfo: { name: 'o', version: '0' }
    });
    const host = await FakeHost.start(onPipe(new Peer('legacy', { initialize })));
    expect(host.connect(STDIO).result).toEqual({
        protocolVersion: '2024-11-05',
        capabilities: {},
        serverInfo: { name: 'o', version: '0' },
        transport: 'stdio'
    });
});

test('a server of no revision that we know is refused', async () => {
    const initialize = () => ({
        protocolVersion: '1999-01-01',
        capabilities: {},
        serverInfo: { name: 'o', version: '0' }
    });
    const host = await FakeHost.start(onPipe(new Peer('legacy', { initialize })));
    const { session, call } = host.begin(STDIO);
    expect(host.err(call)).toMatchObject({ step: 'connect', failure: { tag: 'protocol' } });
    expect(host.open).toEqual({ exchanges: 0, pipes: 0, timers: 0 });
    expect(host.err(host.callTool(session, 'echo')).failure).toEqual({
        tag: 'invalid-argument',
        val: 'there is no session 1'
    });
});

test('what the server says to the handshake is told untouched', async () => {
    const initialize = () => new RpcError(-32_099, 'no \u{1f980} today', { why: [1, null] });
    const host = await FakeHost.start(onPipe(new Peer('legacy', { initialize })));
    expect(host.err(host.begin(STDIO).call)).toEqual({
        step: 'connect',
        failure: { tag: 'rpc', val: { code: -32_099, message: 'no \u{1f980} today', data: '{"why":[1,null]}' } }
    });
});

describe('a command that cannot take the probe', () => {
    /** A command of the older way: its first one ends at a message before `initialize`. */
    function fragile(peer: Peer, dies: (life: number) => boolean): { world: World; lives: () => number } {
        let lives = 0;
        const world: World = {
            pipe: end => {
                const life = ++lives;
                return {
                    line: line => {
                        if (dies(life) && (JSON.parse(line) as Message).method !== 'initialize') return end.exit();
                        const answer = peer.answer(line);
                        if (answer !== undefined) end.write(answer);
                    }
                };
            }
        };
        return { world, lives: () => lives };
    }

    test('is opened once more, and spoken to in the older way', async () => {
        const peer = new Peer('legacy');
        const { world, lives } = fragile(peer, life => life === 1);
        const host = await FakeHost.start(world);
        expect(host.connect(STDIO).result).toMatchObject({ protocolVersion: LEGACY });
        expect(lives()).toBe(2);
        expect(host.pipes[1]?.written.map(line => (JSON.parse(line) as Message).method)).toEqual([
            'initialize',
            'notifications/initialized'
        ]);
    });

    test('is not opened a third time', async () => {
        const host = await FakeHost.start({ pipe: end => ({ line: () => end.exit({ cause: 11 }) }) });
        const { call } = host.begin(STDIO);
        expect(host.err(call)).toEqual({
            step: 'connect',
            failure: { tag: 'transport', val: 'the command ended: exit status 1' },
            cause: 11
        });
        expect(host.pipes.length).toBe(2);
    });

    test('that could not be started at all is not tried again', async () => {
        const host = await FakeHost.start({});
        expect(host.err(host.begin(STDIO).call)).toEqual({
            step: 'connect',
            failure: { tag: 'connect', val: 'no such command' },
            cause: 7
        });
        expect(host.pipes.length).toBe(1);
    });

    test('that is not granted is not tried again', async () => {
        const refused = { kind: 'refused', message: 'not granted', cause: 3 } as const;
        const host = await FakeHost.start({ pipe: end => (end.exit(refused), {}) });
        expect(host.err(host.begin(STDIO).call)).toMatchObject({
            failure: { tag: 'refused', val: 'not granted' },
            cause: 3
        });
        expect(host.pipes.length).toBe(1);
    });

    test('but answers and then ends, is not opened again', async () => {
        const host = await FakeHost.start({
            pipe: end => ({
                line: line => {
                    const { id } = JSON.parse(line) as Message;
                    host.batch(() => {
                        end.write(
                            `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"error":{"code":-32601,"message":"no"}}`
                        );
                        end.exit();
                    });
                }
            })
        });
        expect(host.err(host.begin(STDIO).call).failure.tag).toBe('transport');
        expect(host.pipes.length).toBe(1);
    });
});

test('a command that answers the probe and ends in the same moment is not connected', async () => {
    const peer = new Peer('modern');
    const host = await FakeHost.start({
        pipe: end => ({
            line: line => {
                end.write(peer.answer(line) ?? '');
                end.exit();
            }
        })
    });
    expect(host.err(host.begin(STDIO).call).failure.tag).toBe('transport');
    expect(host.closed).toEqual([]);
});

describe('a server that cannot be connected', () => {
    const http = (answer: (exchange: ExchangeEnd) => void): World => ({ http: answer });
    const page = '<!doctype html><title>Not here</title>';
    const worlds = {
        refusedConnection: [
            http(exchange => exchange.end({ kind: 'connect', message: 'connection refused' })),
            'connect'
        ],
        notGranted: [http(exchange => exchange.end({ kind: 'refused', message: 'not granted' })), 'refused'],
        broken: [http(exchange => exchange.end({ kind: 'transport', message: 'reset' })), 'transport'],
        tooLarge: [http(exchange => exchange.end({ kind: 'limit', message: 'too large' })), 'limit'],
        unauthorized: [http(exchange => reply(exchange, 401, 'who are you')), 'http'],
        forbidden: [http(exchange => reply(exchange, 403, 'go away')), 'http'],
        missing: [http(exchange => reply(exchange, 404, page, 'text/html')), 'http'],
        failing: [http(exchange => reply(exchange, 500, 'oops')), 'http'],
        html: [http(exchange => reply(exchange, 200, page, 'text/html')), 'protocol'],
        notJson: [http(exchange => replyJson(exchange, '{"jsonrpc":')), 'protocol'],
        notJsonRpc: [http(exchange => replyJson(exchange, '{"hello":"world"}')), 'protocol'],
        wrongId: [http(exchange => replyJson(exchange, '{"jsonrpc":"2.0","id":99,"result":{}}')), 'protocol'],
        nothing: [http(exchange => reply(exchange, 202)), 'protocol'],
        noBody: [http(exchange => reply(exchange, 204)), 'protocol'],
        redirect: [
            http(exchange => {
                exchange.head(302, { location: 'http://elsewhere.test/' });
                exchange.end();
            }),
            'http'
        ]
    } as const;
    const names = Object.keys(worlds) as (keyof typeof worlds)[];

    test.each(names.flatMap(name => [[name, HTTP] as const, [name, SSE] as const, [name, EITHER] as const]))(
        '(%s) is told with its own error: %o',
        async (name, config) => {
            const [world, tag] = worlds[name];
            const host = await FakeHost.start(world);
            const { call } = host.begin(config);
            const error = host.err(call);
            expect(error.step).toBe('connect');
            // Over SSE an answer to the GET is all there is: nothing in it can be a wrong answer.
            const expected = config === SSE && ['nothing', 'redirect'].includes(name) ? 'http' : tag;
            expect(error.failure.tag).toBe(expected);
            if (['connect', 'refused', 'transport', 'limit'].includes(tag)) expect(error.cause).toBe(7);
            expect(host.open).toEqual({ exchanges: 0, pipes: 0, timers: 0 });
        }
    );

    test.each([401, 403, 500, 502, 503])('with HTTP %i does not lead to SSE', async status => {
        const host = await FakeHost.start(http(exchange => reply(exchange, status, 'no')));
        const error = host.err(host.begin(EITHER).call);
        expect(error.failure).toMatchObject({ tag: 'http', val: { status } });
        expect((error.failure.val as { message: string }).message).toMatch(/^no(; |$)/);
        expect(host.exchanges.every(({ request }) => request.method === 'POST')).toBe(true);
    });

    test('because its stream names an endpoint elsewhere is refused', async () => {
        const host = await FakeHost.start(
            http(exchange => {
                exchange.head(200, { 'content-type': 'text/event-stream' });
                exchange.body('event: endpoint\ndata: http://elsewhere.test/message\n\n');
            })
        );
        expect(host.err(host.begin(SSE).call).failure.tag).toBe('protocol');
        expect(host.open).toEqual({ exchanges: 0, pipes: 0, timers: 0 });
    });

    test('because its URL is none is an argument of ours', async () => {
        const host = await FakeHost.start();
        const error = host.err(host.begin({ endpoint: { tag: 'http', val: 'not a url' } }).call);
        expect(error.failure.tag).toBe('invalid-argument');
    });
});

describe.each([
    ['stdio', STDIO, 'server/discover and initialize'],
    ['http', HTTP, 'server/discover and initialize'],
    ['sse', SSE, 'initialize'],
    ['http-or-sse', EITHER, 'server/discover and initialize']
] as const)('connect over %s', (_name, config, unanswered) => {
    const silent: World = { http: () => {}, pipe: () => ({}) };

    test('ends when its time is over', async () => {
        const host = await FakeHost.start(silent);
        const { call } = host.begin({ ...config, connectTimeout: 8000 });
        host.advance(7999);
        expect(host.outcomes.size).toBe(0);
        host.advance(1);
        const { step, failure } = host.err(call);
        expect(step).toBe('connect');
        expect(failure.tag).toBe('timeout');
        expect(failure.val).toContain(`not connected within 8000 ms: the server has not answered ${unanswered};`);
        expect(failure.val).toContain('allow more time for connecting');
        expect(host.open).toEqual({ exchanges: 0, pipes: 0, timers: 0 });
    });

    test('is cancelled', async () => {
        const host = await FakeHost.start(silent);
        const { session, call } = host.begin(config);
        host.cancel(call, 'changed my mind');
        expect(host.err(call)).toEqual({ step: 'connect', failure: { tag: 'cancelled', val: 'changed my mind' } });
        expect(host.open).toEqual({ exchanges: 0, pipes: 0, timers: 0 });
        expect(host.err(host.callTool(session, 'x')).failure.tag).toBe('invalid-argument');
    });

    test('is ended by close', async () => {
        const host = await FakeHost.start(silent);
        const { session, call } = host.begin(config);
        expect(host.err(host.callTool(session, 'x')).failure.tag).toBe('invalid-argument');
        const close = host.call((client, call) => client.close(call, session));
        expect(host.text(close)).toBe('{}');
        expect(host.err(call).failure.tag).toBe('closed');
        expect(host.open).toEqual({ exchanges: 0, pipes: 0, timers: 0 });
    });
});

test('a session is connected once', async () => {
    const host = await FakeHost.start(onPipe(new Peer('legacy')));
    const { session } = host.connect(STDIO);
    const again = host.call((client, call) => client.connect(call, session, { ...DEFAULTS, ...STDIO }));
    expect(host.err(again).failure).toEqual({ tag: 'invalid-argument', val: 'session 1 exists already' });
    expect(host.err(host.callTool(session, 'x')).failure.tag).toBe('rpc');
});
