import { describe, expect, test } from 'vitest';

import type { FakeHost } from './host/host.js';
import type { Handler } from './host/peer.js';
import { Peer } from './host/peer.js';
import { onPipe } from './host/servers.js';
import { connected } from './host/sessions.js';

const ID = { taskId: 't1', createdAt: '2026-01-01T00:00:00Z', lastUpdatedAt: '2026-01-01T00:00:00Z' };
const WORKING = { ...ID, status: 'working', ttlMs: null };
const DONE = { content: [{ type: 'text', text: 'done' }] };

/** A server with the extension, whose tools all become the task t1. */
function extension(get: Handler, more: Record<string, Handler> = {}): Peer {
    return new Peer('modern', {
        'tools/call': () => ({ ...WORKING, resultType: 'task' }),
        'tasks/get': get,
        'tasks/cancel': () => ({}),
        ...more
    });
}

/** A server of 2025-11-25 with one tool, which is a task. */
function experimental(handlers: Record<string, Handler>): Peer {
    const tasks = { list: {}, cancel: {}, requests: { tools: { call: {} } } };
    const capabilities = { tools: {}, tasks };
    const tool = { name: 'slow', inputSchema: { type: 'object' }, execution: { taskSupport: 'required' } };
    return new Peer('legacy', {
        initialize: () => ({ protocolVersion: '2025-11-25', capabilities, serverInfo: { name: 'p', version: '1' } }),
        'tools/list': () => ({ tools: [tool] }),
        'tools/call': () => ({ task: { ...ID, status: 'working', ttl: null, pollInterval: 60_000 } }),
        'tasks/cancel': () => ({ ...ID, status: 'cancelled', ttl: null }),
        ...handlers
    });
}

const waitTask = (host: FakeHost, session: number) =>
    host.call((client, call) => client.waitTask(call, session, '{"taskId":"t1"}'));

describe('a task is asked for', () => {
    test.each([
        ['as often as the server wants', { pollIntervalMs: 300 }, 300],
        ['every second, when the server does not say', {}, 1000],
        ['every second, when the server says no number', { pollIntervalMs: 'often' }, 1000],
        ['once a minute, when the server wants less', { pollIntervalMs: 1e9 }, 60_000]
    ])('%s', async (_, given, delay) => {
        const peer = extension(() => ({ ...WORKING, ...given }));
        const { host, session } = await connected(onPipe(peer));
        waitTask(host, session);
        for (const asked of [1, 2, 3]) {
            expect(peer.requests('tasks/get').length).toBe(asked);
            host.advance(delay - 1);
            expect(peer.requests('tasks/get').length).toBe(asked);
            host.advance(1);
        }
    });

    test.each([0, -1, 1e-9])(
        'less and less often while it stays what it is, where the server wants it at once: %s',
        async given => {
            const peer = extension(() => ({ ...WORKING, pollIntervalMs: given }));
            const { host, session } = await connected(onPipe(peer));
            waitTask(host, session);
            host.advance(20);
            expect(peer.requests('tasks/get').length).toBe(2);
            host.advance(60_000);
            expect(peer.requests('tasks/get').length).toBeLessThan(80);
            expect(peer.requests('tasks/get').length).toBeGreaterThan(50);
        }
    );

    test('at once when the server tells of it, which it need not', async () => {
        let status = 'working';
        const peer = experimental({
            'tasks/get': () => ({ ...ID, status, ttl: null, pollInterval: 60_000 }),
            'tasks/result': () => DONE
        });
        const { host, session } = await connected(onPipe(peer));
        const call = host.callTool(session, 'slow');
        const tell = (taskId: string) =>
            host.pipes[0]?.write(
                JSON.stringify({ jsonrpc: '2.0', method: 'notifications/tasks/status', params: { ...ID, taskId } })
            );
        status = 'completed';
        tell('another');
        expect(peer.requests('tasks/get')).toEqual([]);
        tell('t1');
        expect(host.ok(call)).toEqual(DONE);
        expect(host.open.timers).toBe(0);
    });
});

test('the result of a task is what the server wrote, and its states are told once each', async () => {
    const result = '{"content":[],"structuredContent":{"big":9007199254740993,"exact":1.0}}';
    const states = ['working', 'working', 'completed'];
    const peer = extension(() => {
        const status = states.shift();
        return `{"resultType":"complete","taskId":"t1","status":"${status}","result":${result}}`;
    });
    const { host, session } = await connected(onPipe(peer));
    const call = host.callTool(session, 'slow');
    host.advance(5000);
    expect(host.text(call)).toBe(result);
    expect(host.tasks.map(({ call, task }) => [call, (task as { status: string }).status])).toEqual([
        [call, 'working'],
        [call, 'working'] // it has no lastUpdatedAt any more
    ]);
    expect(peer.requests('tasks/get').length).toBe(3);
    expect(peer.requests('tasks/cancel')).toEqual([]);
    expect(host.open.timers).toBe(0);
});

describe('a call that is given up', () => {
    test('cancels its task at once', async () => {
        const peer = extension(() => WORKING);
        const { host, session } = await connected(onPipe(peer));
        const call = host.callTool(session, 'slow');
        host.cancel(call);
        expect(host.err(call).failure.tag).toBe('cancelled');
        expect(peer.requests('tasks/cancel').map(({ params }) => params?.['taskId'])).toEqual(['t1']);
        expect(peer.requests('notifications/cancelled')).toEqual([]);
        expect(host.open.timers).toBe(0);
    });

    test('cancels its task while the server holds the result back', async () => {
        const peer = experimental({
            'tasks/get': () => ({ ...ID, status: 'input_required', ttl: null }),
            'tasks/result': () => undefined
        });
        const { host, session } = await connected(onPipe(peer));
        const call = host.callTool(session, 'slow');
        host.advance(60_000);
        expect(peer.requests('tasks/result').length).toBe(1);
        host.cancel(call);
        expect(peer.requests('tasks/cancel').length).toBe(1);
    });

    test('does not cancel a task that it only waited for', async () => {
        const peer = extension(() => WORKING);
        const { host, session } = await connected(onPipe(peer));
        const call = waitTask(host, session);
        host.cancel(call);
        host.advance(120_000);
        expect(peer.requests('tasks/cancel')).toEqual([]);
        expect(peer.requests('tasks/get').length).toBe(1);
    });

    test('does not hold up the end of the session for long, when the server does not answer', async () => {
        const peer = extension(() => WORKING, { 'tasks/cancel': () => undefined });
        const { host, session } = await connected(onPipe(peer));
        host.cancel(host.callTool(session, 'slow'));
        const closing = host.call((client, call) => client.close(call, session));
        expect(host.outcomes.has(closing)).toBe(false);
        host.advance(2000);
        expect(host.ok(closing)).toEqual({});
        expect(host.open).toEqual({ exchanges: 0, pipes: 0, timers: 0 });
    });
});

test('a session that ends ends what waits for tasks', async () => {
    const peer = extension(() => WORKING);
    const { host, session } = await connected(onPipe(peer));
    const calls = [host.callTool(session, 'slow'), waitTask(host, session)];
    host.pipes[0]?.exit();
    for (const call of calls) expect(host.err(call).failure.tag).toBe('transport');
    host.advance(60_000);
    expect(host.open.timers).toBe(0);
});
