import { describe, expect, test } from 'vitest';

import type { Message } from './host/peer.js';
import { Peer, RpcError } from './host/peer.js';
import { onHttp, onPipe } from './host/servers.js';
import { CONFIGS, connected } from './host/sessions.js';

const tool = (extra: object) => ({ name: 't', inputSchema: { type: 'object' }, ...extra });
const outputSchema = {
    type: 'object',
    properties: { n: { type: 'array', items: { type: 'integer', minimum: 1 } } },
    required: ['n']
};

describe('an outputSchema', () => {
    const call = async (result: object, schema: object = outputSchema) => {
        const peer = new Peer('legacy', {
            'tools/list': () => ({ tools: [tool({ outputSchema: schema })] }),
            'tools/call': () => ({ content: [], ...result })
        });
        const { host, session } = await connected(onPipe(peer));
        host.call((client, call) => client.listTools(call, session, '{}'));
        return { host, peer, call: host.callTool(session, 't') };
    };

    test('that a result matches changes nothing', async () => {
        const { host, call: id } = await call({ structuredContent: { n: [1, 2], more: null } });
        expect(host.ok(id)).toEqual({ content: [], structuredContent: { n: [1, 2], more: null } });
    });

    test.each([
        ['names the place and the rule', { structuredContent: { n: [1, 0] } }, /#\/n\/1.*less than 1/],
        ['asks for structured content', {}, /no structuredContent/]
    ])('%s', async (_name, result, words) => {
        const { host, call: id } = await call(result);
        const { failure, step } = host.err(id);
        expect(step).toBe('tools/call');
        expect(failure.tag).toBe('output-schema');
        expect(failure.val).toMatch(words);
    });

    test("says nothing of a tool's failure", async () => {
        const { host, call: id } = await call({ isError: true });
        expect(host.ok(id)).toEqual({ content: [], isError: true });
    });

    test.each([
        ['a $ref to elsewhere', { type: 'object', properties: { n: { $ref: 'https://elsewhere.test/n.json' } } }],
        ['a dialect that nobody knows', { $schema: 'https://elsewhere.test/dialect', type: 'object' }]
    ])('with %s is not used, and nothing is fetched', async (_name, schema) => {
        const { host, call: id } = await call({ structuredContent: { n: 1 } }, schema);
        expect(host.err(id).failure.tag).toBe('output-schema');
        expect(host.exchanges).toEqual([]);
    });
});

describe('a result with a time to live', () => {
    const lists = ['listTools', 'listResources', 'listResourceTemplates', 'listPrompts'] as const;
    const result = (ttlMs: number) => ({
        tools: [],
        resources: [],
        resourceTemplates: [],
        prompts: [],
        contents: [],
        ttlMs,
        cacheScope: 'private'
    });
    const methods = ['tools/list', 'resources/list', 'resources/templates/list', 'prompts/list', 'resources/read'];
    const serve = (ttlMs: number) =>
        new Peer('modern', Object.fromEntries(methods.map(method => [method, () => result(ttlMs)])));

    test.each(lists)('is given again while it lives (%s)', async list => {
        const peer = serve(1000);
        const { host, session } = await connected(onPipe(peer));
        const ask = (params = '{}') => host.text(host.call((client, call) => client[list](call, session, params)));
        const first = ask();
        const sent = peer.received.length;
        expect(ask()).toBe(first);
        expect(peer.received.length).toBe(sent);
        ask('{"cursor":"2"}');
        expect(peer.received.length).toBe(sent + 1);
        host.advance(1000);
        expect(ask()).toBe(first);
        expect(peer.received.length).toBe(sent + 2);
    });

    test.each([
        ['notifications/tools/list_changed', 'tools/list', true],
        ['notifications/prompts/list_changed', 'tools/list', false],
        ['notifications/resources/updated', 'resources/read', true]
    ])('%s makes %s stale: %s', async (notification, method, stale) => {
        const peer = serve(60_000);
        const { host, session } = await connected(onPipe(peer));
        const ask = () => host.call((client, call) => client.request(call, session, method, '{"uri":"file:///a"}'));
        ask();
        host.pipes[0]?.write(JSON.stringify({ jsonrpc: '2.0', method: notification, params: { uri: 'file:///a' } }));
        ask();
        expect(peer.requests(method).length).toBe(stale ? 2 : 1);
    });

    test.each([
        ['0 is not kept', 0, true],
        ['is not kept where the host does not want it', 1000, false]
    ])('of %s', async (_name, ttl, cacheResults) => {
        const peer = serve(ttl);
        const { host, session } = await connected(onPipe(peer), { ...CONFIGS.stdio, cacheResults });
        for (let i = 0; i < 2; i++) host.call((client, call) => client.listTools(call, session, '{}'));
        expect(peer.requests('tools/list').length).toBe(2);
    });
});

describe('headers of revision 2026-07-28', () => {
    const header = (name: string) => ({ a: { type: 'string', 'x-mcp-header': name } });
    const listed = [
        tool({ inputSchema: { type: 'object', properties: header('Region') } }),
        { name: 'bad', inputSchema: { type: 'object', properties: header('not a header') } }
    ];

    test('carry the method, the name and what the tool asks for; a tool that asks for nonsense is dropped', async () => {
        const peer = new Peer('modern', {
            'tools/list': () => ({ tools: listed, ttlMs: 0, cacheScope: 'private' }),
            'tools/call': () => ({ content: [] })
        });
        const { host, session } = await connected(onHttp(peer), CONFIGS.http);
        const list = host.call((client, call) => client.listTools(call, session, '{}'));
        expect((host.ok(list) as { tools: { name: string }[] }).tools.map(({ name }) => name)).toEqual(['t']);
        expect(host.outcome(host.callTool(session, 't', { a: 'eu' })).tag).toBe('ok');
        const exchange = host.exchanges.at(-1);
        expect(exchange?.header('mcp-method')).toBe('tools/call');
        expect(exchange?.header('mcp-name')).toBe('t');
        expect(exchange?.header('mcp-param-region')).toBe('eu');
    });

    test('are sent anew when the tool has changed', async () => {
        let name = 'Region';
        const peer = new Peer('modern', {
            'tools/list': () => ({
                tools: [tool({ inputSchema: { type: 'object', properties: header(name) } })],
                ttlMs: 0,
                cacheScope: 'private'
            }),
            'tools/call': () => ({ content: [] })
        });
        const usual = onHttp(peer);
        const { host, session } = await connected(
            {
                http: exchange => {
                    const { id, method } = JSON.parse(exchange.request.body ?? '{}') as Message;
                    const wrong = method === 'tools/call' && exchange.header('mcp-param-zone') === undefined;
                    if (!wrong) return usual.http?.(exchange);
                    exchange.head(400, { 'content-type': 'application/json' });
                    exchange.body(
                        JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32020, message: 'Header mismatch' } })
                    );
                    exchange.end();
                }
            },
            CONFIGS.http
        );
        host.call((client, call) => client.listTools(call, session, '{}'));
        name = 'Zone';
        expect(host.ok(host.callTool(session, 't', { a: 'eu' }))).toMatchObject({ content: [] });
        expect(host.exchanges.at(-1)?.header('mcp-param-zone')).toBe('eu');
    });
});

describe('subscriptions/listen', () => {
    test('tells what is granted, hears, and is over when the server ends it', async () => {
        const peer = new Peer('modern', { 'subscriptions/listen': () => undefined });
        const { host, session } = await connected(onPipe(peer));
        const listen = host.call((client, call) =>
            client.listen(call, session, '{"notifications":{"toolsListChanged":true,"promptsListChanged":true}}')
        );
        const id = peer.requests('subscriptions/listen')[0]?.id;
        const _meta = { 'io.modelcontextprotocol/subscriptionId': id };
        const tell = (method: string, params: object = {}) =>
            host.pipes[0]?.write(JSON.stringify({ jsonrpc: '2.0', method, params: { _meta, ...params } }));
        tell('notifications/subscriptions/acknowledged', { notifications: { toolsListChanged: true } });
        expect(host.listening).toEqual([{ call: listen, notifications: { toolsListChanged: true } }]);
        tell('notifications/tools/list_changed');
        expect(host.notifications.at(-1)?.method).toBe('notifications/tools/list_changed');
        expect(host.outcomes.has(listen)).toBe(false);
        host.pipes[0]?.write(JSON.stringify({ jsonrpc: '2.0', id, result: { resultType: 'complete', _meta } }));
        expect(host.text(listen)).toBe('{}');
    });

    test('is ended by cancel, and the server told', async () => {
        const peer = new Peer('modern', { 'subscriptions/listen': () => undefined });
        const { host, session } = await connected(onPipe(peer));
        const listen = host.call((client, call) =>
            client.listen(call, session, '{"notifications":{"toolsListChanged":true}}')
        );
        const id = peer.requests('subscriptions/listen')[0]?.id;
        host.cancel(listen);
        expect(host.err(listen).failure.tag).toBe('cancelled');
        expect(peer.received.at(-1)).toMatchObject({ method: 'notifications/cancelled', params: { requestId: id } });
    });

    test('that is refused is an error', async () => {
        const peer = new Peer('modern', { 'subscriptions/listen': () => new RpcError(-32_000, 'full') });
        const { host, session } = await connected(onPipe(peer));
        const listen = host.call((client, call) => client.listen(call, session, '{"notifications":{}}'));
        expect(host.err(listen).failure).toMatchObject({ tag: 'rpc', val: { code: -32_000, message: 'full' } });
    });
});

test('the level of logging messages is a request, or in each request', async () => {
    const legacy = new Peer('legacy', { 'logging/setLevel': () => ({}) });
    const old = await connected(onPipe(legacy));
    const set = old.host.call((client, call) => client.setLoggingLevel(call, old.session, '{"level":"debug"}'));
    // The peer declares no logging: the server is asked all the same, and answers.
    expect(old.host.text(set)).toBe('{}');

    const modern = new Peer('modern', { 'tools/call': () => ({ content: [] }) });
    const { host, session } = await connected(onPipe(modern));
    expect(host.text(host.call((client, call) => client.setLoggingLevel(call, session, '{"level":"debug"}')))).toBe(
        '{}'
    );
    host.callTool(session, 'x');
    expect(modern.requests('tools/call')[0]?.params?.['_meta']).toMatchObject({
        'io.modelcontextprotocol/logLevel': 'debug'
    });
});

describe('what a server of the newest revision leaves out', () => {
    test.each([
        ['the type of a result', 'tools/call', '{"content":[]}'],
        ['the time to live of a list', 'tools/list', '{"tools":[],"resultType":"complete"}'],
        ['a time to live that is none', 'tools/list', '{"tools":[],"resultType":"complete","ttlMs":-1}']
    ])('%s is assumed', async (_, method, text) => {
        const { host, session } = await connected(onPipe(new Peer('modern', { [method]: () => text })));
        const call = host.call((client, call) => client.request(call, session, method, '{"name":"t"}'));
        expect(host.text(call)).toBe(text);
    });

    test('is not made up for a type that nobody knows', async () => {
        const { host, session } = await connected(
            onPipe(new Peer('modern', { 'tools/call': () => '{"content":[],"resultType":"x"}' }))
        );
        expect(host.err(host.callTool(session, 't')).failure.tag).toBe('protocol');
    });
});
