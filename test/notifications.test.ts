import { expect, test } from 'vitest';

import type { ExchangeEnd } from './host/host.js';
import type { Message } from './host/peer.js';
import { Peer } from './host/peer.js';
import { event, onHttp, onPipe, onSse } from './host/servers.js';
import { CONFIGS, connected } from './host/sessions.js';

const progress = (n: number) =>
    `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"t","progress":${n},"x":{"${n}":null}}}`;
const answer = (id: unknown) => `{"jsonrpc":"2.0","id":${String(id)},"result":{"resultType":"complete","content":[]}}`;

test.each(['legacy', 'modern'] as const)(
    'over a pipe (%s) they come in order, and before what was answered later',
    async era => {
        const peer = new Peer(era, { 'tools/call': () => undefined });
        const { host, session } = await connected(onPipe(peer));
        const [first, second] = [host.callTool(session, 'a'), host.callTool(session, 'b')];
        const [a, b] = peer.requests('tools/call').map(({ id }) => id);
        const before = host.history.length;
        host.batch(() => {
            for (const text of [progress(1), answer(a), progress(2), progress(3), answer(b)])
                host.pipes[0]?.write(text);
        });
        expect(
            host.notifications.map(({ params }) => (JSON.parse(params ?? '') as { progress: number }).progress)
        ).toEqual([1, 2, 3]);
        const history = host.history.slice(before);
        expect(history.indexOf(`settle ${first}`)).toBeGreaterThan(history.indexOf('notify notifications/progress'));
        expect(history.indexOf(`settle ${second}`)).toBeGreaterThan(
            history.lastIndexOf('notify notifications/progress')
        );
    }
);

test.each(['legacy', 'modern'] as const)('over HTTP (%s) they come in order on the stream of a call', async era => {
    const peer = new Peer(era);
    const usual = onHttp(peer);
    const { host, session } = await connected(
        {
            http: exchange => {
                const { id, method } = JSON.parse(exchange.request.body ?? '{}') as Message;
                if (method !== 'tools/call') return usual.http?.(exchange);
                exchange.head(200, { 'content-type': 'text/event-stream' });
                for (const n of [1, 2, 3]) exchange.body(event(progress(n)));
                exchange.body(event(answer(id)));
                exchange.end();
            }
        },
        CONFIGS.http
    );
    const call = host.callTool(session, 'x');
    expect(host.outcome(call).tag).toBe('ok');
    expect(host.notifications.map(({ params }) => (JSON.parse(params ?? '') as { progress: number }).progress)).toEqual(
        [1, 2, 3]
    );
    expect(host.history.at(-1)).toBe(`settle ${call}`);
    expect(host.logs).toEqual([]);
});

test('they come on the stream of the session, which is opened again when it breaks (2025-11-25)', async () => {
    const streams: ExchangeEnd[] = [];
    const usual = onHttp(new Peer('legacy'), { sessionId: 'abc' });
    const { host, session } = await connected(
        {
            http: exchange => {
                if (exchange.request.method !== 'GET') return usual.http?.(exchange);
                streams.push(exchange);
                exchange.head(200, { 'content-type': 'text/event-stream' });
            }
        },
        CONFIGS.http
    );
    expect(streams.length).toBe(1);
    expect(streams[0]?.header('mcp-session-id')).toBe('abc');
    streams[0]?.body(event('{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}', '5'));
    streams[0]?.end({ message: 'reset' });
    host.advance(1000);
    expect(streams.length).toBe(2);
    expect(streams[1]?.header('last-event-id')).toBe('5');
    streams[1]?.body(event(progress(1)));
    expect(host.notifications.map(({ session, method, params }) => [session, method, params === undefined])).toEqual([
        [session, 'notifications/tools/list_changed', true],
        [session, 'notifications/progress', false]
    ]);
    expect(host.closed).toEqual([]);
});

test('they come over SSE', async () => {
    const { host } = await connected(onSse(new Peer('legacy')), CONFIGS.sse);
    const stream = host.exchanges.find(({ request }) => request.method === 'GET');
    stream?.body(event(progress(1)) + event(progress(2)));
    expect(host.notifications.length).toBe(2);
});

test('they come during connect, too', async () => {
    const peer = new Peer('legacy');
    const serve = onPipe(peer);
    const { host } = await connected({
        pipe: end => {
            end.write('{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"starting"}}');
            return serve.pipe?.(end) ?? {};
        }
    });
    expect(host.notifications).toEqual([
        { session: 1, method: 'notifications/message', params: '{"level":"info","data":"starting"}' }
    ]);
});
