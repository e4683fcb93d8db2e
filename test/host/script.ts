import type { ScriptFailure } from 'caisson:mcp/script-host@0.1.0';
import type { ScriptEvent } from 'caisson:mcp/script-host@0.1.0';

import type { Core } from './component.js';
import { instantiate } from './component.js';

/** What a script did. */
export interface Ran {
    outcome: { tag: 'ok'; val: unknown } | { tag: 'err'; val: ScriptFailure };
    log: string[];
    calls: string[];
}

/** A tool of the test's: its result, or why there is none. */
export type Tool = (args: Record<string, unknown>) => object;

/** One instance for one script: its host answers at once, and its clock goes on only while it sleeps. */
export class ScriptInstance {
    readonly #events: ScriptEvent[] = [];
    readonly #timers = new Map<number, number>();
    readonly log: string[] = [];
    readonly calls: string[] = [];
    #now = 1_800_000_000_000;
    #outcome: Ran['outcome'] | undefined;
    #core!: Core;

    static async start(tools: Record<string, Tool>): Promise<ScriptInstance> {
        const instance = new ScriptInstance(tools);
        instance.#core = await instantiate({
            now: () => instance.#now,
            timers: {
                set: (timer, delay) => void instance.#timers.set(timer, instance.#now + delay),
                clear: timer => void instance.#timers.delete(timer)
            },
            scriptHost: {
                callTool: (call, server, tool, args) => instance.#call(call, server, tool, args),
                log: (level, text) => void instance.log.push(`${level} ${text}`),
                settle: (_, outcome) => {
                    instance.#outcome =
                        outcome.tag === 'ok' ? { tag: 'ok', val: JSON.parse(outcome.val) as unknown } : outcome;
                }
            }
        });
        return instance;
    }

    private constructor(private readonly tools: Record<string, Tool>) {}

    #call(call: number, server: string, tool: string, args: string): void {
        this.calls.push(`${server}.${tool} ${args}`);
        const found = server === 'test' ? this.tools[tool] : undefined;
        this.#events.push({
            tag: 'tool-answer',
            val: {
                call,
                outcome: found
                    ? { tag: 'ok', val: JSON.stringify(found(JSON.parse(args) as Record<string, unknown>)) }
                    : { tag: 'err', val: { code: 'not found', message: `there is no ${server}.${tool}` } }
            }
        });
    }

    /** Runs a source. */
    run(text: string, input: unknown = null, args: string[] = []): Promise<Ran> {
        const listed = Object.keys(this.tools).map(name => ({ server: 'test', tool: { name, inputSchema: {} } }));
        return this.#settled(() =>
            this.#core.scripts.run(1, { name: 'test.js', text }, JSON.stringify(listed), JSON.stringify(input), args)
        );
    }

    load(text: string): Promise<Ran> {
        return this.#settled(() => this.#core.scripts.load(1, { name: 'test.js', text }, '[]'));
    }

    call(name: string, ...args: unknown[]): Promise<Ran> {
        return this.#settled(() => this.#core.scripts.call(2, name, JSON.stringify(args), '{}'));
    }

    /** Delivers what happens until the operation has settled. */
    async #settled(begin: () => void): Promise<Ran> {
        this.#outcome = undefined;
        begin();
        for (;;) {
            const outcome = this.#outcome as Ran['outcome'] | undefined;
            if (outcome) return { outcome, log: this.log, calls: this.calls };
            const events = this.#events.splice(0);
            const [timer] = [...this.#timers].sort(([, a], [, b]) => a - b);
            if (events.length === 0 && timer) {
                this.#timers.delete(timer[0]);
                this.#now = timer[1];
                events.push({ tag: 'timer', val: timer[0] });
            }
            if (events.length === 0) throw new Error('the script waits for nothing');
            this.#core.scripts.deliver(events);
        }
    }
}
