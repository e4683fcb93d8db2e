// Runs while the component is built: every instance starts with the memory that it leaves. The engine
// compiles a function when it is first called, and the SDK builds a schema when it is first used; a
// conversation with servers in memory makes both happen at build time. No import can be called then, so no
// message leaves the component, and nothing here may set a timer, settle or log.
import type { JSONRPCMessage, StandardSchemaV1, Transport } from '@modelcontextprotocol/client';

import { ObservedClient, optionsFor, send } from '../connection/client.js';
import type { FastPath } from '../connection/fast-path.js';
import { Call } from '../operations/calls.js';
import { NEVER } from '../platform/timers.js';
import { exact, parseObject } from '../protocol/json.js';
import type { Params } from '../protocol/requests.js';
import type { FastRequest, FastTransport } from '../transport/fast-request.js';
import type { Egress } from '../transport/fetch.js';
import { HttpTransport } from '../transport/http.js';
import { Observer } from '../transport/observer.js';
import type { ScriptHost } from '../scripts/host.js';
import { Runner } from '../scripts/runner.js';
import { HttpResponse } from '../transport/response.js';
import { ConnectionFastPath } from './connection-fast-path.js';
import { HttpFastTransport } from './http-fast-transport.js';

type Era = 'legacy' | 'modern';

/** Requests that only read: the params, and the result without the members that an era adds. */
const ASKED: Record<string, [params: string, result: string]> = {
    'tools/list': ['{}', '"tools":[{"name":"t","inputSchema":{"type":"object"},"annotations":{"readOnlyHint":true}}]'],
    'resources/list': ['{}', '"resources":[{"uri":"a:b","name":"r"}]'],
    'resources/templates/list': ['{}', '"resourceTemplates":[{"uriTemplate":"a:{b}","name":"r"}]'],
    'resources/read': ['{"uri":"a:b"}', '"contents":[{"uri":"a:b","text":"x"}]'],
    'prompts/list': ['{}', '"prompts":[{"name":"p","arguments":[{"name":"a","required":true}]}]'],
    'prompts/get': ['{"name":"p"}', '"messages":[{"role":"user","content":{"type":"text","text":"x"}}]'],
    'completion/complete': [
        '{"ref":{"type":"ref/prompt","name":"p"},"argument":{"name":"a","value":"x"}}',
        '"completion":{"values":["xy"]}'
    ],
    'tasks/get': ['{"taskId":"t"}', '"taskId":"t","status":"working","createdAt":"","lastUpdatedAt":""']
};

/**
 * Questions of servers: the params of each, and its answer. Sampling is left out: the code of its many
 * validators would be a fifteenth of the component, and sampling waits for a model anyway.
 */
const QUESTIONS: Record<string, [params: object, answer: Record<string, unknown>]> = {
    'elicitation/create': [
        { message: 'm', requestedSchema: { type: 'object', properties: { a: { type: 'string', default: 'x' } } } },
        { action: 'accept', content: {} }
    ],
    'roots/list': [{}, { roots: [{ uri: 'file:///a' }] }]
};

/** More small objects than the engine's nursery holds. */
const SWEPT = 3_000_000;
/** The sizes of the engine's free pieces of memory, and a total for each size that exceeds what is free. */
const PIECES = [65_536, 16_384, 4096, 1024, 512, 256, 128];
const OF_EACH = 1_500_000;

const CAPABILITIES = { elicitation: { form: { applyDefaults: true } }, roots: {} };

/** What servers say of themselves, with all members that have schemas of their own. */
const INTRODUCTION =
    '"capabilities":{"tools":{"listChanged":true},"resources":{"subscribe":true,"listChanged":true},"prompts":{"listChanged":true},"completions":{},"logging":{},"experimental":{"a":{}},"extensions":{"a":{}}},"instructions":"i"';

/** What a server acknowledges of a subscription: its id is that of the request. */
const acknowledgement = (id: unknown) =>
    `{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":${JSON.stringify(id)}},"notifications":{"toolsListChanged":true,"resourceSubscriptions":["a:b"]}}}`;

const ANY: StandardSchemaV1<object, object> = {
    '~standard': { version: 1, vendor: 'caisson', validate: value => ({ value: value as object }) }
};

const asked = (before: string, after: string) =>
    Object.fromEntries(Object.entries(ASKED).map(([method, [, result]]) => [method, `{${before}${result}${after}}`]));

/** What a server of each era answers, by method. */
const ANSWERS: Record<Era, Record<string, string>> = {
    legacy: {
        initialize: `{"protocolVersion":"2025-11-25",${INTRODUCTION},"serverInfo":{"name":"w","version":"1"}}`,
        ...asked('', ''),
        'tools/call': '{"content":[{"type":"text","text":"x"}],"structuredContent":{"a":[1]}}'
    },
    modern: {
        'server/discover': `{"resultType":"complete","supportedVersions":["2026-07-28"],${INTRODUCTION},"ttlMs":0,"cacheScope":"private","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"w","version":"1"}}}`,
        ...asked('"resultType":"complete",', ',"ttlMs":0,"cacheScope":"private"'),
        'tools/call': '{"resultType":"complete","content":[{"type":"text","text":"x"}],"structuredContent":{"a":[1]}}'
    }
};

function answer(era: Era, message: JSONRPCMessage): string | undefined {
    if (!('method' in message) || !('id' in message)) return undefined;
    if (message.method === 'subscriptions/listen') return acknowledgement(message.id);
    const result = ANSWERS[era][message.method];
    const member = result === undefined ? '"error":{"code":-32601,"message":"no"}' : `"result":${result}`;
    return `{"jsonrpc":"2.0","id":${JSON.stringify(message.id)},${member}}`;
}

/** A pipe to a server in memory. */
class MemoryTransport implements Transport, FastTransport {
    onmessage?: (message: JSONRPCMessage) => void;
    onclose?: () => void;
    readonly pid = null;
    readonly stderr = null;

    constructor(
        private readonly observer: Observer,
        private readonly era: Era
    ) {}

    async start(): Promise<void> {}

    async send(message: JSONRPCMessage): Promise<void> {
        this.observer.sent(message);
        const text = answer(this.era, JSON.parse(JSON.stringify(message)) as JSONRPCMessage);
        await Promise.resolve();
        this.#receive(text);
    }

    post(_request: FastRequest, text: string): void {
        this.#receive(answer(this.era, JSON.parse(text) as JSONRPCMessage));
    }

    #receive(text: string | undefined): void {
        if (text === undefined) return;
        // The observer tells the host of a notification, which is an import.
        const messages = text.includes('"id"') ? this.observer.received(text) : [JSON.parse(text) as JSONRPCMessage];
        for (const message of messages) this.onmessage?.(message);
    }

    async close(): Promise<void> {
        this.onclose?.();
    }
}

/** The `Egress` to a server in memory, which answers alternately with events and with JSON. */
function memoryEgress(observer: Observer, era: Era): Egress {
    let events = false;
    const exchange = (body: unknown): HttpResponse => {
        const message = JSON.parse(typeof body === 'string' ? body : 'null') as JSONRPCMessage | null;
        const text = message ? answer(era, message) : undefined;
        events = !events;
        const type = events ? 'text/event-stream' : 'application/json';
        const status = text !== undefined ? 200 : message ? 202 : 405;
        const response = new HttpResponse('', status, [['content-type', type]], () => {});
        if (text !== undefined) {
            response.messages = observer.received(text);
            response.push(new TextEncoder().encode(events ? `data: ${text}\n\n` : text));
        }
        response.end();
        return response;
    };
    return {
        async fetch(_, init) {
            if ([...new Headers(init?.headers)].length === 0) throw new Error('no headers');
            return exchange(init?.body) as unknown as Response;
        },
        async post(_, headers, body) {
            if (headers.length === 0) throw new Error('no headers');
            return exchange(body);
        },
        postFast(_request, _prepared, body) {
            const response = exchange(body);
            return { response: async () => response, drop() {} };
        }
    };
}

/** Sends a request on the fast path. Fails when the SDK takes the request over. */
function sendFast(fastPath: FastPath, call: Call, method: string, params: Params, text?: string): Promise<void> {
    return new Promise((finish, fail) =>
        fastPath.send(call, {
            method,
            params,
            text,
            finish: () => finish(),
            handedOver: () => fail(new Error(`the fast path does not work: ${method}`))
        })
    );
}

async function converse(
    era: Era,
    observer: Observer,
    call: Call,
    transport: Transport,
    fastTransport: FastTransport,
    subscribes: boolean
): Promise<void> {
    const negotiation = { mode: 'auto', probe: { timeoutMs: NEVER } } as const;
    const options = { versionNegotiation: negotiation, capabilities: CAPABILITIES };
    const client = new ObservedClient({ name: 'w', version: '1' }, options);
    for (const [method, [, answer]] of Object.entries(QUESTIONS))
        client.setRequestHandler(method, { params: ANY }, () => answer);
    client.observedBy(observer);
    await client.connect(transport, optionsFor(call));
    observer.handshakeOver();
    if (subscribes) await client.listen({ toolsListChanged: true, resourceSubscriptions: ['a:b'] }, optionsFor(call));
    const fastPath = new ConnectionFastPath(client, observer, fastTransport, era === 'modern');
    for (const [method, [text]] of Object.entries(ASKED)) {
        const params = parseObject(text);
        await send(client, { method, params }, optionsFor(call));
        if (fastPath.takes(method, params)) await sendFast(fastPath, call, method, params);
    }
    for (const args of ['{"a":[1,{"b":null}]}', '{"n":9007199254740993}']) {
        const text = `{"name":"t","arguments":${args}}`;
        const params = parseObject(text);
        await client.callTool(exact(params, text) as { name: string }, optionsFor(call));
        await sendFast(fastPath, call, 'tools/call', params, text);
    }
    for (const [method, [params]] of Object.entries(QUESTIONS))
        await client.answer('w', { method, params }, { signal: call.signal });
    await client.close();
}

/** Warms up both eras over both transports. Rejects when any step fails. */
export async function warmUp(): Promise<void> {
    for (const era of ['legacy', 'modern'] as const) {
        for (const http of [false, true]) {
            const call = new Call(0, 0, 'connect');
            const observer = new Observer(0, call, true);
            const url = new URL('http://localhost/');
            if (http) {
                const transport = new HttpTransport(url, observer, memoryEgress(observer, era));
                await converse(era, observer, call, transport, new HttpFastTransport(transport), false);
            } else {
                const transport = new MemoryTransport(observer, era);
                // Over HTTP the stream would be asked for again, by a timer.
                await converse(era, observer, call, transport, transport, era === 'modern');
            }
            if (call.result !== ANSWERS[era]['tools/call']) throw new Error(`the warm-up went wrong: ${era}`);
        }
    }
}

/**
 * Runs scripts, with a host in memory. Rejects when they go wrong. The parser is left out: few scripts need it, and its
 * code would be a megabyte of every instance.
 */
export async function warmUpScripts(): Promise<void> {
    const outcomes: string[] = [];
    const calls: number[] = [];
    const host: ScriptHost = {
        callTool: call => calls.push(call),
        log: () => {},
        settle: (_, outcome) => outcomes.push(outcome.tag === 'ok' ? outcome.val : outcome.val.kind)
    };
    const global: Record<string, unknown> = {};
    const listed =
        '[{"server":"files","tool":{"name":"read_file","description":"Reads a file","inputSchema":{"type":"object"}}}]';
    const run = (text: string) => new Runner(host, global).run(1, { name: 'w', text }, listed, '{"a":[1]}', ['x']);
    run('return (');
    run("throw new Error('x')");
    run('1 + 1');
    await settled();
    const runner = new Runner(host, global);
    runner.run(1, { name: 'w', text: 'function main(x) { return { x } }' }, listed, 'null', ['x']);
    await settled();
    const { tools, print, search_tools, get_tool, console } = global as Record<
        string,
        (...args: unknown[]) => unknown
    > & {
        tools: Record<string, Record<string, (args: object) => Promise<unknown>>>;
        console: Record<string, (...values: unknown[]) => void>;
    };
    const answers: unknown[] = [];
    const note = (answer: unknown) => answers.push(answer);
    tools['files']?.['read_file']?.({ path: 'x' }).then(note, note);
    tools['files']?.['read_file']?.({}).then(note, note);
    tools['files']?.['missing']?.({}).then(note, note);
    const [first = 0, second = 0, third = 0] = calls;
    runner.deliver([
        {
            tag: 'tool-answer',
            val: { call: first, outcome: { tag: 'ok', val: '{"content":[{"type":"text","text":"{}"}]}' } }
        },
        {
            tag: 'tool-answer',
            val: {
                call: second,
                outcome: { tag: 'ok', val: '{"content":[{"type":"text","text":"x"}],"isError":true}' }
            }
        },
        { tag: 'tool-answer', val: { call: third, outcome: { tag: 'err', val: { code: 'c', message: 'm' } } } }
    ]);
    await settled();
    print?.('x', { a: [1, new Map([[1, 2]])], b: new Date(0) }, new Error('x'));
    console['error']?.(null);
    search_tools?.('read');
    get_tool?.('files.read_file');
    if (outcomes.join() !== 'syntax,runtime,2,{"x":"x"}' || answers.length !== 3)
        throw new Error(`the warm-up of scripts went wrong: ${outcomes.join()}`);
}

/** Waits until the engine has run what waits. */
async function settled(): Promise<void> {
    for (let i = 0; i < 20; i++) await Promise.resolve();
}

/**
 * Overwrites free memory. The component contains the memory as it is, and two thirds of a compressed
 * megabyte in it were garbage.
 */
export function sweep(): unknown {
    let last: unknown;
    for (let i = 0; i < SWEPT; i++) last = [0, 0];
    const pieces = PIECES.flatMap(size => Array.from({ length: OF_EACH / size }, () => new ArrayBuffer(size)));
    return [last, pieces.length];
}
