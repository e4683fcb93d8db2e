import type { ScriptFailure } from 'caisson:mcp/script-host@0.1.0';
import type { ScriptEvent } from 'caisson:mcp/script-host@0.1.0';

import type { Core } from './component.js';
import { instantiate } from './component.js';
import { instantiatePython } from './python.js';

/** What a script did. */
export interface Ran {
    outcome: { tag: 'ok'; val: unknown } | { tag: 'err'; val: ScriptFailure };
    log: string[];
    calls: string[];
}

export type Language = 'javascript' | 'python';

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
    #scripts!: Core['scripts'];

    static async start(tools: Record<string, Tool>, language: Language = 'javascript'): Promise<ScriptInstance> {
        const instance = new ScriptInstance(tools, language);
        const imports = {
            now: () => instance.#now,
            timers: {
                set: (timer: number, delay: number) => void instance.#timers.set(timer, instance.#now + delay),
                clear: (timer: number) => void instance.#timers.delete(timer)
            },
            scriptHost: {
                callTool: (call: number, server: string, tool: string, args: string) =>
                    instance.#call(call, server, tool, args),
                log: (level: string, text: string) => void instance.log.push(`${level} ${text}`),
                settle: (_: number, outcome: Ran['outcome']) => {
                    instance.#outcome =
                        outcome.tag === 'ok'
                            ? { tag: 'ok', val: JSON.parse(outcome.val as string) as unknown }
                            : outcome;
                }
            }
        };
        const { scripts, catalog } = await instantiate(imports);
        instance.#scripts = scripts;
        if (language === 'python') {
            // The core is the one that searches, whatever the language is.
            const python = await instantiatePython({
                ...imports,
                waiting: { wait: () => instance.#happened() },
                toolSearch: {
                    search: (text, limit) => catalog.search(instance.#listing(), text, limit, 'python', 'brief')
                }
            });
            instance.#scripts = python.scripts;
        }
        return instance;
    }

    private constructor(
        private readonly tools: Record<string, Tool>,
        private readonly language: Language
    ) {}

    #listing(): string {
        return JSON.stringify(
            Object.keys(this.tools).map(name => ({ server: 'test', tool: { name, inputSchema: {} } }))
        );
    }

    get #name(): string {
        return this.language === 'python' ? 'test.py' : 'test.js';
    }

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
        return this.#settled(() =>
            this.#scripts.run(1, { name: this.#name, text }, this.#listing(), JSON.stringify(input), args)
        );
    }

    load(text: string): Promise<Ran> {
        return this.#settled(() => this.#scripts.load(1, { name: this.#name, text }, '[]'));
    }

    call(name: string, ...args: unknown[]): Promise<Ran> {
        return this.#settled(() => this.#scripts.call(2, name, JSON.stringify(args), '{}'));
    }

    /** What happens next; nothing when nothing can. */
    #happened(): ScriptEvent[] {
        const events = this.#events.splice(0);
        const [timer] = [...this.#timers].sort(([, a], [, b]) => a - b);
        if (events.length === 0 && timer) {
            this.#timers.delete(timer[0]);
            this.#now = timer[1];
            events.push({ tag: 'timer', val: timer[0] });
        }
        return events;
    }

    /** Delivers what happens until the operation has settled. */
    async #settled(begin: () => void): Promise<Ran> {
        this.#outcome = undefined;
        begin();
        for (;;) {
            const outcome = this.#outcome as Ran['outcome'] | undefined;
            if (outcome) return { outcome, log: this.log, calls: this.calls };
            const events = this.#happened();
            if (events.length === 0) throw new Error('the script waits for nothing');
            this.#scripts.deliver(events);
        }
    }
}
