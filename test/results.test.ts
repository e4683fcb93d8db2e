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

    // A name of the protocol's in _meta has the SDK send the call, and none on the fast path.
    test.each([{}, { _meta: { 'io.modelcontextprotocol/x': 1 } }])(
        'counts also when the list of tools changes before the answer: %j',
        async extra => {
            let change = () => {};
            const peer = new Peer('legacy', {
                'tools/list': () => ({ tools: [tool({ outputSchema })] }),
                'tools/call': () => {
                    change();
                    return { content: [], structuredContent: {} };
                }
            });
            const { host, session } = await connected(onPipe(peer));
            host.call((client, call) => client.listTools(call, session, '{}'));
            change = () => host.pipes[0]?.write('{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}');
            const params = JSON.stringify({ name: 't', ...extra });
            const call = host.call((client, call) => client.callTool(call, session, params));
            expect(host.notifications.at(-1)).toMatchObject({ method: 'notifications/tools/list_changed' });
            expect(host.err(call).failure.tag).toBe('output-schema');
        }
    );

    // requirement: schema.2020-12
    test.each([
        ['a place in an array', { prefixItems: [{ const: 1 }, { type: 'string' }] }, [2, 'x'], [1, 'x', 5]],
        ['what may depend', { dependentRequired: { a: ['b'] } }, { a: 1 }, { a: 1, b: 2 }],
        ['what is defined apart', { $ref: '#/$defs/one', $defs: { one: { minimum: 3 } } }, 2, 3]
    ])('that names no dialect is of 2020-12: %s', async (_name, n, wrong, right) => {
        const schema = {
            type: 'object',
            properties: { n: '$defs' in n ? { $ref: '#/$defs/one' } : n },
            ...('$defs' in n && { $defs: n.$defs })
        };
        const bad = await call({ structuredContent: { n: wrong } }, schema);
        expect(bad.host.err(bad.call).failure.tag).toBe('output-schema');
        const good = await call({ structuredContent: { n: right } }, schema);
        expect(good.host.outcome(good.call).tag).toBe('ok');
    });

    test("says nothing of a tool's failure", async () => {
        const { host, call: id } = await call({ isError: true });
        expect(host.ok(id)).toEqual({ content: [], isError: true });
    });

    // requirement: schema.dialect
    test('is of the dialect that it names: in draft-07 a list of items is a tuple', async () => {
        const items = { n: { type: 'array', items: [{ const: 1 }, { const: 'x' }] } };
        const schema = { $schema: 'http://json-schema.org/draft-07/schema#', type: 'object', properties: items };
        const bad = await call({ structuredContent: { n: [1, 'y'] } }, schema);
        expect(bad.host.err(bad.call).failure.tag).toBe('output-schema');
        const good = await call({ structuredContent: { n: [1, 'x'] } }, schema);
        expect(good.host.outcome(good.call).tag).toBe('ok');
    });

    // requirement: schema.ref, schema.dialect
    test.each([
        [
            'a $ref to elsewhere',
            'https://elsewhere.test/n.json',
            { type: 'object', properties: { n: { $ref: 'https://elsewhere.test/n.json' } } }
        ],
        ['a dialect that nobody knows', 'dialect', { $schema: 'https://elsewhere.test/other', type: 'object' }]
    ])('with %s is not used, which is said when it is listed, and nothing is fetched', async (_name, words, schema) => {
        const { host, call: id } = await call({ structuredContent: { n: 1 } }, schema);
        const warnings = host.logs.filter(({ level }) => level === 'warn').map(({ message }) => message);
        expect(warnings).toEqual([expect.stringContaining(words)]);
        expect(warnings[0]).toContain('the tool "t"');
        expect(host.ok(id)).toEqual({ content: [], structuredContent: { n: 1 } });
        expect(host.exchanges).toEqual([]);
    });

    test.each<[string, object]>([
        ['a $ref to nowhere', { $ref: '#/$defs/none' }],
        ['a pattern that is none', { properties: { n: { pattern: '(' } } }],
        ['a pattern for names that is none', { patternProperties: { '(': {} } }]
    ])('with %s checks nothing, and is spoken of once', async (_name, schema) => {
        const { host, call: id } = await call({ structuredContent: { n: 'x' } }, { type: 'object', ...schema });
        expect(host.ok(id)).toEqual({ content: [], structuredContent: { n: 'x' } });
        expect(host.logs.filter(({ message }) => message.includes('outputSchema')).length).toBe(1);
    });

    test('with data that looks like a schema is used', async () => {
        const schema = { type: 'object', properties: { n: { default: { $ref: 'x', pattern: '(' }, minimum: 3 } } };
        const { host, call: id } = await call({ structuredContent: { n: 1 } }, schema);
        expect(host.err(id).failure.tag).toBe('output-schema');
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

    // requirement: caching.key
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

    // requirement: caching.private
    test('is not given to another session', async () => {
        const peer = serve(60_000);
        const { host, session } = await connected(onPipe(peer));
        const other = host.connect(CONFIGS.stdio).session;
        for (const one of [session, other]) host.call((client, call) => client.listTools(call, one, '{}'));
        expect(peer.requests('tools/list').length).toBe(2);
    });

    // requirement: caching.rounds
    test('is not given again when it came after a round of questions, or was asked for with one', async () => {
        const asked = { resultType: 'input_required', inputRequests: { r: { method: 'roots/list' } } };
        const peer = new Peer('modern', {
            'resources/read': ({ params }) => (params?.['inputResponses'] ? result(60_000) : asked)
        });
        const capabilities = '{"roots":{}}';
        const { host, session } = await connected(onPipe(peer), { ...CONFIGS.stdio, capabilities });
        const read = (params: object) =>
            host.call((client, call) =>
                client.readResource(call, session, JSON.stringify({ uri: 'file:///a', ...params }))
            );
        for (let i = 0; i < 2; i++) {
            const call = read({});
            host.answer({ roots: [] });
            expect(host.outcome(call).tag).toBe('ok');
        }
        expect(peer.requests('resources/read').length).toBe(4);
        for (let i = 0; i < 2; i++) read({ inputResponses: { r: { roots: [] } } });
        expect(peer.requests('resources/read').length).toBe(6);
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

    // requirement: http.param-headers, http.param-absent, http.value-encoding, http.sentinel, http.name-encoding
    test('carry values of every kind, and none for what is not there', async () => {
        const base64 = (text: string) => `=?base64?${Buffer.from(text).toString('base64')}?=`;
        const values: [string, unknown, string | undefined][] = [
            ['string', 'us west 1', 'us west 1'],
            ['string', '', base64('')],
            ['integer', -42, '-42'],
            ['boolean', false, 'false'],
            ['string', 'Hello, 世界', base64('Hello, 世界')],
            ['string', ' padded ', base64(' padded ')],
            ['string', 'a\r\nx: y', base64('a\r\nx: y')],
            ['string', '=?base64?literal?=', base64('=?base64?literal?=')],
            ['string', null, undefined],
            ['string', undefined, undefined]
        ];
        const properties = Object.fromEntries(
            values.map(([type], i) => [`p${i}`, { type, 'x-mcp-header': `P${i}` }])
        ) as Record<string, object>;
        const nested = { type: 'object', properties: { in: { type: 'string', 'x-mcp-header': 'Nested' } } };
        const name = 'naïve';
        const peer = new Peer('modern', {
            'tools/list': () => ({
                tools: [{ name, inputSchema: { type: 'object', properties: { ...properties, nested } } }]
            }),
            'tools/call': () => ({ content: [] })
        });
        const { host, session } = await connected(onHttp(peer), CONFIGS.http);
        host.call((client, call) => client.listTools(call, session, '{}'));
        const args = Object.fromEntries(values.map(([, value], i) => [`p${i}`, value]));
        host.callTool(session, name, { ...args, nested: { in: 'deep' }, other: 'x' });
        const exchange = host.exchanges.at(-1);
        expect(exchange?.header('mcp-name')).toBe(base64(name));
        expect(exchange?.header('mcp-param-nested')).toBe('deep');
        values.forEach(([, , header], i) => expect(exchange?.header(`mcp-param-p${i}`), `p${i}`).toBe(header));
        expect(exchange?.header('mcp-param-other')).toBeUndefined();
    });

    // requirement: http.param-rules, tools.header-rules
    test.each([
        ['an empty name', { a: { type: 'string', 'x-mcp-header': '' } }],
        ['a line break', { a: { type: 'string', 'x-mcp-header': 'A\r\nB' } }],
        ['two of one name', { a: { type: 'string', 'x-mcp-header': 'A' }, b: { type: 'string', 'x-mcp-header': 'a' } }],
        ['a number', { a: { type: 'number', 'x-mcp-header': 'A' } }],
        ['an object', { a: { type: 'object', 'x-mcp-header': 'A' } }],
        ['what is in an array', { a: { type: 'array', items: { type: 'string', 'x-mcp-header': 'A' } } }],
        ['what may be', { a: { anyOf: [{ type: 'string', 'x-mcp-header': 'A' }] } }]
    ])('drop a tool with %s', async (_name, properties) => {
        const peer = new Peer('modern', {
            'tools/list': () => ({ tools: [tool({}), { name: 'bad', inputSchema: { type: 'object', properties } }] })
        });
        const { host, session } = await connected(onHttp(peer), CONFIGS.http);
        const list = host.call((client, call) => client.listTools(call, session, '{}'));
        expect((host.ok(list) as { tools: { name: string }[] }).tools.map(({ name }) => name)).toEqual(['t']);
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

    // requirement: stdio.subscription-id, subscriptions.id
    test('is told apart from others by its id', async () => {
        const peer = new Peer('modern', { 'subscriptions/listen': () => undefined });
        const { host, session } = await connected(onPipe(peer));
        const begin = () =>
            host.call((client, call) => client.listen(call, session, '{"notifications":{"toolsListChanged":true}}'));
        const [first, second] = [begin(), begin()];
        const ids = peer.requests('subscriptions/listen').map(({ id }) => id);
        const write = (message: object) => host.pipes[0]?.write(JSON.stringify({ jsonrpc: '2.0', ...message }));
        const granted = { toolsListChanged: true };
        const meta = (id: unknown) => ({ 'io.modelcontextprotocol/subscriptionId': id });
        const acknowledge = (id: unknown) =>
            write({
                method: 'notifications/subscriptions/acknowledged',
                params: { _meta: meta(id), notifications: granted }
            });
        acknowledge(ids[1]);
        expect(host.listening).toEqual([{ call: second, notifications: granted }]);
        acknowledge(ids[0]);
        expect(host.listening[1]).toEqual({ call: first, notifications: granted });
        write({ id: ids[0], result: { resultType: 'complete', _meta: meta(ids[0]) } });
        expect(host.text(first)).toBe('{}');
        expect(host.outcomes.has(second)).toBe(false);
    });

    // requirement: subscriptions.again
    test('is asked for again when the command is started again', async () => {
        const peer = new Peer('modern', { 'subscriptions/listen': () => undefined });
        const { host, session } = await connected(onPipe(peer), { ...CONFIGS.stdio, restarts: 1 });
        const listen = host.call((client, call) =>
            client.listen(call, session, '{"notifications":{"toolsListChanged":true}}')
        );
        const acknowledge = () => {
            const subscriptionId = peer.requests('subscriptions/listen').at(-1)?.id;
            const _meta = { 'io.modelcontextprotocol/subscriptionId': subscriptionId };
            const params = { _meta, notifications: { toolsListChanged: true } };
            const method = 'notifications/subscriptions/acknowledged';
            host.pipes.at(-1)?.write(JSON.stringify({ jsonrpc: '2.0', method, params }));
        };
        acknowledge();
        host.pipes[0]?.exit();
        host.advance(10_000);
        expect(peer.requests('subscriptions/listen').length).toBe(2);
        acknowledge();
        expect(host.listening.length).toBe(2);
        expect(host.outcomes.has(listen)).toBe(false);
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
    // requirement: messages.result-type-absent
    test.each([
        ['the type of a result', 'tools/call', '{"content":[]}'],
        ['the time to live of a list', 'tools/list', '{"tools":[],"resultType":"complete"}'],
        ['a time to live that is none', 'tools/list', '{"tools":[],"resultType":"complete","ttlMs":-1}']
    ])('%s is assumed', async (_, method, text) => {
        const { host, session } = await connected(onPipe(new Peer('modern', { [method]: () => text })));
        const call = host.call((client, call) => client.request(call, session, method, '{"name":"t"}'));
        expect(host.text(call)).toBe(text);
    });

    // requirement: messages.result-type-unknown
    test('is not made up for a type that nobody knows', async () => {
        const { host, session } = await connected(
            onPipe(new Peer('modern', { 'tools/call': () => '{"content":[],"resultType":"x"}' }))
        );
        expect(host.err(host.callTool(session, 't')).failure.tag).toBe('protocol');
    });
});

// requirement: meta.reserved
test('what a server says under names that are reserved is handed on, and means nothing', async () => {
    const text = '{"content":[],"_meta":{"io.modelcontextprotocol/later":{"x":[1]},"mcp.dev/stop":true}}';
    const { host, session } = await connected(onPipe(new Peer('legacy', { 'tools/call': () => text })));
    expect(host.text(host.callTool(session, 't'))).toBe(text);
});

// requirement: messages.legacy-codes
test.each([-32_000, -32_001, -32_019])('error %i is an error like any other', async code => {
    const peer = new Peer('modern', { 'tools/call': () => new RpcError(code, 'no', { why: 1 }) });
    const { host, session } = await connected(onPipe(peer));
    const rpc = { code, message: 'no', data: '{"why":1}' };
    expect(host.err(host.callTool(session, 't')).failure).toEqual({ tag: 'rpc', val: rpc });
    expect(peer.requests('tools/call').length).toBe(1);
});

// requirement: prompts.validate
test('what goes into a prompt and comes out of it is validated', async () => {
    const peer = new Peer('legacy', { 'prompts/get': () => ({ messages: [{ role: 'nobody', content: 7 }] }) });
    const { host, session } = await connected(onPipe(peer));
    const get = (params: string) => host.call((client, call) => client.getPrompt(call, session, params));
    expect(host.err(get('{"name":"p"}')).failure.tag).toBe('protocol');
    expect(host.err(get('[]')).failure.tag).toBe('invalid-argument');
    expect(peer.requests('prompts/get').length).toBe(1);
});
