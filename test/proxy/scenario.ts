import type { Random } from './random.js';
import type { Doing } from './server.js';

/** One run: the transport, how much goes wrong, and what the user does when. */
export interface Scenario {
    readonly transport: 'stdio' | 'http' | 'sse' | 'http-or-sse';
    readonly era: 'legacy' | 'modern';
    /** How likely each message, or exchange, meets with something. */
    readonly faults: number;
    /** Whether messages may overtake each other. */
    readonly reorder: boolean;
    /** How often a command that ended is started again. */
    readonly restarts: number;
    readonly retryBudget: number;
    /** How an HTTP server answers, and what it has of the rest. */
    readonly answers: 'json' | 'events' | 'mixed';
    readonly sessionIds: boolean;
    readonly stream: boolean;
    readonly resumable: boolean;
    readonly steps: Step[];
    /** Whether the session is closed while calls are out. */
    readonly closeEarly: boolean;
}

/** What the user does, some time after the last step. */
export interface Step {
    readonly after: number;
    readonly method: string;
    readonly params: Record<string, unknown>;
    /** When the call is given up. Every call is, if it is not answered in a minute. */
    readonly patience: number;
}

/** Longer than anything takes that is not lost. */
export const PATIENCE_MS = 60_000;
const TOOLS = ['look', 'put', 'pay', 'pay'];
const CALLS: [method: string, params: object][] = [
    ['tools/list', {}],
    ['resources/list', {}],
    ['resources/templates/list', {}],
    ['resources/read', { uri: 'x:1' }],
    ['resources/subscribe', { uri: 'x:1' }],
    ['resources/unsubscribe', { uri: 'x:1' }],
    ['prompts/list', {}],
    ['prompts/get', { name: 'p' }],
    ['completion/complete', { ref: { type: 'ref/prompt', name: 'p' }, argument: { name: 'a', value: '' } }],
    ['logging/setLevel', { level: 'info' }]
];
const MODERN_HAS_NOT = new Set(['resources/subscribe', 'resources/unsubscribe']);
const ASKS = ['sampling/createMessage', 'elicitation/create', 'roots/list'];

/** The run of a seed. */
export function scenarioOf(random: Random): Scenario {
    const transport = random.pick(['stdio', 'stdio', 'http', 'http', 'http', 'sse', 'http-or-sse'] as const);
    const era = transport === 'sse' || transport === 'http-or-sse' || random.chance(0.5) ? 'legacy' : 'modern';
    const answers = random.pick(['json', 'events', 'mixed'] as const);
    const scenario = {
        transport,
        era,
        faults: random.pick([0.02, 0.1, 0.25, 0.5]),
        reorder: random.chance(0.3),
        restarts: random.pick([0, 2]),
        retryBudget: random.pick([0, 10_000]),
        answers,
        sessionIds: random.chance(0.6),
        stream: random.chance(0.5),
        resumable: random.chance(0.7),
        closeEarly: random.chance(0.15)
    } as const;
    // What a server without event streams cannot do.
    const plain = transport === 'http' && answers === 'json';
    const steps = [step(random, 0, ['tools/list', {}])];
    let pinged = false;
    for (let n = 3 + random.below(6); n > 0; n--) {
        const kind = random.below(10);
        const after = random.pick([0, 0, 10, 200, 3000]);
        if (kind === 0 && !pinged) {
            pinged = true;
            steps.push(step(random, after, ['ping', {}]));
        } else if (kind === 1 && era === 'modern' && !plain) {
            const notifications = { toolsListChanged: true };
            steps.push({ ...step(random, after, ['subscriptions/listen', { notifications }]), patience: 20_000 });
        } else if (kind < 4) {
            const call = random.pick(CALLS);
            if (era === 'legacy' || !MODERN_HAS_NOT.has(call[0])) steps.push(step(random, after, call));
        } else steps.push(step(random, after, ['tools/call', toolCall(random, plain, era)]));
    }
    return { ...scenario, steps };
}

function step(random: Random, after: number, [method, params]: [string, object]): Step {
    return { after, method, params: { ...params }, patience: random.chance(0.1) ? random.below(500) : PATIENCE_MS };
}

function toolCall(random: Random, plain: boolean, era: string): object {
    const doing: Doing = {
        progress: plain ? 0 : random.pick([0, 0, 1, 3]),
        asks:
            plain && era === 'legacy' ? [] : Array.from({ length: random.pick([0, 0, 1, 2]) }, () => random.pick(ASKS))
    };
    return { name: random.pick(TOOLS), arguments: doing };
}
