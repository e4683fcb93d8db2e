import { describe, expect, test } from 'vitest';

import type { PipeEnd, World } from './host/host.js';
import { FakeHost } from './host/host.js';
import type { Message } from './host/peer.js';
import { LEGACY, MODERN, Peer } from './host/peer.js';
import { onHttp } from './host/servers.js';

const STDIO = { endpoint: { tag: 'stdio' } } as const;
const HTTP = { endpoint: { tag: 'http', val: 'http://server.test/mcp' } } as const;

/** A command, and what it is like each time that it is started. */
interface Life {
    peer: Peer;
    /** Milliseconds until it reads: what it was sent before, it reads then, all at once. */
    starts?: number;
    /** What it does with a message of its own accord; true when nothing else is to be done. */
    odd?: (message: Message, end: PipeEnd) => boolean;
}

function command(host: () => FakeHost, lives: Life[]): World {
    let started = 0;
    return {
        pipe: end => {
            const { peer, starts = 0, odd } = lives[Math.min(started++, lives.length - 1)] as Life;
            const read = (line: string) => {
                if (odd?.(JSON.parse(line) as Message, end)) return;
                const answer = peer.answer(line);
                if (answer !== undefined) end.write(answer);
            };
            const waiting: string[] = [];
            let up = starts === 0;
            if (!up)
                host().clock.after(starts, () => {
                    up = true;
                    waiting.forEach(read);
                });
            return { line: line => (up ? read(line) : void waiting.push(line)) };
        }
    };
}

async function begin(lives: Life[], config: Partial<typeof STDIO & { connectTimeout: number; restarts: number }> = {}) {
    const host: FakeHost = await FakeHost.start(command(() => host, lives));
    return { host, ...host.begin({ ...STDIO, connectTimeout: 60_000, ...config }) };
}

const methods = (end: PipeEnd | undefined) => end?.written.map(line => (JSON.parse(line) as Message).method);
const silent = ({ method }: Message) => method === 'server/discover';
const NOTHING = { exchanges: 0, pipes: 0, timers: 0 };

describe('a command that starts slowly', () => {
    test.each([0, 1000, 6000, 12_000, 14_999, 16_000, 25_000, 55_000])(
        'and is up after %i ms is spoken to in the newest revision',
        async starts => {
            const { host, session, call } = await begin([{ peer: new Peer('modern'), starts }]);
            if (starts > 0) {
                host.advance(starts - 1);
                expect(host.outcomes.size).toBe(0);
                host.advance(1);
            }
            expect(host.ok(call)).toMatchObject({ protocolVersion: MODERN });
            expect(methods(host.pipes[0])).toEqual(['server/discover']);
            // What was started beside it has gone, without having been sent the probe.
            expect(host.open).toEqual({ exchanges: 0, pipes: 1, timers: 0 });
            expect(host.pipes.slice(1).map(methods)).toEqual(starts < 15_000 ? [] : [['initialize']]);
            host.call((client, call) => client.close(call, session));
            expect(host.open).toEqual(NOTHING);
        }
    );

    test.each([6000, 12_000, 25_000])('(%i ms) and refuses the probe gets the handshake after that', async starts => {
        const { host, call } = await begin([{ peer: new Peer('legacy'), starts }]);
        host.advance(starts);
        expect(host.ok(call)).toMatchObject({ protocolVersion: LEGACY });
        expect(methods(host.pipes[0])).toEqual(['server/discover', 'initialize', 'notifications/initialized']);
        expect(host.open).toEqual({ exchanges: 0, pipes: 1, timers: 0 });
    });

    test('and ends at the probe is started again, once', async () => {
        const odd = ({ method }: Message, end: PipeEnd) => method !== 'initialize' && (end.exit(), true);
        const { host, call } = await begin([
            { peer: new Peer('legacy'), starts: 7000, odd },
            { peer: new Peer('legacy'), starts: 7000 }
        ]);
        host.advance(14_000);
        expect(host.ok(call)).toMatchObject({ protocolVersion: LEGACY });
        expect(host.pipes.length).toBe(2);
    });

    test('and is up at the same moment as its second process is spoken to in the newest revision', async () => {
        const { host, call } = await begin([
            { peer: new Peer('modern'), starts: 20_000 },
            { peer: new Peer('legacy'), starts: 5000 }
        ]);
        host.advance(20_000);
        expect(host.ok(call)).toMatchObject({ protocolVersion: MODERN });
    });

    test('and is up a little later than its second process is spoken to in the newest revision', async () => {
        const { host, call } = await begin([
            { peer: new Peer('modern'), starts: 21_000 },
            { peer: new Peer('legacy'), starts: 5000 }
        ]);
        host.advance(20_999);
        expect(host.outcomes.size).toBe(0);
        host.advance(1);
        expect(host.ok(call)).toMatchObject({ protocolVersion: MODERN });
        expect(host.open).toEqual({ exchanges: 0, pipes: 1, timers: 0 });
    });

    test('is waited for, and the log says so', async () => {
        const { host } = await begin([{ peer: new Peer('modern'), starts: 30_000 }]);
        host.advance(4999);
        expect(host.logs).toEqual([]);
        host.advance(1);
        expect(host.logs.map(({ level, message }) => [level, message])).toEqual([
            ['info', 'connect: waiting for the answer to server/discover']
        ]);
        host.advance(10_000);
        expect(host.logs[1]?.level).toBe('warn');
        expect(host.logs[1]?.message).toContain(
            'server/discover has got no answer for 15000 ms; the command is started a second time'
        );
        host.advance(15_000);
        expect(host.logs.at(-1)).toMatchObject({ level: 'info', message: 'connect: reached by server/discover' });
    });
});

describe('a command that keeps silent when it gets the probe', () => {
    test('is reached by a second process, and the first one is ended', async () => {
        const { host, session, call } = await begin([{ peer: new Peer('legacy'), odd: silent }]);
        host.advance(14_999);
        expect(host.pipes.length).toBe(1);
        host.advance(1);
        expect(host.ok(call)).toMatchObject({ protocolVersion: LEGACY });
        expect(host.pipes.map(methods)).toEqual([['server/discover'], ['initialize', 'notifications/initialized']]);
        expect(host.open).toEqual({ exchanges: 0, pipes: 1, timers: 0 });
        // What it still says is nobody's.
        host.pipes[0]?.write('{"jsonrpc":"2.0","id":"server-discover-probe-1","error":{"code":-32601,"message":"no"}}');
        expect(host.err(host.callTool(session, 'x')).failure).toMatchObject({ tag: 'rpc' });
    });

    test.each([
        [60_000, 15_000],
        [6000, 3000],
        [200, 100]
    ])('within %i ms for connecting is reached after %i ms', async (connectTimeout, after) => {
        const { host, call } = await begin([{ peer: new Peer('legacy'), odd: silent }], { connectTimeout });
        host.advance(after - 1);
        expect(host.outcomes.size).toBe(0);
        host.advance(1);
        expect(host.ok(call)).toMatchObject({ protocolVersion: LEGACY });
    });

    test.each([5000, 40_000])('and takes %i ms to start is reached, too', async starts => {
        const { host, call } = await begin([{ peer: new Peer('legacy'), starts, odd: silent }]);
        // As long again as the second process took to start, at most 2 s, the first is waited for.
        host.advance(15_000 + starts + 2000);
        expect(host.ok(call)).toMatchObject({ protocolVersion: LEGACY });
    });

    test('is reached when its second process is up just before the time is over', async () => {
        const { host, call } = await begin([{ peer: new Peer('legacy'), starts: 4800, odd: silent }], {
            connectTimeout: 10_000
        });
        host.advance(9999);
        expect(host.ok(call)).toMatchObject({ protocolVersion: LEGACY });
    });

    test('and ends later is reached by its second process', async () => {
        const lives = [
            { peer: new Peer('legacy'), odd: silent },
            { peer: new Peer('legacy'), starts: 5000 }
        ];
        const { host, call } = await begin(lives);
        host.advance(16_000);
        host.pipes[0]?.exit();
        expect(host.outcomes.size).toBe(0);
        host.advance(4000 + 2000);
        expect(host.ok(call)).toMatchObject({ protocolVersion: LEGACY });
        expect(host.pipes.length).toBe(2);
    });

    test('is started again in the older way when it ends', async () => {
        const { host, session, call } = await begin([{ peer: new Peer('legacy', TOOL), odd: silent }], { restarts: 1 });
        host.advance(15_000);
        host.ok(call);
        host.pipes[1]?.exit();
        host.advance(100);
        expect(host.ok(host.callTool(session, 'x'))).toEqual({ content: [] });
        expect(methods(host.pipes[2])?.[0]).toBe('initialize');
    });
});

const TOOL = { 'tools/call': () => ({ content: [] }) };

describe('a second process that fails', () => {
    const runsOnce = (_: Message, end: PipeEnd) => (end.exit(), true);

    test('does not end the wait for the first', async () => {
        const { host, call } = await begin([
            { peer: new Peer('modern'), starts: 30_000 },
            { peer: new Peer('modern'), odd: runsOnce }
        ]);
        host.advance(30_000);
        expect(host.ok(call)).toMatchObject({ protocolVersion: MODERN });
        expect(host.pipes.length).toBe(2);
    });

    test('is the cause when the first has ended, too', async () => {
        const { host, call } = await begin([
            { peer: new Peer('modern'), starts: 30_000, odd: runsOnce },
            { peer: new Peer('modern'), odd: runsOnce }
        ]);
        host.advance(30_000);
        expect(host.err(call).failure).toEqual({ tag: 'transport', val: 'the command ended: exit status 1' });
        expect(host.open).toEqual(NOTHING);
    });
});

describe('a second process that answers, and ends while the first may be about to', () => {
    /** Needs a second to be up, and so gives the first another; ends half a second after it is up. */
    const brief = (host: () => FakeHost): Life => ({
        peer: new Peer('legacy'),
        starts: 1000,
        odd: ({ method }, end) => {
            if (method === 'notifications/initialized') host().clock.after(500, () => end.exit());
            return false;
        }
    });

    test.each([
        ['soon', 16_700],
        ['late', 40_000]
    ])('does not stand for the server: the first is waited for, which answers %s', async (_name, starts) => {
        const { host, session, call } = await begin([
            { peer: new Peer('modern', { 'tools/call': () => ({ content: [] }) }), starts },
            brief(() => host)
        ]);
        host.advance(starts - 1);
        expect(host.outcomes.size).toBe(0);
        host.advance(1);
        expect(host.ok(call)).toMatchObject({ protocolVersion: MODERN });
        expect(host.ok(host.callTool(session, 'echo'))).toMatchObject({ content: [] });
        expect(host.closed).toEqual([]);
    });

    test('is the cause when the first ends, too', async () => {
        const first = {
            peer: new Peer('modern'),
            starts: 20_000,
            odd: (_: Message, end: PipeEnd) => (end.exit(), true)
        };
        const { host, call } = await begin([first, brief(() => host)]);
        host.advance(20_000);
        expect(host.err(call)).toMatchObject({ step: 'connect', failure: { tag: 'transport' } });
        expect(host.open).toEqual(NOTHING);
    });
});

test('both processes are gone when the session is closed, or its time is over', async () => {
    for (const end of ['close', 'cancel', 'timeout']) {
        const { host, session, call } = await begin([{ peer: new Peer('modern'), starts: 90_000 }]);
        host.advance(20_000);
        expect(host.open.pipes).toBe(2);
        if (end === 'close') host.call((client, call) => client.close(call, session));
        else if (end === 'cancel') host.cancel(call);
        else host.advance(40_000);
        expect(host.err(call).failure.tag).toBe({ close: 'closed', cancel: 'cancelled', timeout: 'timeout' }[end]);
        expect(host.open).toEqual(NOTHING);
    }
});

test('two servers that answer at the same time do not take each other for the other', async () => {
    const named = (name: string) => ({
        initialize: ({ params }: Message) => ({
            protocolVersion: params?.['protocolVersion'],
            capabilities: {},
            serverInfo: { name, version: '1' }
        })
    });
    const { host, call } = await begin([
        { peer: new Peer('modern'), starts: 20_000 },
        { peer: new Peer('legacy', named('second')), starts: 90_000 }
    ]);
    host.advance(15_000);
    host.batch(() => {
        host.pipes[1]?.write(new Peer('legacy', named('second')).answer(host.pipes[1].written[0] as string) as string);
        host.pipes[0]?.write(new Peer('modern').answer(host.pipes[0].written[0] as string) as string);
    });
    expect(host.ok(call)).toMatchObject({ protocolVersion: MODERN, serverInfo: { name: 'peer' } });
});

describe('over HTTP', () => {
    async function slow(peer: Peer, delays: Record<string, number>) {
        const host: FakeHost = await FakeHost.start({
            http: exchange => {
                const { method = '' } = JSON.parse(exchange.request.body ?? '{}') as Message;
                const answer = () => onHttp(peer, { sessionId: 'abc' }).http?.(exchange);
                const delay = delays[method] ?? 0;
                if (delay === 0) answer();
                else if (delay < Infinity) host.clock.after(delay, answer);
            }
        });
        return { host, ...host.begin({ ...HTTP, connectTimeout: 60_000 }) };
    }

    test.each([6000, 12_000, 25_000])(
        'a server that answers the probe after %i ms is taken at its word',
        async delay => {
            const { host, call } = await slow(new Peer('modern'), { 'server/discover': delay, initialize: Infinity });
            host.advance(delay);
            expect(host.ok(call)).toMatchObject({ protocolVersion: MODERN });
            expect(host.open).toEqual(NOTHING);
        }
    );

    test('a server that never answers the probe is reached in the older way', async () => {
        const { host, call } = await slow(new Peer('legacy'), { 'server/discover': Infinity });
        host.advance(15_000);
        expect(host.ok(call)).toMatchObject({ protocolVersion: LEGACY });
        expect(host.open).toEqual(NOTHING);
    });

    test('the session that was begun beside a late answer is ended', async () => {
        const peer = new Peer('legacy');
        const modern = new Peer('modern');
        const host: FakeHost = await FakeHost.start({
            http: exchange => {
                const { method } = JSON.parse(exchange.request.body ?? '{}') as Message;
                if (method !== 'server/discover') {
                    const answer = () => onHttp(peer, { sessionId: 'abc' }).http?.(exchange);
                    if (method === 'initialize') host.clock.after(1000, answer);
                    else answer();
                } else host.clock.after(16_500, () => onHttp(modern).http?.(exchange));
            }
        });
        const { call } = host.begin({ ...HTTP, connectTimeout: 60_000 });
        host.advance(17_000);
        expect(host.ok(call)).toMatchObject({ protocolVersion: MODERN });
        const ended = host.exchanges.filter(({ request }) => request.method === 'DELETE');
        expect(ended.map(exchange => exchange.header('mcp-session-id'))).toEqual(['abc']);
        expect(host.open).toEqual(NOTHING);
    });
});
