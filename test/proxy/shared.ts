import type { ExchangeEnd, World } from '../host/host.js';
import type { Message } from '../host/peer.js';
import { event, reply } from '../host/servers.js';
import type { Server } from './server.js';
import { HANDSHAKE } from './server.js';
import type { Trace } from './trace.js';
import { spoiled } from './trace.js';

/** What all messages to the client go through, one after the other: a pipe, or the stream of 2024-11-05. */
class Channel {
    #free = 0;
    #over = false;

    constructor(
        private readonly trace: Trace,
        private readonly write: (text: string) => void,
        private readonly breakOff: () => void
    ) {}

    send(n: number, message: Message): void {
        const { trace } = this;
        trace.owns(n, message);
        if (!trace.fault()) return this.#at(() => this.#reach(n, message));
        const what = trace.random.pick(['lost', 'twice', 'spoiled', 'noise', 'late', 'cut'] as const);
        const notification = message.method !== undefined && message.id === undefined;
        switch (what) {
            case 'lost':
                if (notification) trace.gaps.add(n);
                else trace.touch(n, 'message to the client lost');
                return;
            case 'twice':
                trace.note(`twice: ${n}`);
                trace.gaps.add(n);
                this.#at(() => this.#reach(n, message));
                return this.#at(() => this.#reach(n, message));
            case 'spoiled': {
                const { text, anonymous } = spoiled(trace.random, message);
                trace.gaps.add(n);
                if (!notification) trace.spoil(n, text);
                return this.#at(() => {
                    if (anonymous) trace.touchAll(`spoiled ${text}`);
                    this.write(text);
                });
            }
            case 'noise':
                this.#at(() => this.write(trace.random.pick(['Listening', '{}', '[]', '"x"', '{"level":"info"}'])));
                return this.#at(() => this.#reach(n, message));
            case 'late':
                return this.#at(() => this.#reach(n, message), 2000);
            case 'cut':
                trace.later(() => this.cut());
                return this.#at(() => this.#reach(n, message));
        }
    }

    cut(): void {
        if (this.#over) return;
        this.#over = true;
        this.trace.note('cut');
        this.breakOff();
    }

    #reach(n: number, message: Message): void {
        if (this.#over) return;
        this.trace.reached(n, message);
        this.write(JSON.stringify(message));
    }

    #at(happen: () => void, more = 0): void {
        const { clock, scenario } = this.trace;
        const at = clock.now + this.trace.delay() + more;
        this.#free = scenario.reorder ? at : Math.max(this.#free, at);
        this.trace.later(() => this.#over || happen(), this.#free - clock.now);
    }
}

/** A command, behind the proxy. */
export function throughPipe(trace: Trace, server: () => Server): World['pipe'] {
    return end => {
        const running = server();
        const channel = new Channel(
            trace,
            text => end.write(text),
            () => {
                const over = ++trace.cuts > trace.scenario.restarts;
                // A new command gets a new handshake, if there may be one more.
                if (over || !trace.connected) trace.touch(HANDSHAKE, 'cut');
                for (const n of trace.waiting) if (n !== HANDSHAKE) trace.lose(n, trace.cuts, 'cut');
                trace.waiting.clear();
                if (over) trace.lethal ??= 'the command ended';
                end.exit();
            }
        );
        let fresh = true;
        return {
            line: text => {
                const message = JSON.parse(text) as Message;
                const n = trace.from(message, fresh);
                fresh = false;
                trace.taken(message);
                const arrive = () => running.receive(message, reply => channel.send(n ?? 0, reply));
                if (n === undefined || !trace.fault()) return trace.later(arrive);
                switch (trace.random.pick(['lost', 'twice', 'late', 'cut before', 'cut after'] as const)) {
                    case 'lost':
                        return trace.touch(n, 'message to the server lost');
                    case 'twice':
                        trace.gaps.add(n);
                        trace.later(arrive);
                        return trace.later(arrive);
                    case 'late':
                        // A probe that is answered too late is taken for one that is not, and this server
                        // has no other handshake.
                        if (n === HANDSHAKE && running.era === 'modern') trace.touch(n, 'late');
                        return trace.later(arrive, 3000);
                    case 'cut before':
                        return trace.later(() => channel.cut());
                    case 'cut after':
                        trace.later(arrive, 0);
                        return trace.later(() => channel.cut(), 0);
                }
            },
            closing: () => trace.later(() => end.exit())
        };
    };
}

/** A server of revision 2024-11-05, behind the proxy. */
export function throughSse(trace: Trace, server: Server): World['http'] {
    let channel: Channel | undefined;
    const open = (exchange: ExchangeEnd) => {
        if (trace.fault()) {
            trace.touch(HANDSHAKE, 'no stream');
            trace.random.pick([
                () => exchange.end({ kind: 'connect' }),
                () => exchange.end(),
                () => reply(exchange, 500),
                () => {}
            ])();
            return;
        }
        exchange.head(200, { 'content-type': 'text/event-stream' });
        exchange.body('event: endpoint\ndata: /message\n\n');
        channel = new Channel(
            trace,
            text => exchange.body(event(text)),
            () => {
                trace.touchAll('cut');
                trace.touch(HANDSHAKE, 'cut');
                trace.lethal ??= 'the stream ended';
                exchange.end(trace.random.pick([undefined, { message: 'reset' }]));
            }
        );
    };
    const post = (exchange: ExchangeEnd) => {
        const message = JSON.parse(exchange.request.body ?? '{}') as Message;
        const n = trace.from(message);
        trace.taken(message);
        const arrive = () => server.receive(message, reply => channel?.send(n ?? 0, reply));
        const accept = () => reply(exchange, 202);
        if (!trace.fault()) {
            trace.later(arrive);
            trace.later(accept);
            return;
        }
        switch (trace.random.pick(['refused', 'lost', 'status', 'unsaid', 'late', 'twice'] as const)) {
            case 'refused':
                if (n !== undefined) trace.touch(n, 'refused');
                {
                    exchange.end({ kind: 'connect' });
                    return;
                }
            case 'lost':
                if (n !== undefined) trace.touch(n, 'lost');
                trace.later(arrive);
                {
                    trace.later(() => exchange.end({ message: 'reset' }));
                    return;
                }
            case 'status':
                if (n !== undefined) trace.touch(n, 'status');
                {
                    trace.later(() => reply(exchange, trace.random.pick([400, 404, 500, 503]), 'no'));
                    return;
                }
            case 'unsaid':
                // The server has the message and never says so.
                if (n !== undefined) trace.touch(n, 'unsaid');
                {
                    trace.later(arrive);
                    return;
                }
            case 'late':
                trace.later(arrive);
                {
                    trace.later(accept, 5000);
                    return;
                }
            case 'twice':
                if (n !== undefined) trace.gaps.add(n);
                trace.later(accept);
                trace.later(arrive);
                {
                    trace.later(arrive);
                    return;
                }
        }
    };
    return exchange => {
        const { method, url } = exchange.request;
        if (method === 'GET') return trace.later(() => open(exchange));
        if (method === 'POST' && new URL(url).pathname === '/message') return trace.later(() => post(exchange), 0);
        trace.later(() => reply(exchange, 404));
    };
}
