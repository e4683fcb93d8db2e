import { describe, expect, test } from 'vitest';

import type { ExchangeEnd, World } from './host/host.js';
import { FakeHost } from './host/host.js';
import type { Message } from './host/peer.js';
import { LEGACY, MODERN, Peer, RpcError } from './host/peer.js';
import { event, onHttp, onPipe, reply, replyJson } from './host/servers.js';
import { expectQuiet } from './host/sessions.js';

const STDIO = { endpoint: { tag: 'stdio' } } as const;
const HTTP = { endpoint: { tag: 'http', val: 'http://server.test/mcp' } } as const;
const SSE = { endpoint: { tag: 'sse', val: 'http://server.test/sse' } } as const;
const EITHER = { endpoint: { tag: 'http-or-sse', val: 'http://server.test/sse' } } as const;

const PAGE = '<!doctype html><title>Not here</title>';
const HTML = 'text/html';

/** An older server that treats the probe in a way of its own, and maybe everything. */
function probed(answer: (exchange: ExchangeEnd, id: unknown) => void, peer?: Peer): World {
    const older = peer && onHttp(peer);
    return {
        http: exchange => {
            const message = JSON.parse(exchange.request.body ?? '{}') as Message;
            if (older && message.method !== 'server/discover') older.http?.(exchange);
            else answer(exchange, message.id);
        }
    };
}

const rpc = (id: unknown, code: number) =>
    JSON.stringify({ jsonrpc: '2.0', id, error: { code, message: 'what is that' } });

const fields = (exchange: ExchangeEnd, status: number, headers: Record<string, string>) => {
    exchange.head(status, headers);
    exchange.end();
};

/** What an older server may do with a request that it does not know. */
const UNKNOWING: Record<string, (exchange: ExchangeEnd, id: unknown) => void> = {
    ...Object.fromEntries(
        [400, 404, 405, 406, 408, 409, 410, 413, 415, 422, 500, 501, 502, 503, 504].map(status => [
            `HTTP ${status}`,
            (exchange: ExchangeEnd) => reply(exchange, status, 'oops')
        ])
    ),
    ...Object.fromEntries(
        [400, 404, 500].flatMap(status => [
            [
                `HTTP ${status} with a JSON-RPC error`,
                (exchange: ExchangeEnd, id: unknown) => reply(exchange, status, rpc(id, -32603), 'application/json')
            ],
            [
                `HTTP ${status} with a JSON-RPC error of nobody's`,
                (exchange: ExchangeEnd) => reply(exchange, status, rpc(null, -32600), 'application/json')
            ],
            [
                `HTTP ${status} with a JSON-RPC error as text`,
                (exchange: ExchangeEnd, id: unknown) => reply(exchange, status, rpc(id, -32000))
            ],
            [`HTTP ${status} with nothing`, (exchange: ExchangeEnd) => fields(exchange, status, {})]
        ])
    ),
    ...Object.fromEntries(
        [-32700, -32601, -32602, -32603, -32600, -32000, -32001, -32022, 0, 1, 404].map(code => [
            `the JSON-RPC error ${code}`,
            (exchange: ExchangeEnd, id: unknown) => replyJson(exchange, rpc(id, code))
        ])
    ),
    'an error of nobody': exchange => replyJson(exchange, rpc(null, -32600)),
    'an error without an id': exchange =>
        replyJson(exchange, '{"jsonrpc":"2.0","error":{"code":-32600,"message":"what is that"}}'),
    'a result that is none': (exchange, id) =>
        replyJson(exchange, `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":{}}`),
    'a page': exchange => reply(exchange, 200, PAGE, HTML),
    'an empty page': exchange => reply(exchange, 200, '', HTML),
    'JSON that is none': exchange => replyJson(exchange, '{"jsonrpc":'),
    'JSON of its own': exchange => replyJson(exchange, '{"error":"unknown method"}'),
    'an empty body as JSON': exchange => replyJson(exchange, ''),
    'an empty body': exchange => fields(exchange, 200, {}),
    '202': exchange => reply(exchange, 202),
    '204': exchange => fields(exchange, 204, {}),
    'a stream that ends': exchange => fields(exchange, 200, { 'content-type': 'text/event-stream' }),
    'a stream with an error of nobody': exchange => {
        exchange.head(200, { 'content-type': 'text/event-stream' });
        exchange.body(event(rpc(null, -32600)));
        exchange.end();
    },
    'a stream that breaks off': exchange => {
        exchange.head(200, { 'content-type': 'text/event-stream' });
        exchange.end({ kind: 'transport', message: 'reset' });
    },
    'a connection that is dropped': exchange => exchange.end({ kind: 'transport', message: 'reset' })
};

describe('the probe over HTTP', () => {
    test.each(Object.keys(UNKNOWING))('that is answered by %s leads to the older handshake', async name => {
        const peer = new Peer('legacy', { 'tools/call': () => ({ content: [] }) });
        const host = await FakeHost.start(probed(UNKNOWING[name] as never, peer));
        const { session, result } = host.connect(HTTP);
        expect(result).toMatchObject({ protocolVersion: LEGACY, serverInfo: { name: 'peer' } });
        expect(peer.requests('initialize').length).toBe(1);
        expect(host.ok(host.callTool(session, 'echo'))).toEqual({ content: [] });
        expectQuiet(host);
    });

    test.each([
        ['401', (exchange: ExchangeEnd) => reply(exchange, 401, 'who are you'), 401],
        ['403', (exchange: ExchangeEnd) => reply(exchange, 403, 'go away'), 403],
        ['407', (exchange: ExchangeEnd) => reply(exchange, 407, 'who are you'), 407],
        ['429', (exchange: ExchangeEnd) => reply(exchange, 429, 'not so fast'), 429],
        ['503 with Retry-After', (exchange: ExchangeEnd) => fields(exchange, 503, { 'retry-after': '60' }), 503],
        ['302', (exchange: ExchangeEnd) => fields(exchange, 302, { location: 'http://login.test/' }), 302]
    ] as const)('that is answered by %s is told, and nothing else is sent', async (_name, answer, status) => {
        const host = await FakeHost.start(probed(answer, new Peer('legacy')));
        expect(host.err(host.begin(HTTP).call)).toMatchObject({
            step: 'connect',
            failure: { tag: 'http', val: { status } }
        });
        expect(host.exchanges.length).toBe(1);
        expect(host.open).toEqual({ exchanges: 0, pipes: 0, timers: 0 });
    });

    test('that names the revisions of the server is sent again for one of them', async () => {
        let refused = 0;
        const peer = new Peer('modern');
        const host = await FakeHost.start({
            http: exchange => {
                const { id } = JSON.parse(exchange.request.body ?? '{}') as Message;
                if (refused++ > 0) return onHttp(peer).http?.(exchange);
                const data = { supported: [MODERN], requested: MODERN };
                const error = { code: -32022, message: 'unsupported', data };
                reply(exchange, 500, JSON.stringify({ jsonrpc: '2.0', id, error }), 'application/json');
            }
        });
        expect(host.connect(HTTP).result).toMatchObject({ protocolVersion: MODERN });
        expect(peer.requests('initialize').length).toBe(0);
    });
});

describe('a server that takes neither the probe nor the handshake', () => {
    /** Answers the probe so, and the handshake so. */
    const neither = (probe: (exchange: ExchangeEnd) => void, handshake: (exchange: ExchangeEnd, id: unknown) => void) =>
        FakeHost.start({
            http: exchange => {
                const { method, id } = JSON.parse(exchange.request.body ?? '{}') as Message;
                if (method === 'server/discover') probe(exchange);
                else handshake(exchange, id);
            }
        });
    const failing = (status: number, text: string) => (exchange: ExchangeEnd) => reply(exchange, status, text);
    const refusing = (exchange: ExchangeEnd, id: unknown) => replyJson(exchange, rpc(id, -32601));

    test.each([
        [
            'the same twice',
            failing(500, 'oops'),
            failing(500, 'oops'),
            {
                tag: 'http',
                val: { status: 500, message: 'oops; server/discover, which it was sent before, got the same' }
            }
        ],
        [
            'one status after another',
            failing(500, 'oops'),
            failing(401, 'who are you'),
            {
                tag: 'http',
                val: {
                    status: 401,
                    message: 'who are you; server/discover, which it was sent before, got HTTP 500 (oops)'
                }
            }
        ],
        [
            'a page after a status',
            failing(500, ''),
            (exchange: ExchangeEnd) => reply(exchange, 200, PAGE, HTML),
            {
                tag: 'protocol',
                val: "the server's answer has the content type text/html, and neither application/json nor text/event-stream; server/discover, which it was sent before, got HTTP 500"
            }
        ],
        [
            'an error of JSON-RPC after a status',
            failing(500, 'oops'),
            refusing,
            {
                tag: 'http',
                val: {
                    status: 500,
                    message: 'oops; initialize, which it was sent next, got the JSON-RPC error -32601 (what is that)'
                }
            }
        ]
    ])('(%s) is told with both', async (_name, probe, handshake, failure) => {
        const host = await neither(probe, handshake);
        const error = host.err(host.begin(HTTP).call);
        expect(error).toMatchObject({ step: 'connect', failure });
        expect(host.open).toEqual({ exchanges: 0, pipes: 0, timers: 0 });
    });
});

test.each([
    ['-32601', rpc(null, -32601)],
    ['-32600', rpc(null, -32600)],
    ['-32700', '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error","data":{"a":1}}}'],
    ['no id', '{"jsonrpc":"2.0","error":{"code":-32600,"message":"what is that"}}']
])(
    'the probe on a pipe that is answered by an error of nobody (%s) leads to the older handshake',
    async (_name, error) => {
        const peer = new Peer('legacy');
        const host = await FakeHost.start({
            pipe: end => ({
                line: line => {
                    const { method } = JSON.parse(line) as Message;
                    const answer = method === 'server/discover' ? error : peer.answer(line);
                    if (answer !== undefined) end.write(answer);
                }
            })
        });
        expect(host.connect(STDIO).result).toMatchObject({ protocolVersion: LEGACY });
        expect(host.pipes.length).toBe(1);
    }
);

describe('a revision that is pinned', () => {
    const newest = { protocolVersions: [MODERN] };

    test('is no revision of the SSE transport', async () => {
        const host = await FakeHost.start();
        const { failure } = host.err(host.begin({ ...SSE, ...newest }).call);
        expect(failure).toEqual({
            tag: 'invalid-argument',
            val: 'revision 2026-07-28 has no SSE transport: choose http, or allow an older revision'
        });
        expect(host.exchanges.length).toBe(0);
    });

    test('to the newest is not looked for over SSE', async () => {
        const host = await FakeHost.start(probed(exchange => reply(exchange, 404, 'not here')));
        const { failure } = host.err(host.begin({ ...EITHER, ...newest }).call);
        expect(failure).toEqual({
            tag: 'http',
            val: {
                status: 404,
                message:
                    "not here; that was the server's answer to server/discover; it does not seem to speak 2026-07-28: allow an older revision as well"
            }
        });
        expect(host.exchanges.map(({ request }) => request.method)).toEqual(['POST']);
    });

    test.each(Object.keys(UNKNOWING))('and not known over HTTP (%s) is told so', async name => {
        const host = await FakeHost.start(probed(UNKNOWING[name] as never, new Peer('legacy')));
        const error = host.err(host.begin({ ...HTTP, ...newest }).call);
        expect(error.step).toBe('connect');
        expect(['http', 'protocol', 'transport']).toContain(error.failure.tag);
        expect(JSON.stringify(error.failure.val)).toContain('it does not seem to speak 2026-07-28');
        expect(host.exchanges.length).toBe(1);
    });

    test('and not known on a pipe is told so', async () => {
        const host = await FakeHost.start(onPipe(new Peer('legacy')));
        expect(host.err(host.begin({ ...STDIO, ...newest }).call).failure).toEqual({
            tag: 'protocol',
            val: 'the server answered server/discover with the JSON-RPC error -32601 (Method not found); it does not seem to speak 2026-07-28: allow an older revision as well'
        });
    });

    test('of which the server speaks none is told as the server has it', async () => {
        const data = { supported: [LEGACY], requested: MODERN };
        const peer = new Peer('modern', { 'server/discover': () => new RpcError(-32022, 'unsupported', data) });
        const host = await FakeHost.start(onPipe(peer));
        expect(host.err(host.begin({ ...STDIO, ...newest }).call).failure).toMatchObject({
            tag: 'rpc',
            val: { code: -32022, message: 'unsupported' }
        });
    });

    test('to an older one spares the probe', async () => {
        const peer = new Peer('legacy');
        const host = await FakeHost.start(onHttp(peer));
        expect(host.connect({ ...HTTP, protocolVersions: [LEGACY] }).result).toMatchObject({ protocolVersion: LEGACY });
        expect(peer.requests('server/discover').length).toBe(0);
    });

    test('to the newest leaves a command alone that ends at the probe', async () => {
        const host = await FakeHost.start({ pipe: end => ({ line: () => end.exit() }) });
        expect(host.err(host.begin({ ...STDIO, ...newest }).call).failure).toEqual({
            tag: 'transport',
            val: 'the command ended: exit status 1'
        });
        expect(host.pipes.length).toBe(1);
    });
});
