import type { Clock } from '../host/clock.js';
import type { Message } from '../host/peer.js';
import type { Random } from './random.js';
import type { Scenario } from './scenario.js';
import { HANDSHAKE, PING, numberOf } from './server.js';

/** What the proxy decides, and what it has done: by this a run is judged. */
export class Trace {
    /** The calls that something happened to. Any other must succeed. */
    readonly touched = new Set<number>();
    /** The calls some of whose notifications may be missing, or out of order. */
    readonly gaps = new Set<number>();
    /** The calls whose requests have come as far as here. */
    readonly seen = new Set<number>();
    /** The calls that may be sent twice. */
    readonly repeatable = new Set<number>();
    /** The calls whose connection or session was lost, and which of the losses was the first. */
    readonly lost = new Map<number, number>();
    /** The calls whose requests wait for an answer. */
    readonly waiting = new Set<number>();
    /** How often each request of a call went out, and was not turned away unread. */
    readonly sent = new Map<string, number>();
    /** What was done, for people. */
    readonly did: string[] = [];
    /** The results in answers that were spoiled, by their calls. */
    readonly spoilt = new Map<number, string[]>();
    /** Why the session need not live any more. */
    lethal: string | undefined;
    /** Whether a command has ended by itself. */
    cuts = 0;
    /** No fault begins any more. */
    calm = false;
    /** The calls for which the server asked a question, by the question's id. */
    readonly #owners = new Map<unknown, number>();

    constructor(
        readonly random: Random,
        readonly scenario: Scenario,
        readonly clock: Clock,
        private readonly settled: () => boolean
    ) {}

    /** Whether `connect` has settled. */
    get connected(): boolean {
        return this.settled();
    }

    /** Whether something happens here. */
    fault(): boolean {
        return !this.calm && this.random.chance(this.scenario.faults);
    }

    delay(): number {
        return this.random.pick([0, 0, 1, 5, 20, ...(this.calm ? [] : [300])]);
    }

    later(happen: () => void, delay = this.delay()): void {
        this.clock.after(delay, happen);
    }

    note(what: string): void {
        this.did.push(`${this.clock.now % 10_000_000} ${what}`);
    }

    touch(n: number, what: string): void {
        this.note(`${what}: ${n}`);
        this.touched.add(n);
        this.gaps.add(n);
        if (n === HANDSHAKE && this.connected) this.lethal ??= `${what} at a new handshake`;
    }

    /** An answer to a call is spoiled. What it says all the same may be what the call comes to. */
    spoil(n: number, text: string): void {
        this.touch(n, `spoiled ${text}`);
        try {
            const { result } = JSON.parse(text) as Message;
            if (result !== undefined) this.spoilt.set(n, [...(this.spoilt.get(n) ?? []), JSON.stringify(result)]);
        } catch {
            // It says nothing.
        }
    }

    /**
     * The connection of a call is lost with it, or its session. What only asks is sent again, once.
     * The count tells one loss from the next.
     */
    lose(n: number, count: number, what: string): void {
        const before = this.lost.get(n) ?? count;
        this.lost.set(n, before);
        this.gaps.add(n);
        if (before !== count || !this.repeatable.has(n)) this.touch(n, what);
        else this.note(`${what}, to be sent again: ${n}`);
    }

    touchAll(what: string): void {
        for (const n of this.waiting) this.touch(n, what);
    }

    /** A message comes from the client. Returns the call it matters to; undefined when to none. */
    from(message: Message, handshake = false): number | undefined {
        const { id, method } = message;
        if (method === undefined) return this.#owners.get(id);
        if (id === undefined) return method === 'notifications/initialized' ? HANDSHAKE : undefined;
        // In revision 2026-07-28 a ping is the same as the first step of the handshake.
        const ping = method === 'server/discover' && this.connected && !handshake;
        const n = ping ? PING : numberOf(message);
        this.waiting.add(n);
        this.seen.add(n);
        return n;
    }

    /** A request was not turned away. */
    taken(message: Message): void {
        if (message.method !== 'tools/call') return;
        const key = `${numberOf(message)}/${(message.params?.['requestState'] as string | undefined) ?? '0'}`;
        this.sent.set(key, (this.sent.get(key) ?? 0) + 1);
    }

    /** A message of a call is on its way to the client. */
    owns(n: number, message: Message): void {
        if (message.method !== undefined && message.id !== undefined) this.#owners.set(message.id, n);
    }

    /** A message of a call has reached the client. */
    reached(n: number, { method, result }: Message): void {
        // A call whose answer asks for input goes on.
        const more = (result as { resultType?: string } | undefined)?.resultType === 'input_required';
        if (method === undefined && !more) this.waiting.delete(n);
    }
}

/** A message that was spoiled, and whether nothing in it says any more whose it is. */
export function spoiled(random: Random, message: Message): { text: string; anonymous: boolean } {
    const text = JSON.stringify(message);
    const half = () => ({ text: text.slice(0, 1 + random.below(text.length - 1)), anonymous: true });
    if (message.method !== undefined) return half();
    const { id } = message;
    const odd = (members: object) => ({ text: JSON.stringify({ jsonrpc: '2.0', id, ...members }), anonymous: false });
    const stranger = (id: unknown) => ({ text: JSON.stringify({ ...message, id }), anonymous: true });
    return random.pick([
        half,
        half,
        () => ({ text: text.replace('{"', '{'), anonymous: true }),
        () => ({ text: text.replace('result', 'res\u0001ult'), anonymous: true }),
        () => stranger(99_999),
        () => stranger(null),
        () => stranger('nobody'),
        () => odd({ result: 5 }),
        () => odd({ result: null }),
        () => odd({ error: 'no' }),
        () => odd({ result: {}, error: { code: 1, message: 'x' } }),
        () => odd({}),
        () => odd({ result: { _meta: 3 } })
    ])();
}
