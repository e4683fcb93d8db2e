import type { Challenge, ClientAuthentication, Credential } from 'caisson:mcp/authorization@0.1.0';
import type { SessionConfig } from 'caisson:mcp/client@0.1.0';
import type { HttpRequest } from 'caisson:mcp/egress@0.1.0';
import type { Input, LogLevel } from 'caisson:mcp/host@0.1.0';
import type { Event, HttpHead } from 'caisson:mcp/ingress@0.1.0';
import type { Error as WitError, IoError } from 'caisson:mcp/types@0.1.0';

import { Clock } from './clock.js';
import type { Core, Imports } from './component.js';
import { instantiate } from './component.js';

/** What an operation settled with. */
export type Outcome = { tag: 'ok'; val: string } | { tag: 'err'; val: WitError };

/** The server's end of a pipe. */
export interface PipeEnd {
    /** The lines that the core wrote. */
    readonly written: string[];
    /** Whether the core closed the pipe. */
    readonly closing: boolean;
    write(line: string): void;
    /** The command ends, by itself unless the core closed the pipe. */
    exit(error?: Partial<IoError>): void;
}

/** The server's end of an HTTP exchange. */
export interface ExchangeEnd {
    readonly request: HttpRequest;
    /** Whether the core gave the exchange up. */
    readonly aborted: boolean;
    header(name: string): string | undefined;
    head(status: number, headers?: Record<string, string>): void;
    body(chunk: string | Uint8Array): void;
    end(error?: Partial<IoError>): void;
}

/** A question of the core's, and whether it took the question back. */
export interface Ask {
    readonly id: number;
    readonly session: number;
    readonly method: string;
    readonly params: unknown;
    readonly input: Input | undefined;
    retracted: boolean;
}

/** The host's half of authorization. What gives nothing is answered later, by `authorized`. */
export interface Authorizing {
    begin: (challenge: Challenge) => object | undefined;
    ask?: (url: URL) => object | undefined;
    request?: (end: ExchangeEnd, client: ClientAuthentication) => void;
}

/** What is on the other side: who runs behind a pipe, and who answers HTTP. */
export interface World {
    pipe?: (end: PipeEnd) => { line?: (line: string) => void; closing?: () => void };
    http?: (end: ExchangeEnd) => void;
    /** The host is asked something; it may answer later. */
    ask?: (ask: Ask) => void;
    authorizing?: Authorizing;
    random?: Imports['random'];
}

const encoder = new TextEncoder();

/** What a session is, where a test does not say. */
export const DEFAULTS = {
    clientInfo: { name: 'test', version: '1.0.0' },
    capabilities: '{}',
    protocolVersions: [],
    connectTimeout: 30_000,
    inputRounds: 10,
    retryBudget: 0,
    restarts: 0,
    cacheResults: true,
    authorizes: false
};

/** A host for the component, without network, processes or a clock of its own. Never waits. */
export class FakeHost {
    readonly clock = new Clock(timer => this.deliver({ tag: 'timer', val: timer }));
    readonly outcomes = new Map<number, Outcome[]>();
    readonly notifications: { session: number; method: string; params: string | undefined }[] = [];
    readonly closed: { session: number; error: WitError }[] = [];
    /** What the core asked. */
    readonly asks: Ask[] = [];
    /** What subscriptions were granted, by call. */
    readonly listening: { call: number; notifications: unknown }[] = [];
    /** The states of tasks, by the call that waits for them. */
    readonly tasks: { call: number; task: unknown }[] = [];
    /** The introductions of sessions that were begun anew. */
    readonly renewed: unknown[] = [];
    readonly logs: { session: number; level: LogLevel; message: string }[] = [];
    /** What the core did in turns to authorize. */
    readonly turns: string[] = [];
    /** What happened at the boundary, in order: settle, notify and closed, with their ids or names. */
    readonly history: string[] = [];
    readonly exchanges: ExchangeEnd[] = [];
    readonly pipes: PipeEnd[] = [];
    readonly #openExchanges = new Set<number>();
    readonly #templates = new Map<number, HttpRequest>();
    readonly #openPipes = new Map<number, { closing: () => void; line: (line: string) => void }>();
    #core!: Core;
    #events: Event[] = [];
    #inside = false;
    #lastCall = 0;
    #lastSession = 0;

    static async start(world: World = {}): Promise<FakeHost> {
        const host = new FakeHost(world);
        host.#core = await instantiate({
            now: () => host.clock.now,
            ...(world.random && { random: world.random }),
            authorization: {
                begin: (session, challenge) => {
                    host.turns.push(`begin ${challenge.status}`);
                    host.#answered(session, world.authorizing?.begin(challenge));
                },
                end: () => void host.turns.push('end'),
                request: (exchange, _session, request, client) => {
                    host.turns.push(`${request.method} ${new URL(request.url).pathname}`);
                    host.#httpStart(exchange, request, end => world.authorizing?.request?.(end, client));
                },
                ask: (session, url) => {
                    host.turns.push('ask');
                    host.#answered(session, world.authorizing?.ask?.(new URL(url)));
                },
                forget: (_session, credential: Credential) => void host.turns.push(`forget ${credential}`)
            },
            egress: {
                httpStart: (exchange, _session, request) => host.#httpStart(exchange, request),
                httpPrepare: (template, _session, request) => void host.#templates.set(template, request),
                httpPost: (exchange, template, body) => {
                    const request = host.#templates.get(template);
                    if (!request) throw new Error(`there is no template ${template}`);
                    host.#httpStart(exchange, { ...request, body });
                },
                httpAbort: exchange => void host.#openExchanges.delete(exchange),
                pipeOpen: pipe => host.#pipeOpen(pipe),
                pipeWrite: (pipe, message) => host.#openPipes.get(pipe)?.line(message),
                pipeClose: pipe => host.#openPipes.get(pipe)?.closing()
            },
            timers: {
                set: (timer, delay) => host.clock.set(timer, delay),
                clear: timer => host.clock.clear(timer)
            },
            host: {
                settle: (call, outcome) => {
                    host.history.push(`settle ${call}`);
                    const outcomes = host.outcomes.get(call);
                    if (outcomes) outcomes.push(outcome);
                    else host.outcomes.set(call, [outcome]);
                },
                notify: (session, method, params) => {
                    host.history.push(`notify ${method}`);
                    host.notifications.push({ session, method, params });
                },
                ask: (id, session, method, params, input) => {
                    host.history.push(`ask ${method}`);
                    const ask = { id, session, method, params: JSON.parse(params) as unknown, input, retracted: false };
                    host.asks.push(ask);
                    world.ask?.(ask);
                },
                retract: id => {
                    const ask = host.asks.findLast(ask => ask.id === id);
                    if (ask) ask.retracted = true;
                },
                listening: (call, notifications) =>
                    void host.listening.push({ call, notifications: JSON.parse(notifications) }),
                taskState: (call, task) => void host.tasks.push({ call, task: JSON.parse(task) as unknown }),
                renewed: (_session, introduction) => void host.renewed.push(JSON.parse(introduction)),
                closed: (session, error) => {
                    host.history.push(`closed ${session}`);
                    host.closed.push({ session, error });
                },
                log: (session, level, message) => void host.logs.push({ session, level, message })
            }
        });
        return host;
    }

    private constructor(private readonly world: World) {}

    /** Exchanges and pipes that are not over, and timers that are set. */
    get open(): { exchanges: number; pipes: number; timers: number } {
        return { exchanges: this.#openExchanges.size, pipes: this.#openPipes.size, timers: this.clock.pending };
    }

    /** Begins an operation and lets everything happen that needs no time. Returns its call id. */
    call(begin: (client: Core['client'], call: number) => void, call = ++this.#lastCall): number {
        this.#enter(() => begin(this.#core.client, call));
        return call;
    }

    /** Begins to connect. Returns the session and the call. */
    begin(config: Partial<SessionConfig> & Pick<SessionConfig, 'endpoint'>): { session: number; call: number } {
        const session = ++this.#lastSession;
        const full = { ...DEFAULTS, ...config };
        return { session, call: this.call((client, call) => client.connect(call, session, full)) };
    }

    /** Connects, which must succeed without time passing. */
    connect(config: Partial<SessionConfig> & Pick<SessionConfig, 'endpoint'>): {
        session: number;
        result: Record<string, unknown>;
    } {
        const { session, call } = this.begin(config);
        return { session, result: this.ok(call) as Record<string, unknown> };
    }

    /** `tools/call` with a tool and its arguments. */
    callTool(session: number, name: string, args: unknown = {}): number {
        return this.call((client, call) => client.callTool(call, session, JSON.stringify({ name, arguments: args })));
    }

    #answered(session: number, value: object | undefined): void {
        if (value !== undefined) this.authorized(value, session);
    }

    /** Answers a step of a turn to authorize: with an error, where it has a kind. */
    authorized(value: object | Partial<IoError>, session = this.#lastSession): void {
        const outcome =
            'kind' in value
                ? { tag: 'err' as const, val: ioError(value) }
                : { tag: 'ok' as const, val: JSON.stringify(value) };
        this.deliver({ tag: 'authorized', val: { session, outcome } });
    }

    /** Answers what the core asked last, or before. */
    answer(result: unknown, ask = this.asks.length - 1): void {
        this.deliver({
            tag: 'answer',
            val: { ask: this.asks[ask]?.id ?? 0, outcome: { tag: 'ok', val: JSON.stringify(result) } }
        });
    }

    /** Gives an operation up. */
    cancel(call: number, reason = 'not needed any more'): void {
        this.#enter(() => this.#core.client.cancel(call, reason));
    }

    /** The one outcome of an operation. */
    outcome(call: number): Outcome {
        const outcomes = this.outcomes.get(call) ?? [];
        if (outcomes.length !== 1) throw new Error(`call ${call} has settled ${outcomes.length} times`);
        return outcomes[0] as Outcome;
    }

    /** The result of an operation that succeeded, as text. */
    text(call: number): string {
        const outcome = this.outcome(call);
        if (outcome.tag === 'err') throw new Error(`call ${call} failed: ${show(outcome.val)}`);
        return outcome.val;
    }

    /** The result of an operation that succeeded. */
    ok(call: number): unknown {
        return JSON.parse(this.text(call));
    }

    /** The error of an operation that failed. */
    err(call: number): WitError {
        const outcome = this.outcome(call);
        if (outcome.tag === 'ok') throw new Error(`call ${call} succeeded: ${outcome.val}`);
        return outcome.val;
    }

    /** Lets time pass. */
    advance(ms: number): void {
        this.clock.advance(ms);
    }

    /** Tells the core something. All that is told before it is heard goes into one batch. */
    deliver(...events: Event[]): void {
        this.#events.push(...events);
        this.#enter(() => {});
    }

    /** Lets several things happen and tells the core of them in one batch. */
    batch(happen: () => void): void {
        if (this.#inside) return happen();
        this.#inside = true;
        try {
            happen();
        } finally {
            this.#inside = false;
        }
        this.#enter(() => {});
    }

    /** The host never calls the core from inside an import: what happens there is told afterwards. */
    #enter(call: () => void): void {
        if (this.#inside) return call();
        this.#inside = true;
        try {
            call();
            while (this.#events.length > 0) this.#core.ingress.deliver(this.#events.splice(0));
        } finally {
            this.#inside = false;
        }
    }

    #httpStart(exchange: number, request: HttpRequest, serve = this.world.http): void {
        if (this.#openExchanges.has(exchange)) throw new Error(`exchange ${exchange} is in use`);
        this.#openExchanges.add(exchange);
        const tell = (event: Event) => {
            if (this.#openExchanges.has(exchange)) this.deliver(event);
        };
        const open = this.#openExchanges;
        const decoder = new TextDecoder();
        let over = false;
        // Of every other response that is no stream, and has an end for sure, the core is told when it is whole.
        let held: { head: HttpHead; body: string } | undefined;
        const end: ExchangeEnd = {
            request,
            get aborted() {
                return !over && !open.has(exchange);
            },
            header: name => request.headers.find(([key]) => key.toLowerCase() === name)?.[1],
            head: (status, headers = {}) => {
                const head = { exchange, status, headers: Object.entries(headers) };
                const stream = headers['content-type']?.toLowerCase().startsWith('text/event-stream');
                const endless = headers['transfer-encoding'] === 'chunked';
                if (exchange % 2 === 0 && !stream && !endless) held = { head, body: '' };
                else tell({ tag: 'http-head', val: head });
            },
            body: chunk => {
                const bytes = typeof chunk === 'string' ? encoder.encode(chunk) : chunk;
                if (held) held.body += decoder.decode(bytes, { stream: true });
                else tell({ tag: 'http-body', val: { exchange, chunk: bytes } });
            },
            end: error => {
                const whole = held;
                held = undefined;
                if (whole && !error) {
                    tell({ tag: 'http-response', val: { ...whole.head, body: whole.body + decoder.decode() } });
                } else {
                    if (whole) tell({ tag: 'http-head', val: whole.head });
                    if (whole?.body) end.body(whole.body);
                    tell({ tag: 'http-end', val: { exchange, ...(error && { error: ioError(error) }) } });
                }
                if (open.delete(exchange)) over = true;
            }
        };
        this.exchanges.push(end);
        if (serve) serve(end);
        else end.end({ kind: 'connect', message: 'connection refused' });
    }

    #pipeOpen(pipe: number): void {
        if (this.#openPipes.has(pipe)) throw new Error(`pipe ${pipe} is in use`);
        const written: string[] = [];
        let closing = false;
        const end: PipeEnd = {
            written,
            get closing() {
                return closing;
            },
            write: message => {
                if (this.#openPipes.has(pipe)) this.deliver({ tag: 'pipe-data', val: { pipe, message } });
            },
            exit: error => {
                if (!this.#openPipes.delete(pipe)) return;
                const cause = closing ? undefined : ioError({ message: 'the command ended: exit status 1', ...error });
                this.deliver({ tag: 'pipe-closed', val: { pipe, ...(cause && { error: cause }) } });
            }
        };
        this.pipes.push(end);
        const server: { line?: (line: string) => void; closing?: () => void } = {};
        this.#openPipes.set(pipe, {
            line: line => {
                written.push(line);
                server.line?.(line);
            },
            closing: () => {
                closing = true;
                if (server.closing) server.closing();
                else end.exit();
            }
        });
        if (this.world.pipe) Object.assign(server, this.world.pipe(end));
        else end.exit({ kind: 'connect', message: 'no such command' });
    }
}

function ioError(error: Partial<IoError>): IoError {
    return { kind: 'transport', message: 'the connection broke', cause: 7, ...error };
}

function show(value: unknown): string {
    return JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? Number(part) : part));
}
