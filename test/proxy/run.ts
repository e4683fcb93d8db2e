import { FakeHost } from '../host/host.js';
import type { Ask, World } from '../host/host.js';
import { CONFIGS } from '../host/sessions.js';
import { Random } from './random.js';
import type { Scenario, Step } from './scenario.js';
import { PATIENCE_MS, scenarioOf } from './scenario.js';
import { HANDSHAKE, N, PING, Server } from './server.js';
import { throughPipe, throughSse } from './shared.js';
import { Streamable } from './streamable.js';
import { Trace } from './trace.js';

/** A call of the user's. */
interface Made {
    readonly n: number;
    readonly step: Step;
    readonly call: number;
    gaveUp: boolean;
}

const CAPABILITIES = JSON.stringify({ sampling: {}, elicitation: { form: {} }, roots: {} });
/** The methods whose result says nothing. */
const EMPTY = new Set(['logging/setLevel', 'resources/subscribe', 'resources/unsubscribe']);
const HEALTH: Step = {
    after: 0,
    method: 'tools/call',
    patience: PATIENCE_MS,
    params: { name: 'look', arguments: { progress: 0, asks: [] } }
};

/** What many runs came to. */
export class Tally {
    runs = 0;
    connected = 0;
    calls = 0;
    /** Calls that succeeded, and of them those with a lost connection or session on their way. */
    served = 0;
    servedAgain = 0;
    renewed = 0;
    /** Sessions that ended by themselves. */
    ended = 0;
    questions = 0;
    /** What the proxy did. */
    faults = 0;
}

/** Runs of seeds, one after the other, in one instance of the component. */
export class Runner {
    #world: World = {};
    #host!: FakeHost;

    private constructor(private readonly tally: Tally) {}

    static async start(tally: Tally): Promise<Runner> {
        const runner = new Runner(tally);
        runner.#host = await FakeHost.start({
            pipe: end => runner.#world.pipe?.(end) ?? {},
            http: end => runner.#world.http?.(end),
            ask: ask => runner.#world.ask?.(ask)
        });
        return runner;
    }

    /** Runs a seed. Returns what is wrong, and what was done; nothing when all is well. */
    run(seed: number): string | undefined {
        const run = new Run(seed, this.#host, world => (this.#world = world));
        let wrong: string[];
        try {
            wrong = run.play();
        } catch (error) {
            wrong = [error instanceof Error ? (error.stack ?? error.message) : String(error)];
        }
        run.count(this.tally);
        return wrong.length === 0 ? undefined : [`seed ${seed}`, ...wrong, ...run.story()].join('\n  ');
    }
}

class Run {
    readonly #random: Random;
    readonly #scenario: Scenario;
    readonly #trace: Trace;
    readonly #server: Server;
    readonly #made: Made[] = [];
    readonly #wrong: string[] = [];
    readonly #streamable: Streamable;
    /** What the user has not answered. */
    readonly #open = new Set<Ask>();
    #session = 0;
    #connect = 0;
    #closed = false;
    /** How much of everything there was before. */
    readonly #from: { asks: number; closed: number; notifications: number; renewed: number };

    constructor(
        seed: number,
        private readonly host: FakeHost,
        enter: (world: World) => void
    ) {
        this.#random = new Random(seed);
        this.#scenario = scenarioOf(this.#random);
        const connected = () => host.outcomes.has(this.#connect);
        this.#trace = new Trace(this.#random, this.#scenario, host.clock, connected);
        this.#server = new Server(this.#scenario.era, happen => this.#trace.later(happen));
        this.#streamable = new Streamable(this.#trace, this.#server);
        this.#from = {
            asks: host.asks.length,
            closed: host.closed.length,
            notifications: host.notifications.length,
            renewed: host.renewed.length
        };
        enter(this.#world());
    }

    story(): string[] {
        const { steps, ...rest } = this.#scenario;
        const outcomes = this.#made.map(({ n, step, call }) => {
            const outcome = JSON.stringify(this.host.outcomes.get(call) ?? []);
            return `call ${n} ${step.method} ${JSON.stringify(step.params)}: ${outcome.slice(0, 200)}`;
        });
        return [JSON.stringify(rest), `${steps.length} steps`, ...this.#trace.did, ...outcomes];
    }

    count(tally: Tally): void {
        const { host } = this;
        const good = (call: number) => host.outcomes.get(call)?.[0]?.tag === 'ok';
        const served = this.#made.filter(({ call }) => good(call));
        tally.runs++;
        tally.connected += good(this.#connect) ? 1 : 0;
        tally.calls += this.#made.length;
        tally.served += served.length;
        tally.servedAgain += served.filter(({ n }) => this.#trace.lost.has(n)).length;
        tally.renewed += host.renewed.length - this.#from.renewed;
        tally.ended += host.closed.length - this.#from.closed;
        tally.questions += host.asks.length - this.#from.asks;
        tally.faults += this.#trace.did.length;
    }

    play(): string[] {
        const { host } = this;
        const trace = this.#trace;
        if (this.#begin()) {
            for (const step of this.#scenario.steps) {
                this.#pass(step.after);
                this.#make(step);
                if (trace.fault()) this.#streamable.forget();
                if (this.#scenario.stream) this.#streamable.say();
            }
            if (!this.#scenario.closeEarly) this.#settle();
            this.#close();
        }
        trace.calm = true;
        host.advance(120_000);
        this.#checkAll();
        return this.#wrong;
    }

    /** Connects; whether it did. */
    #begin(): boolean {
        const trace = this.#trace;
        const { transport, restarts, retryBudget } = this.#scenario;
        const { session, call } = this.host.begin({
            ...CONFIGS[transport],
            capabilities: CAPABILITIES,
            restarts,
            retryBudget
        });
        this.#session = session;
        this.#connect = call;
        if (this.#random.chance(0.05)) {
            trace.touch(HANDSHAKE, 'given up');
            trace.later(() => this.host.cancel(call, 'too late'), this.#random.below(200));
        }
        for (let i = 0; i < 700 && !this.host.outcomes.has(call); i++) this.#pass(50);
        const outcome = this.host.outcomes.get(call)?.[0];
        if (outcome === undefined) this.#wrong.push('connect has not settled');
        else if (outcome.tag === 'err' && !trace.touched.has(HANDSHAKE))
            this.#wrong.push('connect failed, and nothing happened to it');
        return outcome?.tag === 'ok';
    }

    #make(step: Step): Made {
        const n = step.method === 'ping' ? PING : this.#made.length + 1;
        const meta = { [N]: n, ...(step.method === 'tools/call' && { progressToken: 1000 * this.#session + n }) };
        const params = JSON.stringify({ ...step.params, _meta: meta });
        if (step.method !== 'tools/call' && step.method !== 'subscriptions/listen') this.#trace.repeatable.add(n);
        const call = this.host.call((client, call) =>
            step.method === 'ping'
                ? client.ping(call, this.#session)
                : client.request(call, this.#session, step.method, params)
        );
        const made = { n, step, call, gaveUp: false };
        this.#made.push(made);
        this.#trace.later(() => {
            if (this.host.outcomes.has(call)) return;
            made.gaveUp = true;
            this.#trace.note(`given up: ${n}`);
            this.host.cancel(call, 'too late');
        }, step.patience);
        return made;
    }

    /** Lets all calls come to their end, and sees whether the session still serves. */
    #settle(): void {
        for (let i = 0; i < 70; i++) this.#pass(1000);
        const trace = this.#trace;
        trace.calm = true;
        this.host.advance(40_000);
        const { call } = this.#make(HEALTH);
        this.host.advance(20_000);
        const served = this.host.outcomes.get(call)?.[0]?.tag === 'ok';
        if (!served && trace.lethal === undefined) this.#wrong.push('the session does not serve any more');
        const closed = this.host.closed.length - this.#from.closed;
        if (closed > (trace.lethal === undefined ? 0 : 1)) this.#wrong.push('the session ended by itself');
    }

    #close(): void {
        this.#closed = true;
        const call = this.host.call((client, call) => client.close(call, this.#session));
        for (const { call, n } of this.#made)
            if (!this.host.outcomes.has(call)) this.#wrong.push(`${n} outlives close`);
        this.host.advance(10_000);
        if (this.host.outcomes.get(call)?.[0]?.tag !== 'ok') this.#wrong.push('close has not settled');
    }

    #checkAll(): void {
        const { host } = this;
        for (const call of [this.#connect, ...this.#made.map(({ call }) => call)]) {
            const times = host.outcomes.get(call)?.length ?? 0;
            if (times !== 1) this.#wrong.push(`call id ${call} has settled ${times} times`);
        }
        for (const made of this.#made) this.#check(made);
        for (const { retracted, method } of this.#open) if (!retracted) this.#wrong.push(`${method} is asked for ever`);
        this.#checkOrder();
        const { exchanges, pipes, timers } = host.open;
        if (exchanges + pipes + timers > 0) this.#wrong.push(`left open: ${JSON.stringify(host.open)}`);
        for (const [key, times] of this.#trace.sent) {
            const made = this.#made.find(({ n }) => n === Number(key.split('/')[0]));
            if (made?.step.params['name'] === 'pay' && times > 1)
                this.#wrong.push(`pay ${key} was sent ${times} times`);
            if (times > 4) this.#wrong.push(`${key} was sent ${times} times`);
        }
    }

    #check({ n, step, call, gaveUp }: Made): void {
        const trace = this.#trace;
        const outcome = this.host.outcomes.get(call)?.[0];
        if (!outcome) return;
        if (outcome.tag === 'ok') {
            const known = this.#server.results.get(n);
            const expected =
                step.method === 'ping' || step.method === 'subscriptions/listen' ? '{}' : JSON.stringify(known);
            const modern = this.#scenario.era === 'modern' && step.method === 'logging/setLevel';
            if (outcome.val !== (modern ? '{}' : expected) && !this.#fromSpoilt(n, step, outcome.val))
                this.#wrong.push(`${n} has a result that is not its own: ${outcome.val}`);
            this.#checkProgress(n, step);
        } else {
            const { tag, val } = outcome.val.failure;
            // What the core wrote to a command that had just ended is lost with it, and what was on its
            // way in a session when the server said of another request that it knows that no more.
            const unseen = (trace.cuts > 0 || trace.lost.size > 0) && !trace.seen.has(n);
            const excused =
                trace.touched.has(n) || unseen || gaveUp || trace.lethal !== undefined || this.#scenario.closeEarly;
            if (!excused) this.#wrong.push(`${n} failed, and nothing happened to it: ${JSON.stringify(val)}`);
            if (tag === 'internal') this.#wrong.push(`${n} failed inside: ${JSON.stringify(val)}`);
        }
    }

    /** Whether a result is what a spoiled answer has left of it, as it is; or nothing, where it says no more than that it is there. */
    #fromSpoilt(n: number, { method }: Step, result: string): boolean {
        const spoilt = this.#trace.spoilt.get(n) ?? [];
        return spoilt.includes(result) || (EMPTY.has(method) && result === '{}' && spoilt.includes('null'));
    }

    /** Progress is told whole, in order. */
    #checkProgress(n: number, step: Step): void {
        const { progress } = (step.params['arguments'] ?? {}) as { progress?: number };
        if (progress === undefined || this.#trace.gaps.has(n) || this.#scenario.reorder) return;
        const token = 1000 * this.#session + n;
        const told = this.host.notifications
            .slice(this.#from.notifications)
            .map(({ params }) => JSON.parse(params ?? '{}') as { progressToken?: number; progress?: number })
            .filter(({ progressToken }) => progressToken === token)
            .map(({ progress }) => progress);
        const whole = Array.from({ length: progress }, (_, i) => i + 1);
        if (JSON.stringify(told) !== JSON.stringify(whole)) this.#wrong.push(`${n} told of progress ${told.join()}`);
    }

    /** What a stream tells comes once, and in order, wherever it broke off. */
    #checkOrder(): void {
        const told = this.host.notifications
            .slice(this.#from.notifications)
            .filter(({ method }) => method === 'notifications/message')
            .map(({ params }) => (JSON.parse(params ?? '{}') as { data: number }).data);
        if (told.some((data, i) => data <= (told[i - 1] ?? 0))) this.#wrong.push(`told of ${told.join()}`);
    }

    /** Lets time pass; now and then the host tells of all that happened at once. */
    #pass(ms: number): void {
        if (this.#random.chance(0.2) && ms <= 200) this.host.batch(() => this.host.advance(ms));
        else this.host.advance(ms);
    }

    #world(): World {
        const { transport } = this.#scenario;
        const ask = (ask: Ask) => this.#answer(ask);
        if (transport === 'stdio') {
            return { ask, pipe: throughPipe(this.#trace, () => this.#server) as NonNullable<World['pipe']> };
        }
        const http = transport === 'http' ? this.#streamable.world : throughSse(this.#trace, this.#server);
        return { ask, http: http as NonNullable<World['http']> };
    }

    /** The user answers, perhaps by calling the session first. */
    #answer(ask: Ask): void {
        const { id, method } = ask;
        const answers: Record<string, object> = {
            'sampling/createMessage': { role: 'assistant', content: { type: 'text', text: 'ho' }, model: 'm' },
            'elicitation/create': { action: 'decline' },
            'roots/list': { roots: [] }
        };
        this.#open.add(ask);
        this.#trace.later(() => {
            if (ask.retracted || this.#closed) return;
            this.#open.delete(ask);
            if (!this.#trace.calm && this.#random.chance(0.2)) this.#make(HEALTH);
            this.host.deliver({
                tag: 'answer',
                val: { ask: id, outcome: { tag: 'ok', val: JSON.stringify(answers[method]) } }
            });
        });
    }
}
