import { describe, expect, test } from 'vitest';

import type { Handler } from './host/peer.js';
import { Peer } from './host/peer.js';
import { onHttp, onPipe, onSse } from './host/servers.js';
import { CONFIGS, connected } from './host/sessions.js';

const EMPTY_SCHEMA = { type: 'object' };
const ECHO = { name: 'echo', inputSchema: EMPTY_SCHEMA };

/** What a server answers to a request, and what becomes of it where it is read by its type. */
interface Case {
    method: string;
    /** The server's own result. */
    sent: object;
    /** What of it is told, where that is not all. */
    read?: object;
    /** What is said of what is left out. */
    warnings?: string[];
}

const CASES: Record<string, Case> = {
    'a cursor null': { method: 'tools/list', sent: { tools: [ECHO], nextCursor: null }, read: { tools: [ECHO] } },
    'members of a tool null': {
        method: 'tools/list',
        sent: {
            tools: [
                {
                    ...ECHO,
                    description: null,
                    annotations: null,
                    title: null,
                    icons: null,
                    _meta: null,
                    outputSchema: null
                }
            ]
        },
        read: { tools: [ECHO] }
    },
    'members of annotations null': {
        method: 'tools/list',
        sent: { tools: [{ ...ECHO, annotations: { readOnlyHint: null, title: null } }] },
        read: { tools: [{ ...ECHO, annotations: {} }] }
    },
    'an empty list for an empty object': {
        method: 'tools/list',
        sent: { tools: [{ ...ECHO, annotations: [] }] },
        read: { tools: [{ ...ECHO, annotations: {} }] }
    },
    'a tool without a schema': {
        method: 'tools/list',
        sent: {
            tools: [
                { name: 'bad' },
                ECHO,
                { name: 'worse', inputSchema: null },
                { inputSchema: EMPTY_SCHEMA },
                null,
                'x'
            ]
        },
        read: { tools: [ECHO] },
        warnings: ['tool "bad"', 'tool "worse"', 'tool number 4', 'tool number 5', 'tool number 6']
    },
    'a tool with a schema of another type': {
        method: 'tools/list',
        sent: { tools: [ECHO, { name: 'bad', inputSchema: { type: 'string' } }] },
        read: { tools: [ECHO] },
        warnings: ['tool "bad"']
    },
    'a description that is no text': {
        method: 'tools/list',
        sent: { tools: [{ ...ECHO, description: 5, icons: [{ href: 'x' }] }] },
        read: { tools: [ECHO] }
    },
    'an output schema that is no object': {
        method: 'tools/list',
        sent: { tools: [{ ...ECHO, outputSchema: 'x' }] },
        read: { tools: [ECHO] },
        warnings: ['tool "echo" is taken without its outputSchema']
    },
    'a resource without an address': {
        method: 'resources/list',
        sent: { resources: [{ name: 'a' }, { uri: 'x:b', name: 'b', mimeType: null, size: null }] },
        read: { resources: [{ uri: 'x:b', name: 'b' }] },
        warnings: ['resource "a"']
    },
    'a template without an address': {
        method: 'resources/templates/list',
        sent: { resourceTemplates: [{ name: 'a' }, { uriTemplate: 'x:{b}', name: 'b', description: null }] },
        read: { resourceTemplates: [{ uriTemplate: 'x:{b}', name: 'b' }] },
        warnings: ['resource template "a"']
    },
    'a prompt without a name': {
        method: 'prompts/list',
        sent: {
            prompts: [
                { description: 'a' },
                { name: 'b', arguments: null },
                { name: 'c', arguments: [{ name: 'd', required: null }] }
            ]
        },
        read: { prompts: [{ name: 'b' }, { name: 'c', arguments: [{ name: 'd' }] }] },
        warnings: ['prompt number 1']
    },
    'content null': {
        method: 'tools/call',
        sent: { content: [], isError: null, structuredContent: { a: null } },
        read: { content: [], structuredContent: { a: null } }
    },
    'members of content null': {
        method: 'tools/call',
        sent: {
            content: [
                { type: 'text', text: 'x', annotations: null, _meta: null },
                { type: 'image', data: '', mimeType: 'a/b', annotations: { audience: null, priority: null } }
            ]
        },
        read: {
            content: [
                { type: 'text', text: 'x' },
                { type: 'image', data: '', mimeType: 'a/b', annotations: {} }
            ]
        }
    },
    'content of a type that nobody knows': {
        method: 'tools/call',
        sent: {
            content: [
                { type: 'widget', id: 1 },
                { type: 'text', text: 'x' }
            ]
        },
        read: { content: [{ type: 'text', text: 'x' }] },
        warnings: ['content block number 1']
    },
    'contents with nothing in them': {
        method: 'resources/read',
        sent: { contents: [{ uri: 'x:a' }, { uri: 'x:b', text: 'b', mimeType: null }] },
        read: { contents: [{ uri: 'x:b', text: 'b' }] },
        warnings: ['content "x:a"']
    },
    'members of a prompt null': {
        method: 'prompts/get',
        sent: {
            description: null,
            messages: [{ role: 'user', content: { type: 'text', text: 'x', annotations: null } }]
        },
        read: { messages: [{ role: 'user', content: { type: 'text', text: 'x' } }] }
    },
    'members of a completion null': {
        method: 'completion/complete',
        sent: { completion: { values: ['a'], total: null, hasMore: null } },
        read: { completion: { values: ['a'] } }
    },
    'members of a completion that are of no type': {
        method: 'completion/complete',
        sent: { completion: { values: ['a'], total: 1.5, hasMore: 'no' } },
        read: { completion: { values: ['a'] } }
    }
};

const PARAMS: Record<string, object> = {
    'tools/call': { name: 'echo', arguments: {} },
    'resources/read': { uri: 'x:a' },
    'prompts/get': { name: 'b' },
    'completion/complete': { ref: { type: 'ref/prompt', name: 'b' }, argument: { name: 'a', value: '' } }
};

const EXPORTS = {
    'tools/list': 'listTools',
    'tools/call': 'callTool',
    'resources/list': 'listResources',
    'resources/templates/list': 'listResourceTemplates',
    'resources/read': 'readResource',
    'prompts/list': 'listPrompts',
    'prompts/get': 'getPrompt',
    'completion/complete': 'complete'
} as const;

const WORLDS = { stdio: onPipe, http: onHttp, sse: onSse };

describe.each([
    ['legacy', 'stdio'],
    ['legacy', 'http'],
    ['legacy', 'sse'],
    ['modern', 'stdio'],
    ['modern', 'http']
] as const)('a result of a %s server over %s', (era, carrier) => {
    test.each(Object.entries(CASES))('with %s', async (_, { method, sent, read = sent, warnings = [] }) => {
        const params = JSON.stringify(PARAMS[method] ?? {});
        const { host, session } = await connected(
            WORLDS[carrier](new Peer(era, { [method]: () => sent })),
            CONFIGS[carrier]
        );
        const own = era === 'modern' ? { resultType: 'complete', ...sent } : sent;
        const kept = era === 'modern' ? { resultType: 'complete', ...read } : read;
        const typed = host.call((client, call) =>
            client[EXPORTS[method as keyof typeof EXPORTS]](call, session, params)
        );
        expect(host.ok(typed)).toEqual(kept);
        const told = host.logs.filter(({ level, message }) => level === 'warn' && message.startsWith(method));
        expect(told.map(({ message }) => message)).toEqual(
            warnings.map(text => expect.stringContaining(text) as string)
        );
        const raw = host.call((client, call) => client.request(call, session, method, params));
        expect(host.text(raw)).toBe(JSON.stringify(own));
    });
});

test.each(['legacy', 'modern'] as const)('a result of a %s server may have no content', async era => {
    for (const content of [undefined, null]) {
        const sent = { content, structuredContent: { a: 1 } };
        const { host, session } = await connected(onPipe(new Peer(era, { 'tools/call': () => sent })));
        expect(host.ok(host.callTool(session, 'echo'))).toMatchObject({ structuredContent: { a: 1 } });
    }
});

test('numbers of a result that is mended are what they were', async () => {
    const sent =
        '{"content":[{"type":"text","text":"x","annotations":null}],"structuredContent":{"n":90071992547409931,"d":1.0}}';
    const { host, session } = await connected(onPipe(new Peer('legacy', { 'tools/call': () => sent })));
    expect(host.text(host.callTool(session, 'echo'))).toBe(
        '{"content":[{"type":"text","text":"x"}],"structuredContent":{"n":90071992547409931,"d":1.0}}'
    );
});

test.each<[string, object]>([
    ['no list of tools', { tools: null }],
    ['a cursor that is no text', { tools: [ECHO], nextCursor: 5 }],
    ['a list that is none', { tools: {} }]
])('%s is refused: somebody would be misled', async (_, sent) => {
    const { host, session } = await connected(onPipe(new Peer('legacy', { 'tools/list': () => sent })));
    const call = host.call((client, call) => client.listTools(call, session, '{}'));
    expect(host.err(call)).toMatchObject({ failure: { tag: 'protocol' } });
});

describe('the introduction of a server', () => {
    const own = {
        protocolVersion: '2025-06-18',
        capabilities: { tools: {} },
        serverInfo: { name: 'odd', version: '1' }
    };
    test.each<[string, object, object]>([
        ['instructions null', { instructions: null }, {}],
        ['no version of its own', { serverInfo: { name: 'odd' } }, { serverInfo: { name: 'odd' } }],
        [
            'a version null',
            { serverInfo: { name: 'odd', version: null, title: null, icons: null } },
            { serverInfo: { name: 'odd' } }
        ],
        ['no name', { serverInfo: undefined }, {}],
        ['no name but null', { serverInfo: null }, {}],
        [
            'capabilities null',
            { capabilities: { tools: null, logging: null, experimental: null } },
            { capabilities: {} }
        ],
        ['capabilities a list', { capabilities: [] }, { capabilities: {} }],
        ['a capability a list', { capabilities: { tools: [] } }, { capabilities: { tools: {} } }],
        ['no capabilities', { capabilities: undefined }, { capabilities: {} }],
        ['_meta null', { _meta: null }, {}],
        ['a member more', { time: 5 }, {}],
        ['a text for its name', { serverInfo: 'x' }, { serverInfo: { name: '' } }],
        [
            'a number for its name',
            { serverInfo: { name: 5, version: '1' } },
            { serverInfo: { name: '', version: '1' } }
        ],
        ['a text for its capabilities', { capabilities: 'all' }, { capabilities: {} }],
        [
            'a capability that is no object',
            { capabilities: { tools: true, prompts: { listChanged: true } } },
            { capabilities: { prompts: { listChanged: true } } }
        ],
        [
            'an odd member of a capability',
            { capabilities: { tools: { listChanged: 'yes' } } },
            { capabilities: { tools: {} } }
        ]
    ])('may have %s', async (name, said, expected) => {
        const odd = /^(a text|a number|a capability that|an odd member)/.test(name);
        const initialize: Handler = () => ({ ...own, ...said });
        for (const carrier of ['stdio', 'http', 'sse'] as const) {
            const world = WORLDS[carrier](new Peer('legacy', { initialize, 'tools/list': () => ({ tools: [] }) }));
            const { host } = await connected(world, CONFIGS[carrier]);
            // What cannot be used is told, what is missing is not.
            const told = host.logs.filter(({ message }) => message.includes('is taken as missing'));
            expect(told.map(({ level }) => level)).toEqual(odd ? ['warn'] : []);
            const { result } = host.connect(CONFIGS[carrier]);
            expect(result).toMatchObject(expected);
            expect(JSON.stringify(result)).not.toContain('null');
        }
    });
});
