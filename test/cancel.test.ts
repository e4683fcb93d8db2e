import { describe, expect, test } from 'vitest';

import type { ExchangeEnd, World } from './host/host.js';
import { FakeHost } from './host/host.js';
import type { Message } from './host/peer.js';
import { Peer } from './host/peer.js';
import { event, onHttp, onPipe, onSse } from './host/servers.js';
import { CONFIGS, connected } from './host/sessions.js';

const DONE = { content: [{ type: 'text', text: 'done' }] };

/** Answers everything but the tool `slow`. */
function patient(era: 'legacy' | 'modern'): Peer {
    return new Peer(era, { 'tools/call': ({ params }) => (params?.['name'] === 'slow' ? undefined : DONE) });
}

const ways = [
    ['legacy', 'stdio', (peer: Peer) => onPipe(peer)],
    ['modern', 'stdio', (peer: Peer) => onPipe(peer)],
    ['legacy', 'http', (peer: Peer) => onHttp(peer)],
    ['modern', 'http', (peer: Peer) => onHttp(peer)],
    ['legacy', 'sse', (peer: Peer) => onSse(peer)]
] as const;

describe.each(ways)('on a %s session over %s', (era, transport, serve) => {
    const start = (peer: Peer) => connected(serve(peer), CONFIGS[transport]);

    test('a cancelled call settles at once, the server is told, and the session goes on', async () => {
        const peer = patient(era);
        const { host, session } = await start(peer);
        const slow = host.callTool(session, 'slow');
        const id = peer.requests('tools/call')[0]?.id;
        const exchange = host.exchanges.at(-1) as ExchangeEnd;
        expect(host.outcomes.has(slow)).toBe(false);

        host.cancel(slow, 'no longer needed');
        expect(host.err(slow)).toEqual({
            step: 'tools/call',
            failure: { tag: 'cancelled', val: 'no longer needed' }
        });
        const told = peer.requests('notifications/cancelled').map(({ params }) => params);
        if (era === 'modern' && transport === 'http') {
            // There the end of the stream says it.
            expect(told).toEqual([]);
            expect(exchange.aborted).toBe(true);
        } else {
            expect(told).toMatchObject([{ requestId: id, reason: 'no longer needed' }]);
        }
        expect(host.open.exchanges).toBe(transport === 'sse' ? 1 : 0);
        expect(host.open.timers).toBe(0);

        host.cancel(slow, 'again');
        expect(host.ok(host.callTool(session, 'fast'))).toMatchObject(DONE);
        expect(host.outcomes.get(slow)?.length).toBe(1);
    });

    test('one of many calls is cancelled, and the others are not', async () => {
        const peer = patient(era);
        const { host, session } = await start(peer);
        const slow = Array.from({ length: 5 }, () => host.callTool(session, 'slow'));
        host.cancel(slow[2] as number);
        expect(host.err(slow[2] as number).failure.tag).toBe('cancelled');
        for (const call of [0, 1, 3, 4]) expect(host.outcomes.has(slow[call] as number)).toBe(false);
    });

    test('a call id is free again once it is cancelled', async () => {
        const { host, session } = await start(patient(era));
        const slow = host.callTool(session, 'slow');
        host.cancel(slow);
        host.call((client, call) => client.callTool(call, session, '{"name":"fast"}'), slow);
        expect(host.outcomes.get(slow)?.map(({ tag }) => tag)).toEqual(['err', 'ok']);
    });
});

// requirement: cancellation.races
test.each(['legacy', 'modern'] as const)('an answer that comes too late is ignored (%s, stdio)', async era => {
    const peer = patient(era);
    const { host, session } = await connected(onPipe(peer));
    const slow = host.callTool(session, 'slow');
    host.cancel(slow);
    const id = peer.requests('tools/call')[0]?.id;
    host.pipes[0]?.write(`{"jsonrpc":"2.0","id":${id},"result":{"resultType":"complete","content":[]}}`);
    expect(host.outcomes.get(slow)?.length).toBe(1);
    // It is ordinary; what comes after it is not.
    const levels = () => host.logs.map(({ level }) => level);
    expect(levels()).toEqual(['debug']);
    host.pipes[0]?.write(`{"jsonrpc":"2.0","id":${id},"result":{"resultType":"complete","content":[]}}`);
    expect(levels()).toEqual(['debug', 'warn']);
    expect(host.logs.at(-1)?.message).toBe('the server sent a second answer to a request; ignored');
    expect(host.ok(host.callTool(session, 'fast'))).toMatchObject(DONE);
});

test('a call that is answered and cancelled in one moment settles once', async () => {
    const peer = patient('legacy');
    const { host, session } = await connected(onPipe(peer));
    const slow = host.callTool(session, 'slow');
    host.pipes[0]?.write(`{"jsonrpc":"2.0","id":${peer.received.at(-1)?.id},"result":{"content":[]}}`);
    host.cancel(slow);
    expect(host.outcome(slow).tag).toBe('ok');
    expect(peer.requests('notifications/cancelled')).toEqual([]);
});

test('a call is cancelled while its answer streams in', async () => {
    const peer = patient('modern');
    const usual = onHttp(peer);
    let stream: ExchangeEnd | undefined;
    const world: World = {
        http: exchange => {
            if ((JSON.parse(exchange.request.body ?? '{}') as Message).method !== 'tools/call')
                return usual.http?.(exchange);
            stream = exchange;
            exchange.head(200, { 'content-type': 'text/event-stream' });
            exchange.body(
                event('{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}')
            );
        }
    };
    const { host, session } = await connected(world, CONFIGS.http);
    const slow = host.callTool(session, 'slow');
    host.cancel(slow);
    expect(host.err(slow).failure.tag).toBe('cancelled');
    expect(stream?.aborted).toBe(true);
    expect(host.open).toEqual({ exchanges: 0, pipes: 0, timers: 0 });
});

test('no time is set to a call: it waits as long as its host does', async () => {
    const peer = patient('legacy');
    const { host, session } = await connected(onPipe(peer));
    const slow = host.callTool(session, 'slow');
    expect(host.open.timers).toBe(0);
    host.advance(30 * 24 * 3600 * 1000);
    expect(host.outcomes.has(slow)).toBe(false);
    host.pipes[0]?.write(`{"jsonrpc":"2.0","id":${peer.received.at(-1)?.id},"result":{"content":[]}}`);
    expect(host.outcome(slow).tag).toBe('ok');
});

test('connect sets one timer, and takes it back', async () => {
    const host = await FakeHost.start(onHttp(patient('modern')));
    host.connect(CONFIGS.http);
    expect(host.open.timers).toBe(0);
});
