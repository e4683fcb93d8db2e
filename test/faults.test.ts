import { describe, expect, test } from 'vitest';

import type { ExchangeEnd, World } from './host/host.js';
import { FakeHost } from './host/host.js';
import type { Message } from './host/peer.js';
import { Peer } from './host/peer.js';
import { event, onHttp, onPipe, onSse, reply, replyEvents, replyJson } from './host/servers.js';
import { CONFIGS, connected, expectQuiet } from './host/sessions.js';

const DONE = { content: [{ type: 'text', text: 'done' }] };
const result = (id: unknown) => JSON.stringify({ jsonrpc: '2.0', id, result: { resultType: 'complete', ...DONE } });

describe.each(['legacy', 'modern'] as const)('over a pipe, %s,', era => {
    /** A call that is out, and its request's id. */
    async function calling() {
        const peer = new Peer(era, { 'tools/call': ({ params }) => (params?.['name'] === 'slow' ? undefined : DONE) });
        const { host, session } = await connected(onPipe(peer));
        const call = host.callTool(session, 'slow');
        const id = peer.received.at(-1)?.id;
        const pipe = host.pipes[0];
        if (!pipe) throw new Error('no pipe');
        return { host, session, call, id, pipe, peer };
    }

    test.each([
        ['not JSON', 'Listening on port 3000'],
        ['a number', '42'],
        ['a string', '"hello"'],
        ['null', 'null'],
        ['an empty array', '[]'],
        ['an array of nothing', '[null, 1, "x"]'],
        ['an object', '{}'],
        ['JSON-RPC 1.0, to nobody', '{"id":4711,"result":{},"error":null}'],
        ['a method that is no text', '{"jsonrpc":"2.0","method":7}'],
        ['an empty line', ''],
        ['blanks', ' \t '],
        ['a lone surrogate', '"\ud800"'],
        ['a NUL', '\u0000'],
        ['much', 'x'.repeat(100_000)]
    ])('%s is ignored, and the call gets its answer', async (name, line) => {
        const { host, call, id, pipe } = await calling();
        pipe.write(line);
        pipe.write(line);
        expect(host.outcomes.has(call)).toBe(false);
        pipe.write(result(id));
        expect(host.ok(call)).toMatchObject(DONE);
        if (!['an empty line', 'blanks', 'an empty array'].includes(name)) expect(host.logs.length).toBeGreaterThan(0);
        for (const { level, message } of host.logs) {
            expect(level).toBe('warn');
            expect(message).not.toMatch(/Listening|4711|xxx/);
        }
        expect(host.closed).toEqual([]);
    });

    test.each([
        ['half of a message', '{"jsonrpc":"2.0","id":1,"result":{"con'],
        ['an answer to nobody', '{"jsonrpc":"2.0","id":4711,"result":{}}'],
        ['an answer with an odd id', '{"jsonrpc":"2.0","id":"__proto__","result":{}}'],
        ['neither a method nor an id', '{"jsonrpc":"2.0","result":{}}'],
        ['an answer with an object for an id', '{"jsonrpc":"2.0","id":{},"result":{}}'],
        ['an answer with a null id', '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}']
    ])('%s may have been the answer: what waits fails, and the session goes on', async (_name, line) => {
        const { host, session, call, pipe } = await calling();
        const second = host.callTool(session, 'slow');
        pipe.write(line);
        for (const lost of [call, second]) {
            expect(host.err(lost)).toMatchObject({ step: 'tools/call', failure: { tag: 'protocol' } });
        }
        for (const { message } of host.logs) expect(message).not.toMatch(/4711|Parse error|con$/);
        expect(host.ok(host.callTool(session, 'fast'))).toMatchObject(DONE);
        expect(host.closed).toEqual([]);
    });

    test('a notification with odd params is taken without them, and the call gets its answer', async () => {
        const { host, session, call, id, pipe } = await calling();
        for (const params of ['[1]', '[]', 'null', '"x"'])
            pipe.write(`{"jsonrpc":"2.0","method":"x","params":${params}}`);
        expect(host.notifications).toEqual(Array(4).fill({ session, method: 'x', params: undefined }));
        pipe.write(result(id));
        expect(host.ok(call)).toMatchObject(DONE);
        expect(host.logs).toEqual([]);
    });

    test('an answer that comes twice counts once', async () => {
        const { host, session, call, id, pipe } = await calling();
        host.batch(() => {
            pipe.write(result(id));
            pipe.write(result(id));
        });
        pipe.write(result(id));
        expect(host.ok(call)).toMatchObject(DONE);
        expect(host.logs.length).toBe(2);
        expect(host.ok(host.callTool(session, 'fast'))).toMatchObject(DONE);
    });

    test.each([
        ['a result that is no object', '"result":5'],
        ['a result that is null', '"result":null'],
        ['a result that is a list', '"result":[]'],
        ['neither result nor error', '"x":1'],
        ['both result and error', '"result":{},"error":{"code":1,"message":"x"}'],
        ['an error that is no object', '"error":"no"'],
        ['an error without a code', '"error":{"message":"no"}'],
        ['an error with half a code', '"error":{"code":1.5,"message":"no"}'],
        ['no version', '"result":{"resultType":"complete","content":[]}', ''],
        ['JSON-RPC 1.0', '"result":{"resultType":"complete","content":[]},"error":null', ''],
        ['a result against the schema', '"result":{"resultType":"complete","content":7}']
    ])('%s fails the call, and the session goes on', async (_name, member, version = '"jsonrpc":"2.0",') => {
        const { host, session, call, id, pipe } = await calling();
        pipe.write(`{${version}"id":${JSON.stringify(id)},${member}}`);
        expect(host.err(call)).toMatchObject({ step: 'tools/call', failure: { tag: 'protocol' } });
        expect(host.ok(host.callTool(session, 'fast'))).toMatchObject(DONE);
    });

    test('an error without a message is the error with its code, and the session goes on', async () => {
        const { host, session, call, id, pipe } = await calling();
        pipe.write(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},"error":{"code":1}}`);
        expect(host.err(call)).toEqual({
            step: 'tools/call',
            failure: { tag: 'rpc', val: { code: 1, message: 'no message' } }
        });
        expect(host.ok(host.callTool(session, 'fast'))).toMatchObject(DONE);
    });

    const TEXT = '"content":[{"type":"text","text":"done"}]';
    test.each([
        ['_meta that is no object', `${TEXT},"_meta":3`, [], `{"resultType":"complete",${TEXT}}`],
        [
            '_meta that is no object, beside a number that no double holds,',
            `${TEXT},"_meta":"x","structuredContent":{"n":90071992547409931}`,
            [],
            `{"resultType":"complete",${TEXT},"structuredContent":{"n":90071992547409931}}`
        ],
        ['_meta that is an empty list', `${TEXT},"_meta":[]`, [], `{"resultType":"complete",${TEXT}}`],
        [
            'content against the schema',
            '"content":[{"type":"text"},{"type":"text","text":"done"}]',
            [/^tools\/call: the content block number 1 cannot be used and is left out \(it: /],
            `{"resultType":"complete",${TEXT}}`
        ]
    ])('%s is left out, and Request gives it as it is', async (_name, members, warnings, read) => {
        const { host, session, call, id, pipe, peer } = await calling();
        const sent = `{"resultType":"complete",${members}}`;
        const write = (id: unknown) => pipe.write(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${sent}}`);
        write(id);
        expect(host.text(call)).toBe(read);
        expect(host.logs.map(({ message }) => message)).toEqual(
            warnings.map(warning => expect.stringMatching(warning) as string)
        );
        const raw = host.call((client, call) => client.request(call, session, 'tools/call', '{"name":"slow"}'));
        write(peer.received.at(-1)?.id);
        expect(host.text(raw)).toBe(sent);
    });

    test.each([
        ['the command ends', {}, 'transport'],
        [
            'a message is too large',
            { kind: 'limit', message: 'a message of 104857600 bytes is over the limit' },
            'limit'
        ]
    ] as const)('%s in the middle of calls', async (_name, error, tag) => {
        const { host, session, call, pipe } = await calling();
        const second = host.callTool(session, 'slow');
        pipe.exit({ cause: 21, ...error });
        const message = 'message' in error ? error.message : 'the command ended: exit status 1';
        for (const lost of [call, second]) {
            expect(host.err(lost)).toEqual({ step: 'tools/call', failure: { tag, val: message }, cause: 21 });
        }
        expect(host.closed).toEqual([
            { session, error: { step: 'session', failure: { tag, val: message }, cause: 21 } }
        ]);
        expect(host.history.at(-1)).toBe(`closed ${session}`);
        // What comes after is told why.
        expect(host.err(host.callTool(session, 'fast'))).toEqual({
            step: 'tools/call',
            failure: { tag: tag === 'limit' ? tag : 'closed', val: message },
            cause: 21
        });
        const close = host.call((client, call) => client.close(call, session));
        expect(host.text(close)).toBe('{}');
        expect(host.closed.length).toBe(1);
        expect(host.err(host.callTool(session, 'fast')).failure.tag).toBe('invalid-argument');
    });

    test('a server that asks us something is answered, and the call goes on', async () => {
        const { host, call, id, pipe } = await calling();
        pipe.write('{"jsonrpc":"2.0","id":1,"method":"ping"}');
        pipe.write('{"jsonrpc":"2.0","id":"s","method":"sampling/createMessage","params":{}}');
        const answers = pipe.written
            .map(line => JSON.parse(line) as Message)
            .filter(({ method }) => method === undefined);
        // Revision 2026-07-28 has no requests from the server.
        expect(answers).toMatchObject(
            era === 'modern'
                ? []
                : [
                      { id: 1, result: {} },
                      { id: 's', error: { code: -32_601 } }
                  ]
        );
        pipe.write(result(id));
        expect(host.ok(call)).toMatchObject(DONE);
    });
});

// requirement: messages.batch
test('a batch of messages, which revision 2025-03-26 has, is taken apart', async () => {
    const initialize = () => ({
        protocolVersion: '2025-03-26',
        capabilities: {},
        serverInfo: { name: 's', version: '1' }
    });
    const peer = new Peer('legacy', { initialize, 'tools/call': () => undefined });
    const { host, session } = await connected(onPipe(peer));
    const calls = [host.callTool(session, 'a'), host.callTool(session, 'b')];
    const [a, b] = peer.requests('tools/call').map(({ id }) => id);
    host.pipes[0]?.write(`[${result(b)},{"jsonrpc":"2.0","method":"notifications/x","params":{"n":1}},${result(a)}]`);
    for (const call of calls) expect(host.ok(call)).toMatchObject(DONE);
    expect(host.notifications).toEqual([{ session, method: 'notifications/x', params: '{"n":1}' }]);
});

describe.each(['legacy', 'modern'] as const)('over HTTP, %s,', era => {
    /** A session whose next calls of the tool `odd` are answered by the test. */
    async function odd(answer: (exchange: ExchangeEnd, id: unknown) => void, sessionId?: string) {
        const peer = new Peer(era, { 'tools/call': () => DONE });
        const usual = onHttp(peer, { ...(sessionId !== undefined && { sessionId }) });
        const world: World = {
            http: exchange => {
                const message = JSON.parse(exchange.request.body ?? 'null') as Message | null;
                if (message?.params?.['name'] === 'odd') answer(exchange, message.id);
                else usual.http?.(exchange);
            }
        };
        const { host, session } = await connected(world, CONFIGS.http);
        return { host, session, call: host.callTool(session, 'odd'), peer };
    }

    const wrong = (id: unknown) => (typeof id === 'number' ? id + 1000 : 'x');
    const page = `<html><body>${'Gateway '.repeat(100)}</body></html>`;
    const answers: Record<string, [tag: string, answer: (exchange: ExchangeEnd, id: unknown) => void]> = {
        'no connection': ['connect', exchange => exchange.end({ kind: 'connect', message: 'refused' })],
        'a lost connection': ['transport', exchange => exchange.end({ kind: 'transport', message: 'reset' })],
        'an answer too large': ['limit', exchange => exchange.end({ kind: 'limit', message: 'too large' })],
        'HTTP 404': ['http', exchange => reply(exchange, 404, 'Session not found')],
        'HTTP 500': ['http', exchange => reply(exchange, 500, page, 'text/html')],
        'HTTP 403 for a scope': [
            'unauthorized',
            exchange => {
                exchange.head(403, { 'www-authenticate': 'Bearer error="insufficient_scope", scope="x"' });
                exchange.end();
            }
        ],
        'an HTML page': ['protocol', exchange => reply(exchange, 200, page, 'text/html')],
        'a page without end': [
            'protocol',
            exchange => {
                exchange.head(200, { 'content-type': 'text/html', 'transfer-encoding': 'chunked' });
                exchange.body(page);
            }
        ],
        'HTTP 202 without end': [
            'protocol',
            exchange => {
                exchange.head(202, { 'content-type': 'text/plain', 'transfer-encoding': 'chunked' });
                exchange.body('Accepted');
            }
        ],
        'half of a JSON text': ['protocol', exchange => replyJson(exchange, '{"jsonrpc":"2.0",')],
        'JSON that is cut off': [
            'transport',
            exchange => {
                exchange.head(200, { 'content-type': 'application/json' });
                exchange.body('{"jsonrpc":"2.0",');
                exchange.end({ message: 'unexpected end' });
            }
        ],
        'JSON that is not JSON-RPC': ['protocol', exchange => replyJson(exchange, '{"message":"hello"}')],
        'an empty list': ['protocol', exchange => replyJson(exchange, '[]')],
        'no text at all': ['protocol', exchange => replyJson(exchange, '')],
        'an answer to another request': ['protocol', (exchange, id) => replyJson(exchange, result(wrong(id)))],
        'an invalid result': ['protocol', (exchange, id) => replyJson(exchange, result(id).replace(/\[.*\]/, '5'))],
        'HTTP 202': ['protocol', exchange => reply(exchange, 202)],
        'HTTP 204': ['protocol', exchange => reply(exchange, 204)],
        'no content type': [
            'protocol',
            (exchange, id) => {
                exchange.head(200);
                exchange.body(result(id));
                exchange.end();
            }
        ],
        'no events': ['transport', exchange => replyEvents(exchange, [])],
        'events without an answer': [
            'transport',
            exchange => replyEvents(exchange, ['{"jsonrpc":"2.0","method":"notifications/message","params":{}}'])
        ],
        'an event that is not JSON': ['transport', exchange => replyEvents(exchange, ['oops'])],
        'an event with another answer': ['protocol', (exchange, id) => replyEvents(exchange, [result(wrong(id))])],
        'events with an invalid result': [
            'protocol',
            (exchange, id) => replyEvents(exchange, [result(id).replace(/\[.*\]/, '5')])
        ],
        'events with an invalid answer': [
            'protocol',
            (exchange, id) => replyEvents(exchange, [`{"jsonrpc":"2.0","id":${String(id)},"result":1}`])
        ],
        'events that are cut off': [
            'transport',
            (exchange, id) => {
                exchange.head(200, { 'content-type': 'text/event-stream' });
                exchange.body(`data: ${result(id).slice(0, 30)}`);
                exchange.end({ message: 'unexpected end' });
            }
        ],
        'an event too large': [
            'limit',
            exchange => {
                exchange.head(200, { 'content-type': 'text/event-stream' });
                exchange.body('data: {"jsonrpc"');
                exchange.end({ kind: 'limit', message: 'too large' });
            }
        ]
    };

    test.each(Object.keys(answers))('%s fails the call, and the session goes on', async name => {
        const [tag, answer] = answers[name] as (typeof answers)[string];
        const { host, session, call } = await odd(answer);
        const error = host.err(call);
        expect(error.step).toBe('tools/call');
        expect(error.failure.tag).toBe(tag);
        if (['connect', 'limit'].includes(tag)) expect(error.cause).toBe(7);
        if (error.failure.tag === 'http') expect(error.failure.val.message.length).toBeLessThan(310);
        expect(host.ok(host.callTool(session, 'fine'))).toMatchObject(DONE);
        expect(host.closed).toEqual([]);
        expectQuiet(host);
        for (const { message } of host.logs) expect(message).not.toMatch(/hello|oops|Gateway/);
    });

    test.each<[string, (exchange: ExchangeEnd, text: string) => void]>([
        ['as JSON', (exchange, text) => reply(exchange, 202, text, 'application/json')],
        ['as an event', (exchange, text) => reply(exchange, 202, event(text), 'text/event-stream')]
    ])('an answer that comes with HTTP 202, %s, is the answer', async (_name, answer) => {
        const failed = (id: unknown) => JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32602, message: 'no' } });
        const { host, call } = await odd((exchange, id) => answer(exchange, failed(id)));
        expect(host.err(call).failure).toMatchObject({ tag: 'rpc', val: { code: -32602 } });
        const second = await odd((exchange, id) => answer(exchange, result(id)));
        expect(second.host.ok(second.call)).toMatchObject(DONE);
    });

    test('events in many pieces, with other things between them, come together', async () => {
        const bytes = (id: unknown) =>
            new TextEncoder().encode(
                `: hello\r\nretry: 100\r\n\r\ndata:\r\n\r\nevent: other\ndata: x\n\n${event(result(id).replace('done', 'dön\u{1f980}e'))}`
            );
        const { host, call } = await odd((exchange, id) => {
            exchange.head(200, { 'content-type': 'Text/Event-Stream; charset=utf-8' });
            for (const byte of bytes(id)) exchange.body(new Uint8Array([byte]));
            exchange.end();
        });
        expect(host.ok(call)).toMatchObject({ content: [{ text: 'dön\u{1f980}e' }] });
    });

    test('an answer that comes twice counts once', async () => {
        const { host, session, call } = await odd((exchange, id) => replyEvents(exchange, [result(id), result(id)]));
        expect(host.ok(call)).toMatchObject(DONE);
        expect(host.ok(host.callTool(session, 'fine'))).toMatchObject(DONE);
    });

    test('a list with the answer in it is an answer', async () => {
        const { host, call } = await odd((exchange, id) => replyJson(exchange, `[${result(id)}]`));
        expect(host.ok(call)).toMatchObject(DONE);
    });

    test('a response in one batch with its end is whole', async () => {
        let answer = () => {};
        const { host, call } = await odd((exchange, id) => {
            answer = () => replyEvents(exchange, [result(id)]);
        });
        host.batch(() => answer());
        expect(host.ok(call)).toMatchObject(DONE);
    });

    test('headers that HTTP does not allow are left out', async () => {
        const { host, call } = await odd((exchange, id) =>
            replyJson(exchange, result(id), { 'bad name': 'x', ok: 'a\nb' })
        );
        expect(host.ok(call)).toMatchObject(DONE);
    });
});

describe('a stream that breaks off before the answer (2025-11-25)', () => {
    /** A call whose stream gave an event id and then ended; the GETs that resume it are the test's. */
    async function resuming(
        resume: (exchange: ExchangeEnd, id: unknown, attempt: number) => void,
        end?: { message: string }
    ) {
        const peer = new Peer('legacy', { 'tools/call': () => DONE });
        const usual = onHttp(peer);
        let request: unknown;
        let attempts = 0;
        const { host, session } = await connected(
            {
                http: exchange => {
                    const message = JSON.parse(exchange.request.body ?? 'null') as Message | null;
                    if (exchange.header('last-event-id') !== undefined) return resume(exchange, request, ++attempts);
                    if (message?.params?.['name'] !== 'odd') return usual.http?.(exchange);
                    request = message.id;
                    exchange.head(200, { 'content-type': 'text/event-stream' });
                    exchange.body('id: 17\nretry: 500\ndata:\n\n');
                    exchange.end(end);
                }
            },
            CONFIGS.http
        );
        return { host, session, call: host.callTool(session, 'odd'), attempts: () => attempts };
    }

    // requirement: http.retry
    test('is resumed where it was', async () => {
        const { host, call } = await resuming((exchange, id) => {
            expect(exchange.header('last-event-id')).toBe('17');
            replyEvents(exchange, [result(id)]);
        });
        host.advance(499);
        expect(host.outcomes.has(call)).toBe(false);
        host.advance(1);
        expect(host.ok(call)).toMatchObject(DONE);
        expect(host.open).toEqual({ exchanges: 0, pipes: 0, timers: 0 });
    });

    test('is resumed where it was also when it breaks off again before the next event', async () => {
        const { host, call, attempts } = await resuming((exchange, id, attempt) => {
            expect(exchange.header('last-event-id')).toBe('17');
            if (attempt === 3) return replyEvents(exchange, [result(id)]);
            exchange.head(200, { 'content-type': 'text/event-stream' });
            if (attempt === 2) exchange.body(': still here\n\n');
            exchange.end(attempt === 2 ? { message: 'reset by peer' } : undefined);
        });
        host.advance(60_000);
        expect(attempts()).toBe(3);
        expect(host.ok(call)).toMatchObject(DONE);
        expect(host.open).toEqual({ exchanges: 0, pipes: 0, timers: 0 });
    });

    test('fails the call when it cannot be resumed', async () => {
        const { host, session, call, attempts } = await resuming(exchange => exchange.end({ kind: 'connect' }));
        host.advance(60_000);
        expect(host.err(call)).toEqual({
            step: 'tools/call',
            failure: { tag: 'transport', val: 'the stream ended before the answer came' }
        });
        expect(attempts()).toBe(2);
        expect(host.ok(host.callTool(session, 'fine'))).toMatchObject(DONE);
    });

    test('fails the call with what broke it, when the server resumes nothing', async () => {
        const { host, call } = await resuming(exchange => reply(exchange, 405), { message: 'reset by peer' });
        host.advance(60_000);
        expect(host.err(call)).toEqual({
            step: 'tools/call',
            failure: { tag: 'transport', val: 'reset by peer' },
            cause: 7
        });
    });

    test('is not resumed for a call that was cancelled', async () => {
        const { host, call, attempts } = await resuming((exchange, id) => replyEvents(exchange, [result(id)]));
        host.cancel(call);
        host.advance(60_000);
        expect(host.err(call).failure.tag).toBe('cancelled');
        expect(attempts()).toBe(0);
    });
});

describe('over HTTP with server-sent events (2024-11-05)', () => {
    async function started(odd: (exchange: ExchangeEnd) => void) {
        const peer = new Peer('legacy', {
            'tools/call': ({ params }) => (params?.['name'] === 'slow' ? undefined : DONE)
        });
        const usual = onSse(peer);
        const { host, session } = await connected(
            {
                http: exchange => {
                    const message = JSON.parse(exchange.request.body ?? 'null') as Message | null;
                    if (message?.params?.['name'] === 'odd') odd(exchange);
                    else usual.http?.(exchange);
                }
            },
            CONFIGS.sse
        );
        const stream = host.exchanges.find(({ request }) => request.method === 'GET');
        if (!stream) throw new Error('no stream');
        return { host, session, stream };
    }

    test.each([
        [
            'refused',
            (exchange: ExchangeEnd) => exchange.end({ kind: 'connect', message: 'no' }),
            { tag: 'connect', val: 'no' }
        ],
        [
            'HTTP 404',
            (exchange: ExchangeEnd) => reply(exchange, 404, 'gone'),
            { tag: 'http', val: { status: 404, message: 'gone' } }
        ]
    ] as const)('a message that is %s fails its call, and the session goes on', async (_name, odd, failure) => {
        const { host, session } = await started(odd);
        expect(host.err(host.callTool(session, 'odd')).failure).toEqual(failure);
        expect(host.ok(host.callTool(session, 'fine'))).toMatchObject(DONE);
    });

    test.each([
        ['ends', undefined, { tag: 'transport', val: 'the event stream ended' }, undefined],
        ['breaks', { message: 'reset' }, { tag: 'transport', val: 'reset' }, 7],
        ['is too large', { kind: 'limit', message: 'too large' }, { tag: 'limit', val: 'too large' }, 7]
    ] as const)('a stream that %s is the end of its session', async (_name, end, failure, cause) => {
        const { host, session, stream } = await started(() => {});
        const call = host.callTool(session, 'slow');
        stream.end(end);
        const error = { failure, ...(cause !== undefined && { cause }) };
        expect(host.err(call)).toEqual({ step: 'tools/call', ...error });
        expect(host.closed).toEqual([{ session, error: { step: 'session', ...error } }]);
        // Later calls fail with what ended it: a bound stays one.
        const later = { tag: failure.tag === 'limit' ? 'limit' : 'closed', val: failure.val };
        expect(host.err(host.callTool(session, 'fine')).failure).toEqual(later);
        host.advance(60_000);
        expect(host.open).toEqual({ exchanges: 0, pipes: 0, timers: 0 });
        expect(host.exchanges.filter(({ request }) => request.method === 'GET').length).toBe(1);
    });

    test.each<[string, (id: unknown) => string, object]>([
        ['a result', result, DONE],
        [
            'an error',
            id => JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32602, message: 'no' } }),
            { failure: { tag: 'rpc', val: { code: -32602 } } }
        ]
    ])('%s in what answers the message is the answer', async (_name, answer, expected) => {
        const { host, session } = await started(exchange => {
            const { id } = JSON.parse(exchange.request.body ?? '') as Message;
            reply(exchange, 200, answer(id), 'application/json');
        });
        const call = host.callTool(session, 'odd');
        expect('failure' in expected ? host.err(call) : host.ok(call)).toMatchObject(expected);
        expect(host.logs).toEqual([]);
    });

    test.each(['"Accepted"', '{}', '{"status":"accepted"}', 'no JSON', '{"jsonrpc":"2.0","id":99,"result":{}}'])(
        '%s in what answers the message means nothing',
        async body => {
            const { host, session, stream } = await started(exchange => reply(exchange, 202, body, 'application/json'));
            const call = host.callTool(session, 'odd');
            expect(host.outcomes.has(call)).toBe(false);
            const sent = host.exchanges.map(({ request }) => JSON.parse(request.body ?? '{}') as Message);
            stream.body(event(result(sent.at(-1)?.id)));
            expect(host.ok(call)).toMatchObject(DONE);
            expect(host.logs).toEqual([]);
        }
    );

    test('what is not JSON on the stream is ignored', async () => {
        const { host, session, stream } = await started(() => {});
        stream.body(event('oops') + event('{"jsonrpc":"2.0","id":99,"result":{}}'));
        expect(host.ok(host.callTool(session, 'fine'))).toMatchObject(DONE);
        expect(host.closed).toEqual([]);
    });
});

test("one session's failure is that session's alone", async () => {
    const worlds = {
        a: onPipe(new Peer('legacy', { 'tools/call': () => DONE })),
        b: onPipe(new Peer('legacy', { 'tools/call': () => DONE }))
    };
    let opened = 0;
    const host = await FakeHost.start({ pipe: end => (opened++ === 0 ? worlds.a : worlds.b).pipe?.(end) ?? {} });
    const a = host.connect(CONFIGS.stdio).session;
    const b = host.connect(CONFIGS.stdio).session;
    host.pipes[0]?.exit();
    expect(host.closed.map(({ session }) => session)).toEqual([a]);
    expect(host.ok(host.callTool(b, 'x'))).toMatchObject(DONE);
});
