import type { ExchangeEnd, World } from '../host/host.js';
import type { Message } from '../host/peer.js';
import { event, reply } from '../host/servers.js';
import type { Server } from './server.js';
import { HANDSHAKE } from './server.js';
import type { Trace } from './trace.js';
import { spoiled } from './trace.js';

/** A stream of events that is written down, so that it can be taken up where it broke off. */
class EventStream {
    readonly #events: string[] = [];
    #exchange: ExchangeEnd | undefined;
    /** How many events the stream of the moment still carries before it breaks off. */
    #left = Number.POSITIVE_INFINITY;
    #ended = false;

    constructor(
        private readonly trace: Trace,
        private readonly key: string,
        private readonly resumable: boolean,
        /** The call whose answer the stream brings. */
        readonly n: number | undefined
    ) {}

    attach(exchange: ExchangeEnd, from: number, left: number, headers = {}): void {
        this.#exchange = exchange;
        this.#left = left;
        exchange.head(200, { 'content-type': 'text/event-stream', ...headers });
        for (let i = from; i < this.#events.length; i++) this.#write(i);
        if (this.#left <= 0) this.#cut();
        if (this.#ended) this.end();
    }

    /** The event that lets a client take up the stream before anything was said. */
    prime(): void {
        this.send(`${this.trace.random.chance(0.5) ? 'retry: 200\n' : ''}data:\n\n`);
    }

    send(text: string): void {
        this.#write(this.#events.push(text) - 1);
    }

    end(): void {
        this.#ended = true;
        this.#exchange?.end();
    }

    #write(i: number): void {
        const exchange = this.#exchange;
        if (!exchange) return;
        const text = `${this.resumable ? `id: ${this.key}/${i}\n` : ''}${this.#events[i]}`;
        if (this.#left-- > 0) return this.#pieces(exchange, text);
        this.#pieces(exchange, text.slice(0, this.trace.random.below(text.length - 1)));
        this.#cut();
    }

    #pieces(exchange: ExchangeEnd, text: string): void {
        const bytes = new TextEncoder().encode(text);
        const size = this.trace.random.pick([bytes.length, bytes.length, 7]);
        for (let i = 0; i < bytes.length; i += size) exchange.body(bytes.slice(i, i + size));
    }

    #cut(): void {
        const exchange = this.#exchange;
        this.#exchange = undefined;
        if (!exchange) return;
        this.trace.note(`stream ${this.key} cut`);
        if (!this.resumable && this.n !== undefined) this.trace.touch(this.n, 'stream cut');
        exchange.end(this.trace.random.pick([undefined, { message: 'reset' }]));
    }
}

/** A server of Streamable HTTP, behind the proxy. */
export class Streamable {
    readonly #streams = new Map<string, EventStream>();
    #standalone: EventStream | undefined;
    #session = 1;
    /** The numbers of the messages that were sent on the standalone stream. */
    said = 0;

    constructor(
        private readonly trace: Trace,
        private readonly server: Server
    ) {}

    readonly world: World['http'] = exchange =>
        this.trace.later(() => {
            if (exchange.aborted) return;
            const { method } = exchange.request;
            if (method === 'POST') this.#post(exchange);
            else if (method === 'GET') this.#get(exchange);
            else this.#delete(exchange);
        }, 0);

    /** The server has something to say that belongs to no request. */
    say(): void {
        const data = ++this.said;
        const params = { level: 'info', data };
        this.#standalone?.send(event(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/message', params })));
    }

    /** The server forgets the session. */
    forget(): void {
        if (!this.#hasSessions) return;
        this.trace.note('forget');
        this.#session++;
    }

    get #hasSessions(): boolean {
        return this.trace.scenario.sessionIds && this.server.era === 'legacy';
    }

    /** Whether a request is of a session that there is no more. */
    #stranger(exchange: ExchangeEnd): boolean {
        const given = exchange.header('mcp-session-id');
        return this.#hasSessions && given !== undefined && given !== `s${this.#session}`;
    }

    /** The client begins anew: what is out is lost with the session. */
    #unknown(exchange: ExchangeEnd): void {
        for (const n of this.trace.waiting) if (n !== HANDSHAKE) this.trace.lose(n, this.#session, 'forgotten');
        reply(exchange, 404, 'no such session');
    }

    #delete(exchange: ExchangeEnd): void {
        const { trace } = this;
        if (!trace.fault()) return reply(exchange, 200);
        trace.random.pick([
            () => reply(exchange, 405),
            () => reply(exchange, 500),
            () => exchange.end(RESET),
            () => {}
        ])();
    }

    #get(exchange: ExchangeEnd): void {
        const { trace } = this;
        const { stream, resumable, sessionIds } = trace.scenario;
        if (this.#stranger(exchange)) return this.#unknown(exchange);
        const [key, index] = exchange.header('last-event-id')?.split('/') ?? [];
        const known = key === undefined ? undefined : this.#streams.get(key);
        if (key === undefined && !stream) return reply(exchange, 405);
        if (trace.fault()) {
            if (known?.n !== undefined) trace.touch(known.n, 'not taken up');
            return trace.random.pick([
                () => exchange.end({ kind: 'connect' }),
                () => exchange.end(RESET),
                () => reply(exchange, 500),
                () => reply(exchange, 405)
            ])();
        }
        const left = trace.fault() ? trace.random.below(2) : Number.POSITIVE_INFINITY;
        if (known) return known.attach(exchange, Number(index) + 1, left);
        if (key !== undefined) return reply(exchange, sessionIds ? 400 : 404);
        this.#standalone = new EventStream(trace, 'standalone', resumable, undefined);
        this.#streams.set('standalone', this.#standalone);
        this.#standalone.attach(exchange, 0, left);
    }

    #post(exchange: ExchangeEnd): void {
        const { trace, server } = this;
        const message = JSON.parse(exchange.request.body ?? '{}') as Message;
        const n = trace.from(message);
        if (this.#stranger(exchange) && message.method !== 'initialize') {
            if (n === HANDSHAKE) trace.touch(n, 'forgotten');
            return this.#unknown(exchange);
        }
        const what = trace.fault() ? trace.random.pick(FAULTS) : undefined;
        if (what === 'busy') {
            // Turned away: the server has not read it.
            if (n !== undefined && (trace.scenario.retryBudget === 0 || message.id === undefined || !message.method))
                trace.touch(n, 'busy');
            else trace.note(`busy: ${n}`);
            exchange.head(trace.random.pick([429, 503]), { 'retry-after': '1' });
            return exchange.end();
        }
        trace.taken(message);
        const turned = n !== undefined && TURNED[what ?? ''];
        if (turned) {
            trace.touch(n, what ?? '');
            if (what === 'unanswered') server.receive(message, () => {});
            return trace.later(() => turned(exchange, trace));
        }
        if (message.id === undefined || message.method === undefined) {
            server.receive(message, () => {});
            return trace.later(() => reply(exchange, 202));
        }
        this.#request(exchange, message, n ?? 0, what);
    }

    #request(exchange: ExchangeEnd, message: Message, n: number, what: Fault | undefined): void {
        const { trace, server } = this;
        const { answers, resumable } = trace.scenario;
        const events = answers === 'events' || (answers === 'mixed' && trace.random.chance(0.5));
        if (!events && !wantsEvents(message)) return this.#json(exchange, message, n, what);
        const key = `${n}-${this.#streams.size}`;
        const stream = new EventStream(trace, key, resumable && server.era === 'legacy', n);
        this.#streams.set(key, stream);
        const left = what === 'cut' ? 1 + trace.random.below(3) : Number.POSITIVE_INFINITY;
        stream.attach(exchange, 0, left, this.#given(message));
        if (resumable && server.era === 'legacy') stream.prime();
        let free = 0;
        server.receive(message, answer => {
            trace.owns(n, answer);
            free = Math.max(free, trace.clock.now + trace.delay());
            trace.later(() => this.#tell(stream, answer, n, what), free - trace.clock.now);
        });
    }

    #tell(stream: EventStream, message: Message, n: number, what: Fault | undefined): void {
        const { trace } = this;
        const final = message.method === undefined;
        if (what === 'spoiled' && final) {
            const { text } = spoiled(trace.random, message);
            trace.spoil(n, text);
            stream.send(event(text));
        } else {
            if (what === 'noise') stream.send(trace.random.pick([': hello\n\n', 'event: x\ndata: y\n\n', event('no')]));
            trace.reached(n, message);
            stream.send(event(JSON.stringify(message)));
            if (what === 'twice') {
                trace.gaps.add(n);
                stream.send(event(JSON.stringify(message)));
            }
        }
        if (final) stream.end();
    }

    /** The session id, which a server gives when the session begins. */
    #given({ method }: Message): Record<string, string> {
        return this.#hasSessions && method === 'initialize' ? { 'mcp-session-id': `s${this.#session}` } : {};
    }

    #json(exchange: ExchangeEnd, message: Message, n: number, what: Fault | undefined): void {
        const { trace } = this;
        const headers = { 'content-type': 'application/json', ...this.#given(message) };
        this.server.receive(message, answer => {
            let text = JSON.stringify(answer);
            if (what === 'spoiled') {
                ({ text } = spoiled(trace.random, answer));
                trace.spoil(n, text);
            }
            if (what === 'cut') trace.touch(n, what);
            trace.later(() => {
                trace.reached(n, answer);
                exchange.head(200, headers);
                exchange.body(what === 'cut' ? text.slice(0, 1 + trace.random.below(text.length - 1)) : text);
                exchange.end(what === 'cut' ? trace.random.pick([undefined, RESET]) : undefined);
            });
        });
    }
}

const RESET = { message: 'reset' };
const FAULTS = [
    'busy',
    'refused',
    'reset',
    'status',
    'page',
    'unanswered',
    'silent',
    'cut',
    'spoiled',
    'twice',
    'noise'
] as const;
type Fault = (typeof FAULTS)[number];

/** What takes the place of the server's answer. */
const TURNED: Partial<Record<string, (exchange: ExchangeEnd, trace: Trace) => void>> = {
    refused: exchange => exchange.end({ kind: 'connect' }),
    reset: exchange => exchange.end(RESET),
    status: (exchange, { random }) => reply(exchange, random.pick([400, 403, 500, 502, 503]), 'no'),
    page: exchange => reply(exchange, 200, '<html>', 'text/html'),
    unanswered: (exchange, { random }) => random.pick([() => reply(exchange, 202), () => exchange.end(RESET)])(),
    silent: () => {}
};

/** Whether an answer has to be a stream: more than the answer itself may come. */
function wantsEvents({ method, params }: Message): boolean {
    if (method === 'subscriptions/listen') return true;
    const { progress, asks } = (params?.['arguments'] ?? {}) as { progress?: number; asks?: string[] };
    return method === 'tools/call' && ((progress ?? 0) > 0 || (asks?.length ?? 0) > 0);
}
