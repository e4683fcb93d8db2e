// What goes over the wire: for each revision and transport one session that does a bit of
// everything, and what the specification says of every message in it.
import { beforeAll, describe, expect, test } from 'vitest';

import type { ExchangeEnd, World } from './host/host.js';
import { FakeHost } from './host/host.js';
import type { Message } from './host/peer.js';
import { MODERN, Peer } from './host/peer.js';
import { event, onHttp, onPipe, onSse } from './host/servers.js';
import { CONFIGS } from './host/sessions.js';

const SESSION_ID = 'f3c1-secret';
const META = 'io.modelcontextprotocol/';
const CAPABILITIES = { roots: { listChanged: true } };

const pairs = [
    ['2024-11-05', 'stdio'],
    ['2024-11-05', 'sse'],
    ['2025-03-26', 'http'],
    ['2025-06-18', 'stdio'],
    ['2025-06-18', 'http'],
    ['2025-11-25', 'stdio'],
    ['2025-11-25', 'http'],
    [MODERN, 'stdio'],
    [MODERN, 'http']
] as const;

/** What the client sent in a session, with the exchange of each message where there is one. */
interface Sent {
    readonly text: string;
    readonly message: Message;
    readonly exchange: ExchangeEnd | undefined;
}

function world(peer: Peer, transport: (typeof pairs)[number][1]): World {
    if (transport === 'stdio') return onPipe(peer);
    return transport === 'sse' ? onSse(peer) : onHttp(peer, { sessionId: SESSION_ID, stream: true });
}

async function play(revision: string, transport: (typeof pairs)[number][1]) {
    const era = revision === MODERN ? 'modern' : 'legacy';
    const peer = new Peer(era, {
        'tools/list': () => ({ tools: [], ttlMs: 0, cacheScope: 'private' }),
        'prompts/get': () => ({ messages: [] }),
        'resources/read': () => ({ contents: [], ttlMs: 0, cacheScope: 'private' }),
        'tools/call': ({ params }) => (params?.['name'] === 'slow' ? undefined : { content: [] })
    });
    const host = await FakeHost.start(world(peer, transport));
    const capabilities = JSON.stringify(CAPABILITIES);
    const { session, result } = host.connect({
        ...CONFIGS[transport],
        capabilities,
        protocolVersions: [revision]
    });
    const slow = host.callTool(session, 'slow');
    host.callTool(session, 'quick', { text: 'two\nlines, \u{1f980}' });
    host.cancel(slow);
    host.call((client, call) => client.listTools(call, session, '{"_meta":{"progressToken":7}}'));
    host.call((client, call) => client.getPrompt(call, session, '{"name":"p"}'));
    host.call((client, call) => client.readResource(call, session, '{"uri":"file:///a"}'));
    const tell = (message: object) => {
        const text = JSON.stringify({ jsonrpc: '2.0', ...message });
        if (transport === 'stdio') return host.pipes[0]?.write(text);
        host.exchanges.find(({ request }) => request.method === 'GET')?.body(event(text));
    };
    tell({ id: 'p1', method: 'ping' });
    tell({ id: 17, method: 'roots/list' });
    host.answer({ roots: [{ uri: 'file:///a' }] });
    tell({ id: 18, method: 'roots/list' });
    const refused = { code: -5, message: 'no' };
    const ask = host.asks.at(-1)?.id ?? 0;
    host.deliver({ tag: 'answer', val: { ask, outcome: { tag: 'err', val: refused } } });
    tell({ id: 's1', method: 'sampling/createMessage', params: {} });
    tell({ method: 'notifications/tools/list_changed' });
    tell({ method: 'notifications/nobody/knows' });
    if (era === 'legacy') host.call((client, call) => client.notify(call, session, ROOTS_CHANGED, '{}'));
    host.call((client, call) => client.close(call, session));

    const sent: Sent[] = [
        ...host.pipes.flatMap(pipe => pipe.written.map(text => ({ text, exchange: undefined }))),
        ...host.exchanges
            .filter(({ request }) => request.body !== undefined)
            .map(exchange => ({ text: exchange.request.body ?? '', exchange }))
    ].map(({ text, exchange }) => ({ text, exchange, message: JSON.parse(text) as Message }));
    return { era, host, result, sent };
}

const ROOTS_CHANGED = 'notifications/roots/list_changed';

const ignore = (): void => {};

/** A test of what some revisions have, or some transports. */
const when = (applies: boolean): ((name: string, run: () => void) => void) => (applies ? test : ignore);

describe.each(pairs)('%s over %s', (revision, transport) => {
    const modern = revision === MODERN;
    let played: Awaited<ReturnType<typeof play>>;
    let requests: Sent[];
    let notifications: Sent[];
    let answers: Sent[];
    const posts = () => played.sent.map(({ exchange }) => exchange as ExchangeEnd);

    beforeAll(async () => {
        played = await play(revision, transport);
        requests = played.sent.filter(({ message }) => message.method !== undefined && 'id' in message);
        notifications = played.sent.filter(({ message }) => message.method !== undefined && !('id' in message));
        answers = played.sent.filter(({ message }) => message.method === undefined);
    });

    // requirement: messages.json-rpc, lifecycle.base, stdio.messages-only, http.body, lifecycle.initialize-alone
    test('every message is one of JSON-RPC', () => {
        for (const { text, message } of played.sent) {
            expect(message.jsonrpc, text).toBe('2.0');
            expect(text).not.toMatch(/[\r\n]/);
            const kinds = ['method', 'result', 'error'].filter(member => member in message);
            expect(kinds.length, text).toBe(1);
        }
    });

    // requirement: messages.request-id, messages.request-id-unique, messages.notification-no-id
    test('requests have ids of their own, and notifications none', () => {
        expect(requests.length).toBeGreaterThan(5);
        const ids = requests.map(({ message }) => message.id);
        for (const id of ids) expect(typeof id === 'string' || Number.isInteger(id)).toBe(true);
        expect(new Set(ids).size).toBe(ids.length);
        for (const { message } of requests) expect(message.method).not.toMatch(/^notifications\//);
        for (const { message } of notifications) expect(message.method).toMatch(/^notifications\//);
    });

    // requirement: messages.response-id, messages.response-one, messages.error-code, ping.answer
    // requirement: messages.notification-no-answer, lifecycle.negotiated-answers, roots.list-changed
    when(!modern)('what the server asks is answered, once and as declared; what it tells is not', () => {
        expect(answers.map(({ message }) => message)).toEqual([
            { jsonrpc: '2.0', id: 'p1', result: {} },
            { jsonrpc: '2.0', id: 17, result: { roots: [{ uri: 'file:///a' }] } },
            { jsonrpc: '2.0', id: 18, error: { code: -5, message: 'no' } },
            { jsonrpc: '2.0', id: 's1', error: { code: -32_601, message: expect.any(String) as string } }
        ]);
        expect(notifications.map(({ message }) => message.method)).toContain(ROOTS_CHANGED);
    });

    // requirement: stdio.no-responses, http.no-responses, messages.reserved-codes, messages.retired-codes
    when(modern)('nothing is answered', () => {
        expect(answers).toEqual([]);
        expect(played.host.asks).toEqual([]);
    });

    // requirement: lifecycle.initialize-first, lifecycle.initialize, lifecycle.initialized, lifecycle.version
    // requirement: lifecycle.negotiated-version
    when(!modern)('it begins with the handshake', () => {
        const [initialize, initialized] = played.sent;
        expect(initialize?.message).toMatchObject({
            method: 'initialize',
            params: {
                protocolVersion: revision,
                capabilities: CAPABILITIES,
                clientInfo: { name: 'test', version: '1.0.0' }
            }
        });
        expect(initialized?.message).toMatchObject({ method: 'notifications/initialized' });
        expect(requests.filter(({ message }) => message.method === 'initialize').length).toBe(1);
        expect(played.result).toMatchObject({ protocolVersion: revision });
    });

    // requirement: meta.names
    test('the names in _meta have their form', () => {
        const name = /^([a-z]([a-z0-9-]*[a-z0-9])?(\.[a-z]([a-z0-9-]*[a-z0-9])?)*\/)?([a-z0-9]([\w.-]*[a-z0-9])?)?$/i;
        const metas = played.sent.map(({ message }) => message.params?.['_meta'] ?? {});
        const names = metas.flatMap(meta => Object.keys(meta));
        expect(names).toContain('progressToken');
        for (const one of names) expect(one).toMatch(name);
    });

    // requirement: meta.request, transports.directions
    when(modern)('each request says its revision and what the client can do', () => {
        for (const { message } of requests)
            expect(message.params?.['_meta']).toMatchObject({
                [`${META}protocolVersion`]: MODERN,
                [`${META}clientCapabilities`]: { roots: {} }
            });
        // Over HTTP there is no stream of the session's that could bring one.
        const heard = played.host.notifications.map(({ method }) => method);
        expect(heard.includes('notifications/tools/list_changed')).toBe(transport === 'stdio');
    });

    // requirement: cancellation.known, stdio.cancel
    test('only what was sent, and is no handshake, is cancelled', () => {
        const cancelled = notifications.filter(({ message }) => message.method === 'notifications/cancelled');
        const slow = requests.find(({ message }) => message.params?.['name'] === 'slow');
        const ids = cancelled.map(({ message }) => message.params?.['requestId']);
        expect(ids).toEqual(modern && transport === 'http' ? [] : [slow?.message.id]);
    });

    // requirement: sse.endpoint
    when(transport === 'sse')('everything is posted where the server said', () => {
        expect(
            new Set(posts().map(({ request }) => new URL(request.url).pathname + new URL(request.url).search))
        ).toEqual(new Set(['/message?session=1']));
    });

    (transport === 'http' ? describe : ignore)('as HTTP', () => {
        // requirement: http.post, http.accept
        test('each message is a POST to the endpoint, which takes JSON and events', () => {
            for (const exchange of posts()) {
                expect(exchange.request).toMatchObject({ method: 'POST', url: CONFIGS.http.endpoint.val });
                expect(exchange.header('content-type')).toBe('application/json');
                expect(exchange.header('accept')).toContain('application/json');
                expect(exchange.header('accept')).toContain('text/event-stream');
            }
        });

        // requirement: http.get-accept, http.session-id, http.session-id-safe
        when(!modern)('everything after the handshake is of the session, whose id stays between the two', () => {
            const [first, ...rest] = played.host.exchanges;
            expect(first?.header('mcp-session-id')).toBeUndefined();
            for (const exchange of rest) expect(exchange.header('mcp-session-id')).toBe(SESSION_ID);
            const get = rest.find(({ request }) => request.method === 'GET');
            expect(get?.header('accept')).toContain('text/event-stream');
            expect(JSON.stringify([played.host.logs, played.host.notifications])).not.toContain(SESSION_ID);
        });

        // requirement: http.version-header, lifecycle.version-header
        when(revision >= '2025-06-18')('everything after the handshake has the revision', () => {
            const later = modern ? played.host.exchanges : played.host.exchanges.slice(1);
            expect(later.length).toBeGreaterThan(5);
            for (const exchange of later) expect(exchange.header('mcp-protocol-version')).toBe(revision);
        });

        // requirement: http.standard-headers
        when(modern)('the method and the name are in headers', () => {
            const named = { 'tools/call': 'name', 'prompts/get': 'name', 'resources/read': 'uri' } as Record<
                string,
                string
            >;
            for (const { message, exchange } of requests) {
                expect(exchange?.header('mcp-method')).toBe(message.method);
                const field = named[message.method as string];
                expect(exchange?.header('mcp-name')).toBe(field && message.params?.[field]);
            }
        });
    });
});

// requirement: cancellation.not-initialize
test.each(['stdio', 'sse'] as const)('a handshake that is given up is not cancelled (%s)', async transport => {
    const peer = new Peer('legacy', { initialize: () => undefined });
    const host = await FakeHost.start(world(peer, transport));
    const { call } = host.begin({ ...CONFIGS[transport], protocolVersions: ['2024-11-05'] });
    expect(peer.requests('initialize').length).toBe(1);
    host.cancel(call);
    expect(host.err(call).failure.tag).toBe('cancelled');
    expect(peer.requests('notifications/cancelled')).toEqual([]);
});

// requirement: stdio.fallback
test.each([-32_601, -32_602, -32_600, -32_000, -32_603, 0, 1])(
    'error %i to the probe leads to the handshake',
    async code => {
        const text = JSON.stringify({ code, message: 'no' });
        const peer = new Peer('legacy');
        const usual = onPipe(peer);
        const host = await FakeHost.start({
            pipe: end => ({
                line: line => {
                    const { id, method } = JSON.parse(line) as Message;
                    if (method === 'server/discover')
                        return end.write(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},"error":${text}}`);
                    usual.pipe?.(end).line?.(line);
                }
            })
        });
        expect(host.connect(CONFIGS.stdio).result).toMatchObject({ protocolVersion: '2025-11-25' });
    }
);
