import { describe, expect, test } from 'vitest';

import type { ExchangeEnd } from './host/host.js';
import { FakeHost } from './host/host.js';
import type { Message } from './host/peer.js';
import { Peer } from './host/peer.js';
import { event, onHttp, reply } from './host/servers.js';

const HTTP = { endpoint: { tag: 'http', val: 'http://server.test/mcp' } } as const;
const ASKED = { capabilities: '{"elicitation":{}}' };
const EVENTS = { 'content-type': 'text/event-stream' };

/** When a server takes the request for the stream of its own messages, and how it answers it. */
interface Stream {
    late?: number;
    answer?: (exchange: ExchangeEnd) => void;
    /** Whether it sends the head with the first event only. */
    holds?: boolean;
    /** How it answers `initialized`. */
    initialized?: number;
    /** How late it answers `initialize`. */
    initialize?: number;
}

/** A server that asks on that stream while a tool runs, as long as it has one: otherwise nobody hears it. */
async function asking({ late = 0, answer, holds = false, initialized, initialize = 0 }: Stream) {
    let stream: ExchangeEnd | undefined;
    let call: ExchangeEnd | undefined;
    const lost: string[] = [];
    const ask = () => {
        const question = { jsonrpc: '2.0', id: 'q', method: 'elicitation/create', params: { message: 'name?' } };
        if (!stream) return lost.push('question');
        if (holds) stream.head(200, EVENTS);
        stream.body(event(JSON.stringify(question)));
        return 0;
    };
    const peer = new Peer('legacy', { 'tools/call': () => (ask(), undefined) });
    const whole = onHttp(peer, { sessionId: 'abc' });
    const host: FakeHost = await FakeHost.start({
        ask: () => host.answer({ action: 'accept', content: {} }),
        http: exchange => {
            const { method, body } = exchange.request;
            const message = JSON.parse(body ?? '{}') as Message;
            const take = () => {
                if (exchange.aborted) return;
                stream = exchange;
                if (!holds) exchange.head(200, EVENTS);
            };
            if (method === 'GET') {
                if (answer) answer(exchange);
                else if (late > 0) host.clock.after(late, take);
                else take();
            } else if (message.id === 'q' && !message.method) {
                const result = { content: [{ type: 'text', text: 'asked' }] };
                reply(exchange, 202);
                call?.head(200, { 'content-type': 'application/json' });
                call?.body(JSON.stringify({ jsonrpc: '2.0', id: peer.requests('tools/call')[0]?.id, result }));
                call?.end();
            } else if (message.method === 'notifications/initialized' && initialized !== undefined) {
                exchange.head(initialized, {});
                exchange.end();
            } else if (message.method === 'initialize' && initialize > 0) {
                host.clock.after(initialize, () => whole.http?.(exchange));
            } else {
                if (message.method === 'tools/call') call = exchange;
                whole.http?.(exchange);
            }
        }
    });
    return { host, lost };
}

/** Connects, calls at once, and gives the milliseconds that connecting took. */
function callAtOnce(host: FakeHost, config: object = ASKED) {
    const { session, call } = host.begin({ ...HTTP, ...config });
    const begun = host.clock.now;
    while (!host.outcomes.has(call) && host.clock.now - begun < 10_000) host.advance(1);
    host.ok(call);
    const took = host.clock.now - begun;
    return { took, call: host.callTool(session, 'x'), session };
}

describe('what a server asks at once on the stream of its own', () => {
    test.each([
        ['at once', {}, 0],
        ['1 ms late', { late: 1 }, 1],
        ['100 ms late', { late: 100 }, 100],
        ['240 ms late', { late: 240 }, 240],
        ['late as the whole server is', { initialize: 400, late: 1200 }, 1600],
        ['100 ms late, after another success than 202', { late: 100, initialized: 200 }, 100],
        ['100 ms late, after 204', { late: 100, initialized: 204 }, 100]
    ])('is heard when the server takes the stream %s', async (_name, stream, wait) => {
        const { host, lost } = await asking(stream);
        const { took, call } = callAtOnce(host);
        expect(took).toBe(wait);
        expect(host.ok(call)).toEqual({ content: [{ type: 'text', text: 'asked' }] });
        expect(lost).toEqual([]);
    });

    test.each([0, 100])(
        'is heard when the stream is taken %i ms late, and its head comes with the first event',
        async late => {
            const { host, lost } = await asking({ late, holds: true });
            const { took, call } = callAtOnce(host);
            expect(took).toBe(250);
            expect(host.ok(call)).toEqual({ content: [{ type: 'text', text: 'asked' }] });
            expect(lost).toEqual([]);
        }
    );
});

describe('the stream of a server that it may not ask on', () => {
    test.each([
        ['405', (exchange: ExchangeEnd) => reply(exchange, 405)],
        ['404', (exchange: ExchangeEnd) => reply(exchange, 404, 'no such page')],
        ['400', (exchange: ExchangeEnd) => reply(exchange, 400, 'what is that')],
        ['500', (exchange: ExchangeEnd) => reply(exchange, 500, 'oops')],
        ['501', (exchange: ExchangeEnd) => reply(exchange, 501)],
        ['no connection', (exchange: ExchangeEnd) => exchange.end({ kind: 'connect', message: 'refused' })],
        ['a dropped connection', (exchange: ExchangeEnd) => exchange.end({ kind: 'transport', message: 'reset' })]
    ])('is waited for until it is refused: %s', async (_name, answer) => {
        const { host } = await asking({ answer });
        expect(callAtOnce(host).took).toBe(0);
    });

    test('is not waited for when the client may be asked nothing', async () => {
        const { host } = await asking({ answer: () => {} });
        expect(callAtOnce(host, {}).took).toBe(0);
        expect(host.exchanges.filter(({ request }) => request.method === 'GET').length).toBe(1);
    });

    test.each([
        [0, 250],
        [50, 250],
        [100, 400],
        [400, 1600],
        [5000, 2000]
    ])('is waited for, after a handshake of %i ms, for %i ms at most', async (initialize, wait) => {
        const { host } = await asking({ answer: () => {}, initialize });
        expect(callAtOnce(host).took).toBe(initialize + wait);
    });

    test('is not waited for when the connecting is given up', async () => {
        const { host } = await asking({ answer: () => {} });
        const { call } = host.begin({ ...HTTP, ...ASKED });
        host.advance(10);
        host.cancel(call);
        expect(host.err(call).failure.tag).toBe('cancelled');
        expect(host.open).toEqual({ exchanges: 0, pipes: 0, timers: 0 });
    });
});
