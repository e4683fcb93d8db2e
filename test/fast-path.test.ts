// What goes past the SDK arrives as if the SDK had sent it, and in the caller's own words.
import { describe, expect, test } from 'vitest';

import type { FakeHost } from './host/host.js';
import type { Handler, Message } from './host/peer.js';
import { Peer } from './host/peer.js';
import { onHttp, onPipe, reply } from './host/servers.js';
import { CONFIGS, connected } from './host/sessions.js';

type Era = 'legacy' | 'modern';

const CALLED = {
    'tools/call': () => ({ content: [] }),
    'resources/read': () => ({ contents: [], ttlMs: 0, cacheScope: 'private' }),
    'logging/setLevel': () => ({})
};
const ENVELOPE = 'io.modelcontextprotocol/protocolVersion';
const LEVEL = 'io.modelcontextprotocol/logLevel';

/** What was written last. */
function written(host: FakeHost): string {
    return host.pipes[0]?.written.at(-1) ?? host.exchanges.at(-1)?.request.body ?? '';
}

function meta(text: string): Record<string, unknown> | undefined {
    return (JSON.parse(text) as { params: { _meta?: Record<string, unknown> } }).params._meta;
}

describe.each([
    ['legacy', 'stdio'],
    ['modern', 'stdio'],
    ['legacy', 'http'],
    ['modern', 'http']
] as [Era, 'stdio' | 'http'][])('a call of a tool, %s, over %s', (era, transport) => {
    const world = () => (transport === 'stdio' ? onPipe : onHttp)(new Peer(era, CALLED));
    const call = (host: FakeHost, session: number, params: string) =>
        host.ok(host.call((client, call) => client.callTool(call, session, params)));

    test.skipIf(WITHOUT.fastPath)('keeps the order of members, and numbers', async () => {
        const { host, session } = await connected(world(), CONFIGS[transport]);
        const args = '"arguments":{"10":1.0,"9":{"b":9007199254740993,"a":-0},"x":1e400}';
        call(host, session, `{"name":"t",${args}}`);
        const text = written(host);
        expect(text).toContain(`"params":{"name":"t",${args}${era === 'modern' ? ',"_meta":' : '}'}`);
        expect(meta(text)?.[ENVELOPE]).toBe(era === 'modern' ? '2026-07-28' : undefined);
    });

    test.each([
        ['line breaks', '{\n"name":\r\n"t","arguments":{"n":9007199254740993}}'],
        ['a space before them', ' {"name":"t","arguments":{"n":9007199254740993}}'],
        ['a space after them', '{"name":"t","arguments":{"n":9007199254740993}}\t']
    ])('is one message on one line, when its params have %s', async (_name, params) => {
        const { host, session } = await connected(world(), CONFIGS[transport]);
        call(host, session, params);
        const text = written(host);
        expect(text).not.toMatch(/[\r\n]/);
        expect(text).toContain('"params":{"name":"t","arguments":{"n":9007199254740993}');
        expect(JSON.parse(text)).toMatchObject({ method: 'tools/call', jsonrpc: '2.0' });
        host.ok(host.call((client, call) => client.readResource(call, session, '{\n"uri":"u:r"}')));
        expect(JSON.parse(written(host))).toMatchObject({ method: 'resources/read', params: { uri: 'u:r' } });
    });

    test('keeps numbers beside a progress token', async () => {
        const { host, session } = await connected(world(), CONFIGS[transport]);
        call(host, session, '{"name":"t","arguments":{"n":9007199254740993},"_meta":{"progressToken":7}}');
        const text = written(host);
        expect(text).toContain('"n":9007199254740993');
        expect(meta(text)).toMatchObject({ progressToken: 7, ...(era === 'modern' && { [ENVELOPE]: '2026-07-28' }) });
    });

    test('says how much it wants to be logged, where the revision has that in each request', async () => {
        const { host, session } = await connected(world(), CONFIGS[transport]);
        host.ok(host.call((client, call) => client.setLoggingLevel(call, session, '{"level":"error"}')));
        call(host, session, '{"name":"t","arguments":{"n":9007199254740993}}');
        const text = written(host);
        expect(text).toContain('"n":9007199254740993');
        expect(meta(text)?.[LEVEL]).toBe(era === 'modern' ? 'error' : undefined);
    });
});

test('more requests than the host keeps are each sent as what they are', async () => {
    const { host } = await connected(onHttp(new Peer('modern', CALLED)), CONFIGS.http);
    const sessions = Array.from({ length: 5 }, () => host.connect(CONFIGS.http).session);
    const names = Array.from({ length: 250 }, (_, n) => `tool-${n}`);
    const seen = host.exchanges.length;
    for (const session of [...sessions, ...sessions]) for (const name of names) host.ok(host.callTool(session, name));
    const calls = host.exchanges.slice(seen);
    expect(calls.length).toBe(2 * sessions.length * names.length);
    for (const exchange of calls) {
        const { params } = JSON.parse(exchange.request.body ?? '') as { params: { name: string } };
        expect(exchange.header('mcp-name')).toBe(params.name);
    }
});

const REVISIONS = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28'];

/** A tool of the kind that servers have; its schemas say what only texts keep, and a name that objects have. */
const TOOL =
    '{"name":"t","description":"d","inputSchema":{"type":"object","properties":{"constructor":{"type":"object","properties":{"10":{"default":1.0},"9":{"enum":[null,true,{"a":[9007199254740993]}]}}},"a":{"$ref":"#/$defs/a"}},"required":["a"],"$defs":{"a":{"anyOf":[{"type":"string"},{"type":"null"}]}}},"outputSchema":{"type":"object","properties":{"a":{"type":"number"}}},"annotations":{"readOnlyHint":true}}';

describe.each(
    REVISIONS.flatMap(revision => (['stdio', 'JSON', 'events'] as const).map(way => [revision, way] as const))
)('in revision %s, over %s', (revision, way) => {
    const era = revision === '2026-07-28' ? 'modern' : 'legacy';
    const open = (handlers: Record<string, Handler>) => {
        const peer = new Peer(era, handlers);
        const config = { ...CONFIGS[way === 'stdio' ? 'stdio' : 'http'], protocolVersions: [revision] };
        const world =
            way === 'stdio'
                ? onPipe(peer)
                : onHttp(peer, { events: way === 'events', ...(era === 'legacy' && { sessionId: 's' }) });
        return connected(world, config);
    };
    const request = (host: FakeHost, session: number, method: string, params: string) =>
        host.text(host.call((client, call) => client.request(call, session, method, params)));

    test.skipIf(WITHOUT.fastPath).each([
        ['tools/list', `{"tools":[${TOOL},${TOOL.replace('"t"', '"u"')}],"nextCursor":"n"}`],
        [
            'tools/call',
            '{"content":[{"type":"text","text":"x"}],"structuredContent":{"10":1.0,"9":[null]},"isError":false}'
        ],
        ['resources/list', '{"resources":[{"uri":"a:b","name":"r","size":1.0}]}'],
        ['prompts/get', '{"messages":[{"role":"user","content":{"type":"text","text":"x"}}]}']
    ])('%s goes out and comes back as it was written', async (method, result) => {
        const { host, session } = await open({ [method]: () => result });
        const params = '{"name":"t","10":1.0,"9":2';
        expect(request(host, session, method, `${params}}`)).toBe(result);
        expect(written(host)).toContain(`"params":${params}`);
        expect(host.logs.filter(({ level }) => level !== 'debug')).toEqual([]);
    });

    test('a result that the revision does not have is refused', async () => {
        const { host, session } = await open({ 'tools/list': () => '{"tools":7}' });
        const { failure } = host.err(host.call((client, call) => client.listTools(call, session, '{}')));
        expect(failure.tag).toBe('protocol');
    });

    test('an entry of a list that cannot be used is left out, with a warning', async () => {
        const { host, session } = await open({ 'tools/list': () => `{"tools":[{"name":7},${TOOL}]}` });
        const listed = host.text(host.call((client, call) => client.listTools(call, session, '{}')));
        // Members that are numbers come first in what was read and written again.
        expect(listed).toBe(
            `{"tools":[${JSON.stringify(JSON.parse(TOOL)).replace('"default":1}', '"default":1.0}').replace('9007199254740992', '9007199254740993')}]}`
        );
        const warnings = host.logs.filter(({ level }) => level === 'warn').map(({ message }) => message);
        expect(warnings).toEqual([
            expect.stringMatching(/^tools\/list: the tool number 1 cannot be used and is left out \(inputSchema: /)
        ]);
    });
});

/** What goes past the SDK keeps the order of members; the SDK puts numbers first. */
const ORDERED = '{"name":"plain","arguments":{"b":1,"10":2}}';

test.skipIf(WITHOUT.fastPath)(
    'what the SDK has listed by itself is known: other tools are called on the fast path',
    async () => {
        const mirroring = { type: 'object', properties: { a: { type: 'string', 'x-mcp-header': 'A' } } };
        const tools = [
            { name: 'mirroring', inputSchema: mirroring },
            { name: 'plain', inputSchema: { type: 'object' } }
        ];
        const peer = new Peer('modern', {
            'tools/list': () => ({ tools, ttlMs: 0, cacheScope: 'private' }),
            'tools/call': () => ({ content: [] })
        });
        const usual = onHttp(peer);
        const { host, session } = await connected(
            {
                http: exchange => {
                    const message = JSON.parse(exchange.request.body ?? 'null') as Message;
                    const wanted = message.method === 'tools/call' && message.params?.['name'] === 'mirroring';
                    if (!wanted || exchange.header('mcp-param-a') === 'x') return usual.http?.(exchange);
                    const error = { code: -32_020, message: 'Header mismatch' };
                    reply(exchange, 400, JSON.stringify({ jsonrpc: '2.0', id: message.id, error }), 'application/json');
                }
            },
            CONFIGS.http
        );
        for (let i = 0; i < 2; i++) {
            host.ok(host.callTool(session, 'mirroring', { a: 'x' }));
            host.ok(host.call((client, call) => client.callTool(call, session, ORDERED)));
            expect(written(host)).toContain(ORDERED.slice(0, -1));
        }
        expect(peer.requests('tools/list').length).toBe(1);
    }
);

test.skipIf(WITHOUT.fastPath)('a tool that is in no list is looked for once, until the list changes', async () => {
    const capabilities = { tools: { listChanged: true }, tasks: { requests: { tools: { call: {} } } } };
    const peer = new Peer('legacy', {
        initialize: () => ({ protocolVersion: '2025-11-25', capabilities, serverInfo: { name: 'p', version: '1' } }),
        'tools/list': () => ({ tools: [{ name: 'listed', inputSchema: { type: 'object' } }] }),
        'tools/call': () => ({ content: [] })
    });
    const { host, session } = await connected(onPipe(peer));
    const call = () => host.ok(host.call((client, call) => client.callTool(call, session, ORDERED)));
    call();
    call();
    expect(written(host)).toContain(ORDERED.slice(0, -1));
    expect(peer.requests('tools/list').length).toBe(1);
    host.pipes[0]?.write('{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}');
    call();
    expect(peer.requests('tools/list').length).toBe(2);
});

test('a header is found in a schema also when its name is escaped', async () => {
    const schema = '{"type":"object","properties":{"a":{"type":"string","x\\u002Dmcp-header":"A"}}}';
    const peer = new Peer('modern', {
        'tools/list': () => `{"tools":[{"name":"t","description":"\\u003c","inputSchema":${schema}}]}`,
        'tools/call': () => ({ content: [] })
    });
    const { host, session } = await connected(onHttp(peer), CONFIGS.http);
    host.ok(host.call((client, call) => client.listTools(call, session, '{}')));
    host.ok(host.callTool(session, 't', { a: 'x' }));
    expect(host.exchanges.at(-1)?.header('mcp-param-a')).toBe('x');
});
