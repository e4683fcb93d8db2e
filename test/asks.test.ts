import { describe, expect, test } from 'vitest';

import type { FakeHost } from './host/host.js';
import type { Message } from './host/peer.js';
import { Peer, RpcError } from './host/peer.js';
import { event, onHttp, onPipe, onSse } from './host/servers.js';
import { CONFIGS, connected } from './host/sessions.js';

const ALL = JSON.stringify({
    sampling: { tools: {} },
    elicitation: { form: { applyDefaults: true }, url: {} },
    roots: { listChanged: true }
});
const able = { ...CONFIGS.stdio, capabilities: ALL };

const SAMPLE = {
    messages: [{ role: 'user', content: { type: 'text', text: 'hi' } }],
    maxTokens: 5,
    extra: { kept: 1 }
};
const SAMPLED = { role: 'assistant', content: { type: 'text', text: 'ho' }, model: 'm' };
const FORM = {
    mode: 'form',
    message: 'who?',
    requestedSchema: { type: 'object', properties: { a: { type: 'string' }, b: { type: 'number', default: 4 } } }
};
const URL_MODE = { mode: 'url', message: 'sign in', elicitationId: 'e1', url: 'http://server.test/sign-in?x=1' };

describe('a server of an older revision asks with a request', () => {
    const ask = async (method: string, params?: object, config = able) => {
        const peer = new Peer('legacy');
        const { host, session } = await connected(onPipe(peer), config);
        host.pipes[0]?.write(JSON.stringify({ jsonrpc: '2.0', id: 'q1', method, params }));
        const reply = () => peer.received.findLast(message => message.id === 'q1');
        return { host, session, peer, reply };
    };

    test.each([
        ['sampling/createMessage', SAMPLE, SAMPLED],
        ['roots/list', undefined, { roots: [{ uri: 'file:///a' }] }],
        ['elicitation/create', FORM, { action: 'decline' }]
    ])('%s', async (method, params, answer) => {
        const { host, session, reply } = await ask(method, params);
        expect(host.asks).toMatchObject([{ session, method, params: params ?? {}, retracted: false }]);
        expect(host.asks[0]?.input).toBeUndefined();
        expect(reply()).toBeUndefined();
        host.answer(answer);
        expect(reply()?.result).toEqual(answer);
    });

    test('the defaults of a form are filled in', async () => {
        const { host, reply } = await ask('elicitation/create', FORM);
        host.answer({ action: 'accept', content: { a: 'x' } });
        expect(reply()?.result).toEqual({ action: 'accept', content: { a: 'x', b: 4 } });
    });

    test('the defaults of a form that is accepted as it is are filled in', async () => {
        const { host, reply } = await ask('elicitation/create', FORM);
        host.answer({ action: 'accept' });
        expect(reply()?.result).toEqual({ action: 'accept', content: { b: 4 } });
    });

    test("what the host refuses is the server's error", async () => {
        const { host, reply } = await ask('roots/list');
        const error = { code: -1, message: 'no', data: '{"why":1}' };
        host.deliver({ tag: 'answer', val: { ask: host.asks[0]?.id ?? 0, outcome: { tag: 'err', val: error } } });
        expect(reply()?.error).toEqual({ code: -1, message: 'no', data: { why: 1 } });
    });

    test.each([
        ['no text', { tag: 'ok', val: '' }],
        ['no JSON', { tag: 'ok', val: '{"roots":[]}{' }],
        ['a list', { tag: 'ok', val: '[]' }],
        ['null', { tag: 'ok', val: 'null' }],
        ['an error whose data is no JSON', { tag: 'err', val: { code: -1, message: 'no', data: 'why' } }]
    ] as const)('an answer that is %s is an error', async (_name, outcome) => {
        const { host, reply } = await ask('roots/list');
        host.deliver({ tag: 'answer', val: { ask: host.asks[0]?.id ?? 0, outcome } });
        expect(reply()?.error?.code).toBe(-32603);
    });

    test('what is not declared is never asked', async () => {
        for (const method of ['sampling/createMessage', 'elicitation/create', 'roots/list']) {
            const { host, reply } = await ask(method, {}, { ...CONFIGS.stdio, capabilities: '{}' });
            expect(host.asks).toEqual([]);
            expect(reply()?.error?.code).toBe(-32601);
        }
    });

    test('an answer that is none is not sent on', async () => {
        const { host, reply } = await ask('sampling/createMessage', SAMPLE);
        host.answer({ nonsense: true });
        expect(reply()?.error).toBeDefined();
    });

    // requirement: elicitation.no-mode
    test('a question without a mode is a form', async () => {
        const { host, reply } = await ask('elicitation/create', { ...FORM, mode: undefined });
        host.answer({ action: 'accept', content: { a: 'x' } });
        expect(reply()?.result).toEqual({ action: 'accept', content: { a: 'x', b: 4 } });
    });

    // requirement: elicitation.undeclared-mode
    test.each([
        ['form', '{"elicitation":{"url":{}}}', FORM],
        ['url', '{"elicitation":{"form":{}}}', URL_MODE]
    ])('a mode that is not declared is refused: %s', async (_mode, capabilities, params) => {
        const { host, reply } = await ask('elicitation/create', params, { ...able, capabilities });
        expect(reply()?.error?.code).toBe(-32_602);
        expect(host.asks).toEqual([]);
    });

    // requirement: elicitation.url-no-prefetch
    test('nothing is fetched of a URL that the user is to visit', async () => {
        const peer = new Peer('legacy');
        const { host } = await connected(onSse(peer), { ...CONFIGS.sse, capabilities: ALL });
        const before = host.exchanges.length;
        const question = { jsonrpc: '2.0', id: 'q1', method: 'elicitation/create', params: URL_MODE };
        host.exchanges[0]?.body(event(JSON.stringify(question)));
        expect(host.asks).toMatchObject([{ params: URL_MODE }]);
        host.answer({ action: 'accept' });
        expect(host.exchanges.slice(before).map(({ request }) => request.url)).toEqual([
            'http://server.test/message?session=1'
        ]);
        expect(peer.received.at(-1)?.result).toEqual({ action: 'accept' });
    });

    test('a question that the server takes back is retracted, and its answer ignored', async () => {
        const { host, peer, reply } = await ask('roots/list');
        host.pipes[0]?.write('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"q1"}}');
        expect(host.asks[0]?.retracted).toBe(true);
        const before = peer.received.length;
        host.answer({ roots: [] });
        expect(peer.received.length).toBe(before);
        expect(reply()).toBeUndefined();
    });

    test('a question of a session that ends is retracted', async () => {
        const { host, session } = await ask('roots/list');
        host.call((client, call) => client.close(call, session));
        expect(host.asks[0]?.retracted).toBe(true);
    });
});

describe('a server of the newest revision asks in its answer', () => {
    const peerWith = (rounds: number) => {
        let round = 0;
        return new Peer('modern', {
            'tools/call': () =>
                ++round > rounds
                    ? { content: [{ type: 'text', text: 'done' }] }
                    : {
                          resultType: 'input_required',
                          inputRequests: { who: { method: 'elicitation/create', params: FORM } },
                          requestState: `state "${round}" é`
                      }
        });
    };

    // requirement: mrtr.inputs, mrtr.state-echo, mrtr.state-opaque, mrtr.new-id, tools.round-id
    test('the host is asked, and the call goes on with the answer and the state as it was', async () => {
        const peer = peerWith(2);
        const { host, session } = await connected(onHttp(peer), { ...CONFIGS.http, capabilities: ALL });
        const call = host.callTool(session, 'x', { y: 1 });
        host.answer({ action: 'accept', content: { a: 'one' } });
        host.answer({ action: 'decline' });
        expect(host.ok(call)).toMatchObject({ content: [{ text: 'done' }] });
        const [, second, third] = peer.requests('tools/call') as [Message, Message, Message];
        expect(second.params).toMatchObject({
            name: 'x',
            arguments: { y: 1 },
            inputResponses: { who: { action: 'accept', content: { a: 'one', b: 4 } } },
            requestState: 'state "1" é'
        });
        expect(third.params).toMatchObject({ requestState: 'state "2" é' });
        expect(new Set(peer.requests('tools/call').map(({ id }) => id)).size).toBe(3);
    });

    // requirement: mrtr.state-none, mrtr.own-request
    test('where there is no state none goes back, and other calls carry neither state nor inputs', async () => {
        const peer = new Peer('modern', {
            'tools/call': ({ params }) =>
                params?.['inputResponses'] || params?.['name'] === 'other'
                    ? { content: [] }
                    : {
                          resultType: 'input_required',
                          inputRequests: { who: { method: 'roots/list' } },
                          ...(params?.['name'] === 'stateful' && { requestState: 's' })
                      }
        });
        const { host, session } = await connected(onPipe(peer), able);
        for (const name of ['stateful', 'stateless', 'other']) host.callTool(session, name);
        host.answer({ roots: [] }, 1);
        host.answer({ roots: [] }, 0);
        host.callTool(session, 'other');
        const sent = peer.requests('tools/call').map(({ params }) => params ?? {});
        const extra = sent.map(({ name, inputResponses, requestState }) => [name, inputResponses, requestState]);
        const answered = { who: { roots: [] } };
        expect(extra).toEqual([
            ['stateful', undefined, undefined],
            ['stateless', undefined, undefined],
            ['other', undefined, undefined],
            ['stateless', answered, undefined],
            ['stateful', answered, 's'],
            ['other', undefined, undefined]
        ]);
    });

    /** Keys that are no names of JavaScript's, or have a meaning there. */
    const KEYS = ['user_name', '', '__proto__', 'constructor', '7', 'é "\\\n', 'k'.repeat(100_000)];

    const asksAll = (keys: string[], question: object = { method: 'roots/list', params: {} }) => {
        const entries = keys.map(key => `${JSON.stringify(key)}:${JSON.stringify(question)}`);
        const required = `{"resultType":"input_required","inputRequests":{${entries.join(',')}},"requestState":"s"}`;
        return new Peer('modern', {
            'tools/call': ({ params }) =>
                params?.['name'] === 'once' && params['inputResponses']
                    ? { content: [] }
                    : (JSON.parse(required) as object)
        });
    };

    test('the questions of a round are asked at once, each with its key, and each round has a number', async () => {
        const peer = asksAll(KEYS);
        const { host, session } = await connected(onPipe(peer), able);
        host.callTool(session, 'again');
        const first = host.asks[0]?.input?.round ?? -1;
        const place = (round: number) => KEYS.map(key => ({ round, key, size: KEYS.length }));
        const sorted = (inputs: unknown[]) => inputs.map(input => JSON.stringify(input)).toSorted();
        const asked = () => sorted(host.asks.map(({ input }) => input));
        expect(asked()).toEqual(sorted(place(first)));
        for (const index of KEYS.keys()) host.answer({ roots: [] }, index);
        expect(asked()).toEqual(sorted([...place(first), ...place(first + 1)]));
    });

    test('the answers go back under the keys of their questions', async () => {
        const peer = asksAll(KEYS);
        const { host, session } = await connected(onPipe(peer), able);
        const call = host.callTool(session, 'once');
        const uri = (key = '') => `file:///${key.length}/${encodeURIComponent(key.slice(0, 9))}`;
        for (const [index, { input }] of [...host.asks.entries()].toReversed())
            host.answer({ roots: [{ uri: uri(input?.key) }] }, index);
        expect(host.ok(call)).toMatchObject({ content: [] });
        const sent = Object.entries(peer.requests('tools/call').at(-1)?.params?.['inputResponses'] as object);
        expect(sent).toEqual(expect.arrayContaining(KEYS.map(key => [key, { roots: [{ uri: uri(key) }] }])));
        expect(sent.length).toBe(KEYS.length);
    });

    test.each([
        ['before', ['bad', 'good']],
        ['after', ['good', 'bad']]
    ])('a question that cannot be asked, %s others, fails the call and takes the others back', async (_, keys) => {
        const inputRequests = Object.fromEntries(
            keys.map(key => [key, { method: key === 'bad' ? 'tools/list' : 'roots/list' }])
        );
        const peer = new Peer('modern', { 'tools/call': () => ({ resultType: 'input_required', inputRequests }) });
        const { host, session } = await connected(onPipe(peer), able);
        const call = host.callTool(session, 'x');
        expect(host.err(call)).toMatchObject({ step: 'tools/call' });
        expect(host.asks.filter(({ retracted }) => !retracted)).toEqual([]);
        expect(peer.requests('tools/call').length).toBe(1);
    });

    test('one refusal fails the call, and takes the other questions of the round back', async () => {
        const keys = Array.from({ length: 1000 }, (_, index) => `${index}`);
        const { host, session } = await connected(onPipe(asksAll(keys)), able);
        const call = host.callTool(session, 'x');
        expect(host.asks.length).toBe(1000);
        const refusal = { code: -32603, message: 'too many questions' };
        host.deliver({ tag: 'answer', val: { ask: host.asks[500]?.id ?? 0, outcome: { tag: 'err', val: refusal } } });
        expect(host.err(call).failure.val).toBe('too many questions');
        expect(host.asks.filter(({ retracted }) => retracted).length).toBe(999);
    });

    test('rounds have a bound', async () => {
        const { host, session } = await connected(onPipe(peerWith(9)), { ...able, inputRounds: 2 });
        const call = host.callTool(session, 'x');
        host.answer({ action: 'decline' });
        host.answer({ action: 'decline' });
        expect(host.err(call)).toMatchObject({ step: 'tools/call', failure: { tag: 'protocol' } });
        expect(host.asks.length).toBe(2);
    });

    test('a call that is given up takes its question back', async () => {
        const { host, session } = await connected(onPipe(peerWith(9)), able);
        const call = host.callTool(session, 'x');
        expect(host.asks).toMatchObject([{ retracted: false }]);
        host.cancel(call);
        expect(host.err(call).failure.tag).toBe('cancelled');
        expect(host.asks).toMatchObject([{ retracted: true }]);
    });
});

test.each([
    ['is closed', (host: FakeHost, session: number) => void host.call((client, call) => client.close(call, session))],
    ['is lost', (host: FakeHost) => host.pipes[0]?.exit()]
])('a question in an answer is retracted when its session %s', async (_name, end) => {
    const inputRequests = { who: { method: 'roots/list' } };
    const peer = new Peer('modern', { 'tools/call': () => ({ resultType: 'input_required', inputRequests }) });
    const { host, session } = await connected(onPipe(peer), able);
    const call = host.callTool(session, 'x');
    end(host, session);
    expect(host.outcome(call).tag).toBe('err');
    expect(host.asks).toMatchObject([{ retracted: true }]);
    host.answer({ roots: [] });
    expect(peer.requests('tools/call').length).toBe(1);
});

test('a question may be answered by calling the session', async () => {
    const peer = new Peer('legacy', {
        'tools/call': () => ({ content: [] }),
        'tools/list': () => new RpcError(-1, 'x')
    });
    const { host, session } = await connected(onPipe(peer), able);
    host.pipes[0]?.write('{"jsonrpc":"2.0","id":7,"method":"roots/list"}');
    expect(host.ok(host.callTool(session, 'x'))).toEqual({ content: [] });
    host.answer({ roots: [] });
    expect(peer.received.at(-1)).toMatchObject({ id: 7, result: { roots: [] } });
});
