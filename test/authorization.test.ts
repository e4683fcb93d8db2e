import { describe, expect, test } from 'vitest';

import { Authority } from './host/authority.js';
import type { ExchangeEnd } from './host/host.js';
import { FakeHost } from './host/host.js';
import type { Message } from './host/peer.js';
import { Peer } from './host/peer.js';
import { reply } from './host/servers.js';
import { CONFIGS, connected, expectQuiet } from './host/sessions.js';

const CONFIG = { ...CONFIGS.http, authorizes: true };

const handlers = {
    'tools/call': ({ params }: Message) => ({ content: [{ type: 'text', text: String(params?.['name']) }] })
};

/** A session that is logged in with these scopes. */
async function authorized(scope = 'read', config = {}) {
    const peer = new Peer('legacy', handlers);
    const authority = new Authority(peer);
    authority.held = scope;
    const { host, session } = await connected(authority.world, { ...CONFIG, ...config });
    expect(host.turns).toEqual([]);
    const count = (turn: string) => host.turns.filter(one => one === turn).length;
    return { peer, authority, host, session, count };
}

/** The token endpoint gives a token that the server takes. */
function mend(authority: Authority) {
    return () => {
        authority.takes = true;
        return false;
    };
}

describe('a server that wants authorization', () => {
    test('has the core find out, ask a person and get a token, and the request goes out again', async () => {
        const peer = new Peer('legacy', handlers);
        const authority = new Authority(peer);
        const { host, session } = await connected(authority.world, CONFIG);
        expect(host.ok(host.callTool(session, 'any'))).toMatchObject({ content: [{ text: 'any' }] });
        expect(host.turns).toEqual([
            'begin 401',
            'GET /.well-known/oauth-protected-resource/mcp',
            'GET /.well-known/oauth-authorization-server',
            'ask',
            'POST /token',
            'end'
        ]);
        expect(authority.asked[0]?.searchParams.get('code_challenge_method')).toBe('S256');
        expect(authority.forms[0]?.get('code')).toBe('secret:code');
        expect(authority.forms[0]?.get('code_verifier')).toMatch(/^[\w.~-]{43,}$/);
        host.call((client, call) => client.close(call, session));
        expectQuiet(host);
    });

    test('is authorized with once for all requests that it refuses together', async () => {
        const { authority, host, session, peer, count } = await authorized();
        authority.takes = false;
        authority.token = mend(authority);
        const calls: number[] = [];
        host.batch(() => {
            for (let i = 0; i < 20; i++) calls.push(host.callTool(session, `tool-${i}`));
        });
        calls.forEach((call, i) => expect(host.ok(call)).toMatchObject({ content: [{ text: `tool-${i}` }] }));
        expect(count('begin 401')).toBe(1);
        expect(count('end')).toBe(1);
        expect(peer.requests('tools/call').length).toBe(20);
        expect(authority.forms.map(form => form.get('grant_type'))).toEqual(['refresh_token']);
        expect(authority.asked).toEqual([]);
    });

    test('is asked again without more when another session has a token by now', async () => {
        const { authority, host, session } = await authorized();
        authority.takes = false;
        authority.begin = () => {
            authority.takes = true;
            return { granted: true };
        };
        expect(host.ok(host.callTool(session, 'any'))).toMatchObject({ content: [{ text: 'any' }] });
        expect(host.turns).toEqual(['begin 401', 'end']);
    });

    test('and takes no token, is refreshed for, logged in at, and then given up', async () => {
        const { authority, host, session } = await authorized();
        authority.takes = false;
        expect(host.err(host.callTool(session, 'any'))).toMatchObject({
            failure: { tag: 'http', val: { status: 401 } }
        });
        expect(authority.forms.map(form => form.get('grant_type'))).toEqual(['refresh_token', 'authorization_code']);
        expect(authority.asked.length).toBe(1);
        expect(host.turns.filter(turn => turn.startsWith('begin')).length).toBe(2);
        expect(host.turns.at(-1)).toBe('end');
        authority.takes = true;
        host.ok(host.callTool(session, 'any'));
    });

    test.each([
        ['a token of another kind', { kind: 'unauthorized', message: 'no store' }, 'unauthorized'],
        ['a host that is cut off', { kind: 'connect', message: 'no route' }, 'connect']
    ])('fails the calls with what the host says: %s', async (_, error, tag) => {
        const { authority, host, session } = await authorized();
        authority.takes = false;
        authority.begin = () => error;
        expect(host.err(host.callTool(session, 'any'))).toMatchObject({ failure: { tag } });
        // The next call begins anew.
        authority.begin = undefined;
        authority.token = mend(authority);
        host.ok(host.callTool(session, 'any'));
    });

    test('is not authorized with where that is not configured', async () => {
        const host = await FakeHost.start(new Authority(new Peer('legacy', handlers)).world);
        const { call } = host.begin(CONFIGS.http);
        expect(host.err(call)).toMatchObject({ failure: { tag: 'http', val: { status: 401 } } });
        expect(host.turns).toEqual([]);
    });

    test('and a person who refuses, fail the call with the reason', async () => {
        const { authority, host, session } = await authorized();
        authority.takes = authority.refreshes = false;
        authority.ask = () => ({ error: 'access_denied', error_description: 'not now' });
        const { failure } = host.err(host.callTool(session, 'any'));
        expect(failure).toMatchObject({
            tag: 'unauthorized',
            val: expect.stringMatching(/access_denied.*not now/) as string
        });
    });

    test('has no person log in for what no operation waits for', async () => {
        const { authority, host, session } = await authorized('read', {
            capabilities: '{"roots":{"listChanged":true}}'
        });
        authority.takes = authority.refreshes = false;
        host.call((client, call) => client.notify(call, session, 'notifications/roots/list_changed', '{}'));
        expect(host.turns).toContain('begin 401');
        expect(authority.asked).toEqual([]);
        // An operation is worth one.
        authority.token = mend(authority);
        host.ok(host.callTool(session, 'any'));
        expect(authority.asked.length).toBe(1);
    });

    test('leaves a call that is given up while a person logs in alone', async () => {
        const { authority, host, session, peer } = await authorized();
        authority.takes = authority.refreshes = false;
        authority.ask = () => undefined;
        const [given, kept] = [host.callTool(session, 'given-up'), host.callTool(session, 'kept')];
        host.cancel(given);
        authority.token = mend(authority);
        host.authorized({ code: 'secret:code' });
        expect(host.ok(kept)).toMatchObject({ content: [{ text: 'kept' }] });
        expect(peer.requests('tools/call').map(({ params }) => params?.['name'])).toEqual(['kept']);
    });
});

describe('a step up', () => {
    test('asks a person for what there is and what is wanted, together', async () => {
        const { authority, host, session } = await authorized('read list');
        authority.demands.set('write', 'write list');
        expect(host.ok(host.callTool(session, 'write'))).toMatchObject({ content: [{ text: 'write' }] });
        const scope = authority.asked[0]?.searchParams.get('scope')?.split(' ').sort();
        expect(scope).toEqual(['list', 'read', 'write']);
        expect(authority.forms.map(form => form.get('grant_type'))).toEqual(['authorization_code']);
        expect(host.turns[0]).toBe('begin 403');
    });

    test('is tried so often, and then the call fails', async () => {
        const { authority, host, session } = await authorized();
        // Whatever it gets, it wants another one.
        let n = 0;
        authority.demands.set('greedy', 'more-0');
        authority.token = () => {
            authority.demands.set('greedy', `more-${++n}`);
            return false;
        };
        const { failure } = host.err(host.callTool(session, 'greedy'));
        expect(failure).toEqual({ tag: 'unauthorized', val: 'Insufficient scope: required "more-2"' });
        expect(authority.asked.length).toBe(2);
    });

    test('asks for no more than the host says', async () => {
        const { authority, host, session } = await authorized();
        authority.demands.set('write', 'write');
        authority.begin = () => ({ kind: 'unauthorized', message: 'the scope write is not to be asked for' });
        expect(host.err(host.callTool(session, 'write'))).toMatchObject({ failure: { tag: 'unauthorized' } });
        expect(authority.asked).toEqual([]);
    });

    test('is none where a server forbids for another reason', async () => {
        const { authority, host, session } = await authorized();
        const { http } = authority.world;
        const other = await FakeHost.start({ http: end => (toolOf(end) ? reply(end, 403, 'no') : http?.(end)) });
        const { session: third } = other.connect(CONFIG);
        expect(other.err(other.callTool(third, 'any'))).toMatchObject({
            failure: { tag: 'http', val: { status: 403 } }
        });
        expect(other.turns).toEqual([]);
        host.ok(host.callTool(session, 'any'));
    });
});

describe('a token endpoint', () => {
    const fails = (kind: 'connect' | 'transport' | 'limit') => (end: ExchangeEnd) => {
        end.end({ kind, message: `the token endpoint: ${kind}` });
        return true;
    };

    test.each(['connect', 'transport', 'limit'] as const)(
        'that cannot be asked (%s) fails the call, whatever is asked for, and no person is asked',
        async kind => {
            const { authority, host, session, count } = await authorized();
            authority.takes = false;
            authority.token = fails(kind);
            const failure = { tag: kind, val: `the token endpoint: ${kind}` };
            expect(host.err(host.callTool(session, 'any'))).toMatchObject({ failure });
            expect(authority.forms.length).toBe(1);
            expect(count('ask')).toBe(0);
            expect(count('end')).toBe(1);
            // A code goes out once, too.
            authority.refreshes = false;
            expect(host.err(host.callTool(session, 'any'))).toMatchObject({ failure });
            expect(authority.forms.map(form => form.get('grant_type'))).toEqual([
                'refresh_token',
                'authorization_code'
            ]);
        }
    );

    test('that cannot answer is left alone for a while by what no operation waits for', async () => {
        const { authority, host, session } = await authorized('read', {
            capabilities: '{"roots":{"listChanged":true}}'
        });
        const notify = () =>
            host.call((client, call) => client.notify(call, session, 'notifications/roots/list_changed', '{}'));
        authority.takes = false;
        authority.token = fails('transport');
        host.err(host.callTool(session, 'any'));
        notify();
        expect(authority.forms.length).toBe(1);
        host.advance(10_000);
        notify();
        expect(authority.forms.length).toBe(2);
        // An operation does not wait for that.
        authority.token = mend(authority);
        host.ok(host.callTool(session, 'any'));
    });

    test('is asked whether a code was entered until the code ends, and then once more', async () => {
        const { authority, host, session } = await authorized();
        authority.takes = authority.refreshes = false;
        authority.device = { device_code: 'secret:device_code', interval: 20, expires_in: 50 };
        const began = host.clock.now;
        const asked: number[] = [];
        authority.token = end => {
            asked.push(host.clock.now - began);
            const ended = asked.length > 3;
            if (ended) end.end({ kind: 'unauthorized', message: 'nobody has entered the code' });
            else reply(end, 400, '{"error":"authorization_pending"}', 'application/json');
            return true;
        };
        const call = host.callTool(session, 'any');
        host.advance(60_000);
        expect(host.err(call)).toMatchObject({ failure: { tag: 'unauthorized', val: 'nobody has entered the code' } });
        expect(asked).toEqual([0, 20_000, 40_000, 50_000]);
        expect(host.turns).not.toContain('ask');
    });
});

describe('a session that ends', () => {
    test('takes leave without a token, and begins no authorization', async () => {
        const peer = new Peer('legacy', handlers);
        const authority = new Authority(peer, { sessionId: 's' });
        authority.held = 'read';
        const { host, session } = await connected(authority.world, CONFIG);
        authority.held = undefined;
        authority.knows = false;
        const sent = host.exchanges.length;
        host.call((client, closing) => client.close(closing, session));
        expect(host.exchanges.slice(sent).map(({ request }) => request.method)).toEqual(['DELETE']);
        expect(host.turns).toEqual([]);
        expectQuiet(host);
    });

    test('and what nobody waits for, register no client', async () => {
        const { authority, host, session } = await authorized('read', {
            capabilities: '{"roots":{"listChanged":true}}'
        });
        authority.held = undefined;
        authority.knows = false;
        host.call((client, call) => client.notify(call, session, 'notifications/roots/list_changed', '{}'));
        expect(host.turns).toContain('begin 401');
        expect(host.turns).not.toContain('POST /register');
    });
});

describe('connecting', () => {
    test('waits for a person longer than its time, and then for the rest of it', async () => {
        const peer = new Peer('legacy', { initialize: () => undefined });
        const authority = new Authority(peer);
        authority.ask = () => undefined;
        const host = await FakeHost.start(authority.world);
        const { call } = host.begin({ ...CONFIG, connectTimeout: 10_000, protocolVersions: ['2025-11-25'] });
        host.advance(4000 + 3_600_000);
        expect(host.outcomes.get(call)).toBeUndefined();
        host.authorized({ code: 'secret:code' });
        host.advance(9000);
        expect(host.outcomes.get(call)).toBeUndefined();
        host.advance(1000);
        expect(host.err(call)).toMatchObject({ failure: { tag: 'timeout' } });
    });

    test('does not ask in the older way meanwhile', async () => {
        const authority = new Authority(new Peer('legacy', handlers));
        authority.ask = () => undefined;
        const host = await FakeHost.start(authority.world);
        const { call } = host.begin(CONFIG);
        const sent = host.exchanges.length;
        host.advance(600_000);
        expect(host.exchanges.length).toBe(sent);
        host.authorized({ code: 'secret:code' });
        expect(host.ok(call)).toMatchObject({ protocolVersion: '2025-11-25' });
        expect(host.turns.filter(turn => turn === 'ask').length).toBe(1);
    });

    test('ends when the session is closed while a person logs in', async () => {
        const authority = new Authority(new Peer('legacy', handlers));
        authority.ask = () => undefined;
        const host = await FakeHost.start(authority.world);
        const { session, call } = host.begin(CONFIG);
        host.call((client, closing) => client.close(closing, session));
        expect(host.err(call)).toMatchObject({ failure: { tag: 'closed' } });
        expect(host.open.exchanges).toBe(0);
    });
});

function toolOf(end: ExchangeEnd): boolean {
    return (JSON.parse(end.request.body ?? '{}') as Message).method === 'tools/call';
}
