import { beforeAll, describe, expect, test } from 'vitest';

import type { FakeHost } from './host/host.js';
import type { Message } from './host/peer.js';
import { Peer, RpcError } from './host/peer.js';
import { event, onHttp, onPipe, onSse } from './host/servers.js';
import { CONFIGS, connected } from './host/sessions.js';

const nested = (depth: number, open: string, close: string, core: string) =>
    open.repeat(depth) + core + close.repeat(depth);

/** JSON texts that must arrive as they are. */
const TEXTS: Record<string, string> = {
    null: 'null',
    booleans: '[true,false]',
    numbers: '[0,-0,1,-1,1.5,1e3,1E-7,5e-324,1.7976931348623157e308]',
    'integers around 2^53': '[9007199254740991,9007199254740992,9007199254740993,-9007199254740993]',
    'numbers that no double holds':
        '[1234567890123456789012345678901234567890,1e400,-1e-400,0.1000000000000000055511151231257827]',
    'numbers written long': '[1.0,10.00,1e+2,1E2,0.50]',
    strings: '["","a","\\"quoted\\"","\\\\","\\/","/","\\b\\f\\n\\r\\t","\\u0000","\\u001f"]',
    'text beyond the BMP': '["\u{1f980}","\\ud83e\\udd80","\u{10ffff}","e\u0301","\u200b\u2028\u2029"]',
    'lone surrogates': '["\\ud800","\\udc00x","\\udc00\\ud800"]',
    'empty and absent': '{"null":null,"false":false,"zero":0,"string":"","list":[],"object":{}}',
    'unusual keys':
        '{"__proto__":{"polluted":true},"constructor":1,"toString":null,"":0,"a.b":1,"\u{1f980}":2,"\\ud800":3}',
    'integer-like keys': '{"b":1,"10":2,"2":3,"a":4,"1":5}',
    'keys that occur twice': '{"a":1,"a":2}',
    'members named as those of messages':
        '{"jsonrpc":"1.0","id":7,"method":"x","params":[],"result":{"result":1},"error":{"code":1,"message":"m"}}',
    'text that looks like a message': '"{\\"jsonrpc\\":\\"2.0\\",\\"id\\":1,\\"result\\":{}},\\"id\\":2}"',
    'blanks between': '{ "a" : [ 1 , 2 ] ,\t"b" : { } }',
    'lists 200 deep': nested(200, '[', ']', '1'),
    'objects 200 deep': nested(200, '{"a":', '}', '{}'),
    'a string of 1 MB': JSON.stringify('x\u00e9\u{1f980}"\\\n'.repeat(100_000)),
    'many members': JSON.stringify(Object.fromEntries(Array.from({ length: 2000 }, (_, n) => [`key${n}`, n / 7])))
};
const names = Object.keys(TEXTS);

const resultOf = (value: string) =>
    `{"zz":${value},"resultType":"complete","content":[],"structuredContent":{"value":${value}},"_meta":{"x/y":${value}},"1":${value}}`;

describe.each([
    ['legacy', 'stdio', CONFIGS.stdio, onPipe],
    ['modern', 'stdio', CONFIGS.stdio, onPipe],
    ['legacy', 'http, JSON', CONFIGS.http, onHttp],
    ['modern', 'http, JSON', CONFIGS.http, onHttp],
    ['legacy', 'http, events', CONFIGS.http, (peer: Peer) => onHttp(peer, { events: true })],
    ['modern', 'http, events', CONFIGS.http, (peer: Peer) => onHttp(peer, { events: true })],
    ['legacy', 'sse', CONFIGS.sse, onSse]
] as const)('%s over %s', (era, _transport, config, serve) => {
    let host: FakeHost;
    let session: number;
    let result = '';
    beforeAll(async () => {
        ({ host, session } = await connected(serve(new Peer(era, { 'tools/call': () => result })), config));
    });

    test.each(names)('results keep %s', name => {
        result = resultOf(TEXTS[name] as string);
        expect(host.text(host.callTool(session, 'values'))).toBe(result);
    });
});

/** What JSON leaves to its readers, and the engine to itself: a caller's meaning, not its text, goes out. */
const REORDERED = ['integer-like keys', 'keys that occur twice'];

test.each(names)('arguments keep %s', async name => {
    const value = TEXTS[name] as string;
    const peer = new Peer('legacy', { 'tools/call': () => ({ content: [] }) });
    const { host, session } = await connected(onPipe(peer));
    const params = `{"name":"values","arguments":{"value":${value}},"_meta":{"x/y":${value}},"unknown":${value}}`;
    host.ok(host.call((client, call) => client.callTool(call, session, params)));
    const sent = host.pipes[0]?.written.at(-1) ?? '';
    expect(JSON.parse(sent)).toMatchObject({ method: 'tools/call', params: JSON.parse(params) as object });
    if (!REORDERED.includes(name)) expect(sent).toContain(`"arguments":{"value":${plain(value)}}`);
});

/** A text without blanks and needless escapes. */
function plain(text: string): string {
    const part = /"(?:[^"\\]|\\.)*"|\s+/g;
    return text.replace(part, found => (found.startsWith('"') ? JSON.stringify(JSON.parse(found)) : ''));
}

test('arguments with integers that no double holds reach an HTTP server, too', async () => {
    const peer = new Peer('modern', { 'tools/call': () => ({ content: [] }) });
    const { host, session } = await connected(onHttp(peer), CONFIGS.http);
    const params = '{"name":"x","arguments":{"id":9007199254740993,"f":1.0,"list":[1e400,-0]}}';
    host.ok(host.call((client, call) => client.callTool(call, session, params)));
    expect(host.exchanges.at(-1)?.request.body).toContain(
        '"arguments":{"id":9007199254740993,"f":1.0,"list":[1e400,-0]}'
    );
});

describe('a message keeps its payload however it is laid out:', () => {
    const value = '{"content":[{"type":"text","text":"\\u00e4, {\\"id\\":1}"}],"n":1.0}';
    const layouts: Record<string, (id: Message['id']) => string> = {
        'as most servers write it': id => `{"jsonrpc":"2.0","id":${id},"result":${value}}`,
        'the result first': id => `{"result":${value},"jsonrpc":"2.0","id":${id}}`,
        'the result between': id => `{"id":${id},"result":${value},"jsonrpc":"2.0"}`,
        'with blanks': id => `  {\t"jsonrpc" : "2.0" , "id" : ${id} , "result" : ${value} }\r `,
        'with an id as text': id => `{"jsonrpc":"2.0","id":"${id}","result":${value}}`,
        'with an id as a fraction': id => `{"jsonrpc":"2.0","id":${id}.0,"result":${value}}`
    };
    test.each(Object.keys(layouts))('%s', async name => {
        const peer = new Peer('legacy', { 'tools/call': () => undefined });
        const { host, session } = await connected(onPipe(peer));
        const call = host.callTool(session, 'x');
        host.pipes[0]?.write(layouts[name]?.(peer.received.at(-1)?.id) ?? '');
        expect(host.text(call)).toBe(value);
    });

    const escaped: Record<string, (id: Message['id']) => string> = {
        'with an escape in a key': id => `{"jsonrpc":"2.0","id":${id},"res\\u0075lt":${value}}`,
        'with a result twice, of which the last counts': id =>
            `{"jsonrpc":"2.0","id":${id},"result":{},"result":${value}}`,
        'with an id twice': id => `{"id":4711,"result":${value},"jsonrpc":"2.0","id":${id}}`
    };
    test.each(Object.keys(escaped))('%s (its value, at least)', async name => {
        const peer = new Peer('legacy', { 'tools/call': () => undefined });
        const { host, session } = await connected(onPipe(peer));
        const call = host.callTool(session, 'x');
        host.pipes[0]?.write(escaped[name]?.(peer.received.at(-1)?.id) ?? '');
        expect(host.ok(call)).toEqual(JSON.parse(value));
    });
});

test.each(names)('the data of an error keeps %s', async name => {
    const value = TEXTS[name] as string;
    const peer = new Peer('legacy', { 'tools/call': () => undefined });
    const { host, session } = await connected(onPipe(peer));
    const call = host.callTool(session, 'x');
    host.pipes[0]?.write(
        `{"jsonrpc":"2.0","id":${peer.received.at(-1)?.id},"error":{"code":-32602,"message":"a \\"b\\"","data":${value}}}`
    );
    expect(host.err(call).failure).toEqual({ tag: 'rpc', val: { code: -32_602, message: 'a "b"', data: value } });
});

test.each(names)('the params of a notification keep %s', async name => {
    const value = TEXTS[name] as string;
    const { host, session } = await connected(onPipe(new Peer('legacy')));
    host.pipes[0]?.write(`{"jsonrpc":"2.0","method":"acme/told","params":{"value":${value},"_meta":{"a":1}}}`);
    expect(host.notifications).toEqual([
        { session, method: 'acme/told', params: `{"value":${value},"_meta":{"a":1}}` }
    ]);
});

test('errors whose data the SDK has a class for stay what they are', async () => {
    const data = { uri: 'file:///x', _meta: { a: 1 } };
    const errors = [
        new RpcError(-32_002, 'Resource not found', data),
        new RpcError(-32_602, 'no', { uri: 'file:///x' }),
        new RpcError(-32_042, 'ask', { elicitations: [{ mode: 'url', url: 'http://x.test' }] }),
        new RpcError(-32_022, 'version', { supported: ['x'], requested: 'y', more: true })
    ];
    let n = 0;
    const peer = new Peer('legacy', { 'resources/read': () => errors[n++] });
    const { host, session } = await connected(onPipe(peer));
    for (const { code, message, data } of errors) {
        const call = host.call((client, call) =>
            client.request(call, session, 'resources/read', '{"uri":"file:///x"}')
        );
        expect(host.err(call).failure).toEqual({ tag: 'rpc', val: { code, message, data: JSON.stringify(data) } });
    }
});

test('an event whose data is in several lines is one text', async () => {
    const peer = new Peer('modern', { 'tools/call': () => ({}) });
    const usual = onHttp(peer);
    const { host, session } = await connected(
        {
            http: exchange => {
                const { id, method } = JSON.parse(exchange.request.body ?? '{}') as Message;
                if (method !== 'tools/call') return usual.http?.(exchange);
                exchange.head(200, { 'content-type': 'text/event-stream' });
                exchange.body(
                    event(
                        `{"jsonrpc":"2.0","id":${String(id)},\ndata: "result":{"resultType":"complete",\ndata: "content":[]}}`
                    )
                );
                exchange.end();
            }
        },
        CONFIGS.http
    );
    expect(host.text(host.callTool(session, 'x'))).toBe('{"resultType":"complete",\n"content":[]}');
});

describe('what is far too deep is no trap', () => {
    const DEPTH = 3000;
    const deep = {
        lists: nested(DEPTH, '[', ']', '1'),
        objects: nested(DEPTH, '{"a":', '}', '1'),
        schema: nested(DEPTH, '{"type":"object","properties":{"a":', '}}', '{}')
    };
    const list = (schema: string) =>
        `{"resultType":"complete","ttlMs":0,"cacheScope":"private","tools":[{"name":"t","inputSchema":${schema}}]}`;

    test.each(['legacy', 'modern'] as const)('in a message of a %s server', async era => {
        const answers = [resultOf(deep.lists), resultOf(deep.objects)];
        const peer = new Peer(era, { 'tools/call': () => answers.shift(), 'tools/list': () => list(deep.schema) });
        const { host, session } = await connected(onPipe(peer));
        for (const value of [deep.lists, deep.objects]) {
            expect(host.text(host.callTool(session, 'x')) === resultOf(value)).toBe(true);
        }
        const call = host.call((client, call) => client.listTools(call, session, '{}'));
        const outcome = host.outcome(call);
        if (outcome.tag === 'ok') expect(outcome.val === list(deep.schema)).toBe(true);
        for (const value of Object.values(deep)) {
            host.pipes[0]?.write(value);
            host.pipes[0]?.write(`{"jsonrpc":"2.0","method":"x","params":{"a":${value}}}`);
            host.pipes[0]?.write(`{"jsonrpc":"2.0","id":${value},"result":{}}`);
            host.pipes[0]?.write(`{"jsonrpc":"2.0","id":99,"method":"ping","params":{"a":${value}}}`);
        }
        expect(host.notifications.length).toBe(3);
        expect(host.err(host.call((c, call) => c.request(call, session, 'none/such', '{}'))).failure.tag).toBe('rpc');
    });

    test('in the arguments of a call', async () => {
        const { host, session } = await connected(
            onPipe(new Peer('legacy', { 'tools/call': () => ({ content: [] }) }))
        );
        for (const value of Object.values(deep)) {
            const params = `{"name":"x","arguments":{"a":${value}}}`;
            expect(host.outcome(host.call((c, call) => c.callTool(call, session, params)))).toBeDefined();
        }
        expect(host.outcome(host.callTool(session, 'x')).tag).toBe('ok');
    });
});

test('an error with a message of 2 MB of escapes comes whole', async () => {
    const message = '"\\\n'.repeat(500_000);
    const peer = new Peer('legacy', { 'x/y': () => new RpcError(-1, message, { a: 1 }) });
    const { host, session } = await connected(onPipe(peer));
    const { failure } = host.err(host.call((client, call) => client.request(call, session, 'x/y', '{}')));
    if (failure.tag !== 'rpc') throw new Error(failure.tag);
    expect(failure.val.message === message).toBe(true);
    expect(failure.val.data).toBe('{"a":1}');
});
