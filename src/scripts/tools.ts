// The tools as a script sees them: `tools.SERVER.TOOL(args)`, and the functions about them.
import type { ToolAnswer } from 'caisson:mcp/script-host@0.1.0';

import type { ScriptHost } from './host.js';
import { errorText, placeAt } from './thrown.js';
import {
    append,
    create,
    defineProperty,
    isArray,
    makeAggregateError,
    makeError,
    makeMap,
    makePromise,
    makeProxy,
    makeSet,
    makeTypeError,
    makeWeakSet,
    mapDelete,
    mapEach,
    mapGet,
    mapHas,
    mapSet,
    parse,
    setHas,
    weakAdd,
    weakHas
} from './primordials.js';
import { fromJson, NoForm, toJson } from './values.js';

/** A tool of a server, as it is listed. */
export interface ListedTool {
    server: string;
    tool: { name: string; description?: string; outputSchema?: object };
}

interface CallToolResult {
    content?: { type?: string; text?: string }[];
    structuredContent?: unknown;
    isError?: boolean;
}

interface Waiting {
    server: string;
    tool: string;
    /** An error that was made at the place of the call. */
    place: unknown;
    promise: object | undefined;
    kept(value: unknown): void;
    broken(reason: unknown): void;
}

type Tool = (args?: unknown) => Promise<unknown>;

const failures = new makeWeakSet();

/** A tool that has failed, or that could not be called. */
export class ToolError extends makeError {
    readonly server: string;
    readonly tool: string;
    /** Why it could not be called; undefined where the tool itself has failed. */
    readonly code: string | undefined;
    /** What the tool has answered. */
    readonly content: unknown;
    readonly structuredContent: unknown;

    constructor(message: string, server: string, tool: string, code?: string, result?: CallToolResult) {
        super(message);
        this.server = server;
        this.tool = tool;
        this.code = code;
        this.content = result?.content;
        this.structuredContent = result?.structuredContent;
        weakAdd(failures, this);
    }
}
defineProperty(ToolError.prototype, 'name', {
    value: 'ToolError',
    writable: true,
    configurable: true,
    __proto__: null
} as PropertyDescriptor);

/** Whether a value is a ToolError that a call of a tool has ended with, or stands for such errors alone: Promise.any. */
export function isToolError(value: unknown): boolean {
    if (typeof value !== 'object' || value === null) return false;
    if (weakHas(failures, value)) return true;
    try {
        const errors = value instanceof makeAggregateError && (value.errors as unknown);
        if (!isArray(errors) || errors.length === 0) return false;
        for (let i = 0; i < errors.length; i++) if (!weakHas(failures, errors[i] as object)) return false;
        return true;
    } catch {
        return false; // It is the script's own.
    }
}

/** The promises of calls that somebody has asked for their outcome, by `await`, `then`, or what uses them. */
const heard = new makeWeakSet();

/** The outcome of a call. All that waits for a promise asks for its constructor first. */
class Outcome extends makePromise<unknown> {}
defineProperty(Outcome.prototype, 'constructor', {
    get(this: object) {
        weakAdd(heard, this);
        return makePromise;
    },
    configurable: true,
    __proto__: null
} as PropertyDescriptor);

/** The tools of one script. */
export class Tools {
    readonly #waiting = new makeMap<number, Waiting>();
    readonly #servers = new makeMap<string, object>();
    readonly #failed: { promise: object; error: unknown }[] = [];
    #last = 0;
    #listed: ListedTool[] | undefined;
    #byServer: Map<string, Map<string, ListedTool>> | undefined;

    constructor(
        private readonly host: ScriptHost,
        private readonly listing: string
    ) {}

    /** The tools, as they are listed. */
    get listed(): ListedTool[] {
        return (this.#listed ??= parse(this.listing) as ListedTool[]);
    }

    /** Calls a tool. */
    call(server: string, tool: string, args: unknown): Promise<unknown> {
        let waiting: Waiting | undefined;
        const promise = new Outcome((kept, broken) => {
            const object = args === undefined || args === null ? {} : args;
            const text = typeof object === 'object' && !isArray(object) ? argumentsOf(object, server, tool) : undefined;
            if (text?.[0] !== '{')
                throw new makeTypeError(`the arguments of the tool ${server}.${tool} are not an object`);
            do this.#last = this.#last < 0xffff_ffff ? this.#last + 1 : 1;
            while (mapHas(this.#waiting, this.#last));
            waiting = { server, tool, place: new makeError(), promise: undefined, kept, broken };
            mapSet(this.#waiting, this.#last, waiting);
            this.host.callTool(this.#last, server, tool, text);
        });
        if (waiting) waiting.promise = promise;
        return promise;
    }

    /** Tells of the calls that have failed since the last time, and that nobody has asked for their outcome. */
    unheard(tell: (error: unknown) => void): void {
        for (let i = 0; i < this.#failed.length; i++) {
            const { promise, error } = this.#failed[i] as { promise: object; error: unknown };
            if (!weakHas(heard, promise)) tell(error);
        }
        this.#failed.length = 0;
    }

    /** A call is answered. */
    onAnswer({ call, outcome }: ToolAnswer): void {
        const waiting = mapGet(this.#waiting, call);
        if (!waiting) return;
        mapDelete(this.#waiting, call);
        const { server, tool } = waiting;
        const fail = (message: string, code?: string, result?: CallToolResult) => {
            const error = new ToolError(message, server, tool, code, result);
            placeAt(error, waiting.place);
            waiting.broken(error);
            if (waiting.promise) append(this.#failed, { promise: waiting.promise, error });
        };
        if (outcome.tag === 'err') return fail(outcome.val.message, outcome.val.code);
        let result: CallToolResult;
        try {
            result = fromJson(outcome.val) as CallToolResult;
        } catch (error) {
            const why = error instanceof NoForm ? error.message : errorText(error);
            return fail(`the answer of the tool ${server}.${tool} has no form in JavaScript: ${why}`, 'protocol');
        }
        if (typeof result !== 'object' || (result as unknown) === null || isArray(result))
            return fail(`the answer of the tool ${server}.${tool} is no object`, 'protocol');
        if (result.isError === true) fail(failureText(result, server, tool), undefined, result);
        else waiting.kept(this.#unwrapped(result, server, tool));
    }

    /** What a script gets of a result: its structured content, or the value in its text, or its content. */
    #unwrapped(result: CallToolResult, server: string, tool: string): unknown {
        if (result.structuredContent !== undefined && result.structuredContent !== null)
            return result.structuredContent;
        const { content } = result;
        if (!isArray(content)) return null;
        const only = content.length === 1 ? content[0] : undefined;
        if (only?.type !== 'text' || typeof only.text !== 'string') return content;
        if (mapGet(this.#of(server), tool)?.tool.outputSchema !== undefined) return content;
        try {
            return fromJson(only.text);
        } catch {
            return only.text;
        }
    }

    /** The tools of a server, by their names. */
    #of(server: string): Map<string, ListedTool> {
        return mapGet(this.#all(), server) ?? new makeMap<string, ListedTool>();
    }

    #all(): Map<string, Map<string, ListedTool>> {
        if (this.#byServer) return this.#byServer;
        const servers = (this.#byServer = new makeMap<string, Map<string, ListedTool>>());
        for (let i = 0; i < this.listed.length; i++) {
            const one = this.listed[i] as ListedTool;
            let tools = mapGet(servers, one.server);
            if (!tools) mapSet(servers, one.server, (tools = new makeMap()));
            mapSet(tools, one.tool.name, one);
        }
        return servers;
    }

    /** `tools`: an object with a property for each server. */
    asObject(): object {
        return namespace(
            () => this.#all(),
            name => {
                let server = mapGet(this.#servers, name);
                if (!server) mapSet(this.#servers, name, (server = this.#server(name)));
                return server;
            }
        );
    }

    #server(server: string): object {
        const tools = new makeMap<string, Tool>();
        return namespace(
            () => this.#of(server),
            name => {
                let tool = mapGet(tools, name);
                if (!tool) mapSet(tools, name, (tool = args => this.call(server, name, args)));
                return tool;
            }
        );
    }
}

/** The names that the language itself asks an object for. They are a tool's only where one is listed. */
const RESERVED = new makeSet(['then', 'toJSON', 'constructor', 'toString', 'valueOf', '__proto__']);

/**
 * An object that has a property for every name, made when it is asked for: what is not listed fails when it is
 * called, with the host's reason. It shows those that are listed.
 */
function namespace(listed: () => Map<string, unknown>, made: (name: string) => unknown): object {
    const handler = {
        __proto__: null,
        get: (_: object, name: string | symbol) =>
            typeof name === 'symbol' || (setHas(RESERVED, name) && !mapHas(listed(), name)) ? undefined : made(name),
        has: (_: object, name: string | symbol) => typeof name === 'string' && mapHas(listed(), name),
        ownKeys: () => {
            const names: string[] = [];
            mapEach(listed(), (_, name) => append(names, name));
            return names;
        },
        getOwnPropertyDescriptor: (_: object, name: string | symbol) =>
            typeof name === 'string' && mapHas(listed(), name)
                ? { value: made(name), enumerable: true, configurable: true, writable: false, __proto__: null }
                : undefined,
        set: () => false,
        defineProperty: () => false,
        deleteProperty: () => false
    };
    return new makeProxy(create(null) as object, handler);
}

/** The arguments of a call as JSON. */
function argumentsOf(object: object, server: string, tool: string): string | undefined {
    try {
        return toJson(object);
    } catch (error) {
        if (!(error instanceof NoForm)) throw error;
        throw new makeTypeError(`the arguments of the tool ${server}.${tool} have no form in JSON: ${error.message}`);
    }
}

/** What a tool says of its failure. */
function failureText({ content }: CallToolResult, server: string, tool: string): string {
    let text = '';
    if (isArray(content))
        for (let i = 0; i < content.length; i++) {
            const part = content[i] as { text?: unknown } | undefined;
            if (typeof part?.text === 'string') text += `${text === '' ? '' : '\n'}${part.text}`;
        }
    return text === '' ? `the tool ${server}.${tool} failed` : text;
}
