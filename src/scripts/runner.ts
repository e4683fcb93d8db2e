// Runs a script: from its source to its outcome.
import type { ScriptEvent, ScriptFailure, ScriptFailureKind } from 'caisson:mcp/script-host@0.1.0';
import type { Source } from 'caisson:mcp/scripts@0.1.0';
import type { CallId, Json } from 'caisson:mcp/types@0.1.0';

import { fire } from '../platform/timers.js';
import { give, take } from './globals.js';
import type { ScriptHost } from './host.js';
import {
    append,
    apply,
    follow,
    getPrototypeOf,
    isArray,
    makeMap,
    mapEach,
    mapGet,
    mapSet,
    quote,
    slice
} from './primordials.js';
import type { Compiles } from './last-expression.js';
import type { Body, Position } from './source.js';
import { GIVEN, loadable, mistakeIn, runnable, SourceError } from './source.js';
import { causesOf, errorText, framesOf, SOURCE } from './thrown.js';
import { isToolError, Tools } from './tools.js';
import { fromJson, NoForm, toJson } from './values.js';

type Script = (given?: unknown) => Promise<unknown>;
type AnyFunction = (...args: unknown[]) => unknown;

const { constructor: AsyncFunction } = getPrototypeOf(async () => {}) as {
    constructor: new (...args: string[]) => Script;
};

/** A body of a function, with the name that the engine has for it in stacks. */
const named = (text: string) => `${text}\n//# sourceURL=${SOURCE}`;

/** Whether a place is behind everything that a source has. Called before anything of the source runs. */
function isAtEnd(place: Position | undefined, source: string): boolean {
    const lines = source.trimEnd().split('\n');
    const last = lines[lines.length - 1] ?? '';
    return (
        place !== undefined &&
        (place.line > lines.length || (place.line === lines.length && place.column > last.length))
    );
}

/** The longest message and stack of a failure, in characters. */
const MESSAGE = 8192;
const FRAMES = 50;
/** So many causes of an error are shown, and so much of what each says. */
const CAUSES = 10;
const CAUSE = 1024;
/** So many errors that nobody has caught the log has. */
const UNCAUGHT = 100;

/** One script of an instance. */
export class Runner {
    #name = '';
    #body: Body | undefined;
    #tools: Tools | undefined;
    #functions: Map<string, AnyFunction> | undefined;
    #told = 0;

    constructor(
        private readonly host: ScriptHost,
        private readonly global: object = globalThis
    ) {}

    run(call: CallId, source: Source, tools: Json, input: Json, args: string[]): void {
        this.#attempt(call, () => {
            const script = this.#made(source, runnable);
            this.#give(tools, given(input, 'the input'), args);
            const main = (main: unknown) =>
                typeof main === 'function' ? apply(main as AnyFunction, undefined, args) : undefined;
            this.#follow(call, script(main));
        });
    }

    load(call: CallId, source: Source, tools: Json): void {
        this.#attempt(call, () => {
            const script = this.#made(source, loadable);
            this.#give(tools, null, []);
            const functions = (this.#functions = new makeMap<string, AnyFunction>());
            const names: string[] = [];
            const given = (all: [string, unknown][]) => {
                for (let i = 0; i < all.length; i++) {
                    const one = all[i] as [string, unknown];
                    if (typeof one[1] !== 'function') continue;
                    mapSet(functions, one[0], one[1] as AnyFunction);
                    append(names, one[0]);
                }
                return names;
            };
            this.#follow(call, script(given));
        });
    }

    call(call: CallId, name: string, positional: Json, named: Json): void {
        this.#attempt(call, () => {
            if (!this.#functions) throw new Failure('not-found', 'no module is loaded');
            const found = mapGet(this.#functions, name);
            if (!found) throw new Failure('not-found', this.#noSuch(name));
            const args = given(positional, 'an argument');
            if (!isArray(args))
                throw new Failure('invalid-arguments', 'the arguments by position are not a JSON array');
            if (named !== '' && named !== '{}')
                throw new Failure('invalid-arguments', 'JavaScript has no arguments by name: give them by position');
            this.#follow(call, later(found, args));
        });
    }

    deliver(events: ScriptEvent[]): void {
        this.#tellUnheard();
        for (let i = 0; i < events.length; i++) {
            const event = events[i] as ScriptEvent;
            try {
                if (event.tag === 'timer') fire(event.val);
                else this.#tools?.onAnswer(event.val);
            } catch (error) {
                this.#uncaught(error);
            }
        }
    }

    /** A callback has thrown, or a call has failed, and nobody is there to hear of it. */
    #uncaught(error: unknown): void {
        if (this.#told > UNCAUGHT) return;
        this.#told += 1;
        if (this.#told > UNCAUGHT) return this.host.log('error', 'uncaught: further errors are not shown');
        const { first } = this.#stack(error);
        const place = first ? ` (${this.#name}:${first.line}:${first.column})` : '';
        this.host.log('error', `uncaught: ${slice(errorText(error), 0, MESSAGE)}${place}`);
    }

    /** Tells of calls that have failed, and that nobody has awaited until now. */
    #tellUnheard(): void {
        this.#tools?.unheard(error => this.#uncaught(error));
    }

    #attempt(call: CallId, work: () => void): void {
        try {
            work();
        } catch (error) {
            this.#fail(call, error);
        }
    }

    #made(source: Source, make: (text: string, compiles: Compiles) => Body): Script {
        if (this.#body) throw new Failure('invalid-arguments', 'the instance has a script already');
        this.#name = source.name;
        // The source as it is: it is compiled once where nothing of it is changed.
        let unchanged: Script | undefined;
        const body = (this.#body = make(source.text, text => {
            try {
                const script = new AsyncFunction(text === source.text ? named(text) : text);
                if (text === source.text) unchanged = script;
                return true;
            } catch {
                return false;
            }
        }));
        if (unchanged && body.text === source.text && !body.given) return unchanged;
        const text = named(body.text);
        try {
            return body.given ? new AsyncFunction(GIVEN, text) : new AsyncFunction(text);
        } catch (error) {
            if (!(error instanceof SyntaxError)) throw new SourceError('the source is nested too deeply', undefined);
            const place = this.#placeOf(error);
            if (place) throw new SourceError(error.message, place);
            const mistake = mistakeIn(source.text);
            // There the engine speaks of what the runner closes the source with.
            throw new SourceError(isAtEnd(mistake, source.text) ? 'the source ends too soon' : error.message, mistake);
        }
    }

    /** Where the engine finds a mistake; undefined where that is behind the source. */
    #placeOf({ lineNumber, columnNumber }: SyntaxError & { lineNumber?: number; columnNumber?: number }) {
        if (lineNumber === undefined || columnNumber === undefined) return undefined;
        return this.#position({ line: lineNumber, column: columnNumber });
    }

    #give(tools: Json, input: unknown, args: string[]): void {
        this.#tools = new Tools(this.host, tools);
        if (this.global === globalThis) take(error => this.#stack(error).text);
        give(this.global, this.host, this.#tools, input, args, error => this.#uncaught(error));
    }

    #noSuch(name: string): string {
        let names = '';
        if (this.#functions) mapEach(this.#functions, (_, one) => (names += `${names === '' ? '' : ', '}${one}`));
        return `the module has no function ${quote(name)}${names === '' ? '' : `; it has ${names}`}`;
    }

    #follow(call: CallId, outcome: Promise<unknown>): void {
        follow(
            outcome,
            value => {
                this.#tellUnheard();
                this.#attempt(call, () => this.host.settle(call, { tag: 'ok', val: json(value) }));
            },
            (reason: unknown) => {
                this.#tellUnheard();
                this.host.settle(call, { tag: 'err', val: this.#failure(reason) });
            }
        );
    }

    /** Settles with what the runner has found wrong. No value of the script's gets here. */
    #fail(call: CallId, error: unknown): void {
        let failure: ScriptFailure;
        if (error instanceof Failure) failure = failureOf(error.kind, error.message, undefined, '');
        else if (error instanceof SourceError) failure = failureOf('syntax', error.message, error.position, '');
        else failure = this.#failure(error);
        this.host.settle(call, { tag: 'err', val: failure });
    }

    /** What the script has thrown. */
    #failure(error: unknown): ScriptFailure {
        const { text, first } = this.#stack(error);
        const kind = isToolError(error) ? 'tool' : 'runtime';
        return failureOf(
            kind,
            slice(errorText(error), 0, MESSAGE),
            first,
            `${text}${this.#causes(error, text !== '')}`
        );
    }

    /** What an error came of, and that of it, each with its stack. */
    #causes(error: unknown, behind: boolean): string {
        const causes = causesOf(error);
        let text = '';
        for (let i = 0; i < causes.length && i < CAUSES; i++) {
            const stack = this.#stack(causes[i]).text;
            const message = slice(errorText(causes[i]), 0, CAUSE);
            text += `${behind ? '\n' : ''}caused by ${message}${stack === '' ? '' : `\n${stack}`}`;
            behind = true;
            const more = causesOf(causes[i]);
            for (let j = 0; j < more.length && causes.length < CAUSES; j++) append(causes, more[j]);
        }
        return text;
    }

    /** The script's functions in the stack of an error, and the place of the innermost. */
    #stack(error: unknown): { text: string; first: Position | undefined } {
        const frames = framesOf(error);
        let text = '';
        let first: Position | undefined;
        let n = 0;
        for (let i = 0; i < frames.length && n < FRAMES; i++) {
            const { name, position, awaited } = frames[i] as (typeof frames)[number];
            const at = this.#position(position);
            if (!at) continue;
            first ??= at;
            const place = `${this.#name}:${at.line}:${at.column}`;
            text += `${n > 0 ? '\n' : ''}at ${awaited ? 'async ' : ''}${name === '' ? place : `${name} (${place})`}`;
            n++;
        }
        return { text, first };
    }

    #position({ line, column }: Position): Position | undefined {
        return this.#body?.position(line, column);
    }
}

/** What the runner itself finds wrong. */
class Failure extends Error {
    constructor(
        readonly kind: ScriptFailureKind,
        message: string
    ) {
        super(message);
    }
}

function failureOf(
    kind: ScriptFailureKind,
    message: string,
    position: Position | undefined,
    stack: string
): ScriptFailure {
    return { kind, message, line: position?.line, column: position?.column, stack } as ScriptFailure;
}

/** The value as JSON. */
function json(value: unknown): Json {
    if (value === undefined) return 'null';
    try {
        return toJson(value) ?? 'null';
    } catch (error) {
        const why = error instanceof NoForm ? error.message : errorText(error);
        throw new Failure('invalid-arguments', `the result has no form in JSON: ${slice(why, 0, MESSAGE)}`);
    }
}

/** What the host gives to the script. */
function given(text: Json, what: string): unknown {
    try {
        return fromJson(text);
    } catch (error) {
        const why = error instanceof NoForm ? error.message : errorText(error);
        throw new Failure('invalid-arguments', `${what} has no form in JavaScript: ${why}`);
    }
}

/** Calls a function so that what it throws is an outcome too. */
async function later(found: AnyFunction, args: unknown[]): Promise<unknown> {
    return apply(found, undefined, args);
}
