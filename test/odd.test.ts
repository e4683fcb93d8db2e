import { describe, expect, test } from 'vitest';

import type { World } from './host/host.js';
import type { Handler, Message } from './host/peer.js';
import { Peer } from './host/peer.js';
import { onHttp, onPipe, onSse } from './host/servers.js';
import { CONFIGS, connected } from './host/sessions.js';

const TOOL = { name: 'echo', inputSchema: { type: 'object' } };
const RESULT = '{"content":[{"type":"text","text":"hello"}]}';

/** A server with one tool. */
function talking(answer: Handler = () => RESULT) {
    return new Peer('legacy', { 'tools/list': () => ({ tools: [TOOL] }), 'tools/call': answer });
}

describe('requests of a server', () => {
    const PING = '{"jsonrpc":"2.0","id":"p","method":"ping"';
    const answered = { jsonrpc: '2.0', id: 'p', result: {} };
    const refused = (code: number, id: unknown = 'p') => ({ jsonrpc: '2.0', id, error: { code } });
    test.each<[string, string, object]>([
        ['params null', `${PING},"params":null}`, answered],
        ['params a list', `${PING},"params":[]}`, answered],
        ['_meta null', `${PING},"params":{"_meta":null}}`, answered],
        ['_meta a list', `${PING},"params":{"_meta":[]}}`, answered],
        ['a progress token null', `${PING},"params":{"_meta":{"progressToken":null}}}`, answered],
        ['a member more', `${PING},"time":5}`, answered],
        ['params a text', `${PING},"params":"x"}`, refused(-32602)],
        ['params a list of something', `${PING},"params":[1]}`, refused(-32602)],
        ['_meta a text', `${PING},"params":{"_meta":"x"}}`, refused(-32602)],
        ['no version', '{"id":"p","method":"ping"}', refused(-32600)],
        ['another version', '{"jsonrpc":"1.0","id":"p","method":"ping"}', refused(-32600)],
        ['a method that is no text', '{"jsonrpc":"2.0","id":"p","method":5}', refused(-32600)],
        ['a method of the other side', '{"jsonrpc":"2.0","id":"p","method":"tools/list"}', refused(-32601)],
        ['the id null', '{"jsonrpc":"2.0","id":null,"method":"ping"}', refused(-32600, null)],
        ['a fraction for an id', '{"jsonrpc":"2.0","id":1.5,"method":"ping"}', refused(-32600, 1.5)],
        ['an object for an id', '{"jsonrpc":"2.0","id":{},"method":"ping"}', refused(-32600, null)],
        ['the id of a request of ours', '{"jsonrpc":"2.0","id":2,"method":"ping"}', { id: 2, result: {} }]
    ])('with %s are answered', async (_, line, expected) => {
        for (const sent of [line, `[${line}]`, `[{"jsonrpc":"2.0","method":"notifications/x"},${line}]`]) {
            const peer = talking();
            const { host, session } = await connected(onPipe(peer));
            const before = peer.received.length;
            host.pipes[0]?.write(sent);
            expect(peer.received.slice(before)).toMatchObject([expected]);
            expect(host.ok(host.callTool(session, 'echo'))).toBeTruthy();
        }
    });

    test('with an id that no double holds are answered with it', async () => {
        const peer = talking();
        const { host } = await connected(onPipe(peer));
        host.pipes[0]?.write('{"jsonrpc":"2.0","id":90071992547409931,"method":"ping"}');
        expect(host.pipes[0]?.written.at(-1)).toContain('"id":90071992547409931,');
    });
});

describe("an answer to a tool's call", () => {
    const wrong = { failure: { tag: 'protocol' } };
    const answers: [string, (id: unknown) => string, object][] = [
        ['without its version', id => `{"id":${String(id)},"result":${RESULT}}`, wrong],
        ['of another version', id => `{"jsonrpc":"1.0","id":${String(id)},"result":${RESULT}}`, wrong],
        [
            'with a result and an error',
            id => `{"jsonrpc":"2.0","id":${String(id)},"result":{},"error":{"code":1,"message":"x"}}`,
            wrong
        ],
        ['with neither', id => `{"jsonrpc":"2.0","id":${String(id)}}`, wrong],
        ['with the result null', id => `{"jsonrpc":"2.0","id":${String(id)},"result":null}`, wrong],
        ['with a text for a result', id => `{"jsonrpc":"2.0","id":${String(id)},"result":"hello"}`, wrong],
        ['with a text for an error', id => `{"jsonrpc":"2.0","id":${String(id)},"error":"boom"}`, wrong],
        [
            'with an error without a code',
            id => `{"jsonrpc":"2.0","id":${String(id)},"error":{"message":"boom"}}`,
            wrong
        ],
        [
            'with a code that is a name',
            id => `{"jsonrpc":"2.0","id":${String(id)},"error":{"code":"GONE","message":"boom"}}`,
            wrong
        ],
        [
            'with a code that is a text',
            id => `{"jsonrpc":"2.0","id":${String(id)},"error":{"code":"-32001","message":"boom","data":null}}`,
            { failure: { tag: 'rpc', val: { code: -32001, message: 'boom', data: 'null' } } }
        ],
        [
            'with an error without a message',
            id => `{"jsonrpc":"2.0","id":${String(id)},"error":{"code":-32001}}`,
            { failure: { tag: 'rpc', val: { code: -32001 } } }
        ],
        ['and the error null', id => `{"jsonrpc":"2.0","id":${String(id)},"result":${RESULT},"error":null}`, {}],
        [
            'and the result null',
            id => `{"jsonrpc":"2.0","id":${String(id)},"result":null,"error":{"code":7,"message":"x"}}`,
            { failure: { tag: 'rpc', val: { code: 7 } } }
        ],
        ['and a member more', id => `{"jsonrpc":"2.0","id":${String(id)},"result":${RESULT},"time":5}`, {}],
        ['and the method', id => `{"jsonrpc":"2.0","id":${String(id)},"method":"tools/call","result":${RESULT}}`, {}],
        ['whose id is a text', id => `{"jsonrpc":"2.0","id":"${String(id)}","result":${RESULT}}`, {}],
        ['whose id is a float', id => `{"jsonrpc":"2.0","id":${String(id)}.0,"result":${RESULT}}`, {}],
        [
            'with _meta null',
            id =>
                `{"jsonrpc":"2.0","id":${String(id)},"result":{"content":[{"type":"text","text":"hello"}],"_meta":null}}`,
            {}
        ],
        [
            'with _meta a text',
            id =>
                `{"jsonrpc":"2.0","id":${String(id)},"result":{"content":[{"type":"text","text":"hello"}],"_meta":"x"}}`,
            {}
        ],
        ['to nobody', () => `{"jsonrpc":"2.0","id":77,"result":${RESULT}}`, wrong],
        ['to the empty text', () => `{"jsonrpc":"2.0","id":"","result":${RESULT}}`, wrong]
    ];
    const wrappings: [string, (text: string) => string][] = [
        ['by itself', text => text],
        ['in a batch', text => `[${text}]`],
        [
            'in a batch with others',
            text => `[{"jsonrpc":"2.0","id":"s","method":"ping"},${text},{"jsonrpc":"2.0","method":"notifications/x"}]`
        ]
    ];
    const ways = ['stdio', 'http', 'events', 'sse'] as const;
    describe.each(ways)('over %s', way => {
        test.each(answers)('%s', async (_, answer, expected) => {
            for (const [, wrap] of wrappings) {
                const peer = talking();
                const world = over(way, peer, id => wrap(answer(id)));
                const { host, session } = await connected(world, CONFIGS[way === 'events' ? 'http' : way]);
                const call = host.callTool(session, 'echo');
                if ('failure' in expected) expect(host.err(call)).toMatchObject(expected);
                else expect(host.ok(call)).toMatchObject({ content: [{ text: 'hello' }] });
                expect(host.ok(host.call((client, call) => client.listTools(call, session, '{}')))).toBeTruthy();
            }
        });
    });

    test('may be empty where it says no more', async () => {
        for (const result of ['null', '[]', '{}', '{"pong":true}', '{"_meta":null}']) {
            const { host, session } = await connected(onPipe(new Peer('legacy', { ping: () => result })));
            expect(host.ok(host.call((client, call) => client.ping(call, session)))).toEqual({});
        }
    });
});

/** A server whose answer to a tool's call is a text as it is. */
function over(way: 'stdio' | 'http' | 'events' | 'sse', peer: Peer, answer: (id: unknown) => string): World {
    const write = peer.answer.bind(peer);
    peer.answer = text => {
        const message = JSON.parse(text) as Message;
        const said = write(text);
        return message.method === 'tools/call' ? answer(message.id) : said;
    };
    switch (way) {
        case 'stdio':
            return onPipe(peer);
        case 'sse':
            return onSse(peer);
        case 'http':
        case 'events':
            return onHttp(peer, { events: way === 'events' });
    }
}
