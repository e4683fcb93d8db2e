// What a script finds in its global object, and what it does not.
import type { ScriptLogLevel } from 'caisson:mcp/script-host@0.1.0';

import { rank } from '../search/search.js';
import type { ScriptHost } from './host.js';
import {
    append,
    apply,
    charCodeAt,
    construct,
    create,
    defineProperty,
    deleteProperty,
    freeze,
    getPrototypeOf,
    indexOf,
    makeError,
    makePromise,
    makeProxy,
    makeTypeError,
    toText
} from './primordials.js';
import { line } from './show.js';
import { any, timeout } from './signals.js';
import { IMPORT } from './source.js';
import { clearTimeout, setInterval, setTimeout, sleep } from './timers.js';
import type { ListedTool, Tools } from './tools.js';
import { ToolError } from './tools.js';

/** What the engine or the core has for itself: nothing goes out of a script but calls of tools. */
const ABSENT = [
    '__zod_globalConfig',
    '__zod_globalRegistry',
    'MultipartFormData',
    'WorkerLocation',
    'location',
    'fetch',
    'Request',
    'Response',
    'Headers',
    'FormData',
    'Performance',
    'Crypto',
    'CryptoKey',
    'SubtleCrypto',
    'MessageEvent',
    'ReadableStreamBYOBReader',
    'ReadableStreamBYOBRequest',
    'ReadableStreamDefaultController',
    'ReadableByteStreamController',
    'ByteLengthQueuingStrategy',
    'CountQueuingStrategy',
    'self',
    'InternalError',
    'addEventListener',
    'removeEventListener',
    'dispatchEvent'
];

/** What carries values over the component's boundary: as it is, whatever a script wants to make of it. */
const FIXED = [
    'Array',
    'DataView',
    'Map',
    'Object',
    'Promise',
    'String',
    'TextDecoder',
    'TextEncoder',
    'TypeError',
    'Uint8Array'
] as const;

const LEVELS: [name: string, level: ScriptLogLevel][] = [
    ['debug', 'debug'],
    ['log', 'info'],
    ['info', 'info'],
    ['dir', 'info'],
    ['table', 'info'],
    ['warn', 'warn'],
    ['error', 'error'],
    ['trace', 'error']
];

/** So many tools a search finds, unless the script wants another number. */
const FOUND = 10;

function define(object: object, name: string, value: unknown): void {
    defineProperty(object, name, {
        value,
        writable: true,
        enumerable: false,
        configurable: true,
        __proto__: null
    } as PropertyDescriptor);
}

/** Fixes what the boundary needs. Called once, before there is a script. */
export function fixBoundary(): void {
    for (const name of FIXED) {
        const { [name]: value } = globalThis as unknown as Record<string, { prototype: object }>;
        defineProperty(globalThis, name, { value, writable: false, configurable: false });
    }
    for (const { prototype } of [DataView, TextEncoder, TextDecoder]) freeze(prototype);
}

/** Takes from the engine what a script must not have. `stack` gives the stack of an error as the script sees it. */
export function take(stack: (error: unknown) => string): void {
    const global = globalThis;
    for (let i = 0; i < ABSENT.length; i++) deleteProperty(global, ABSENT[i] as string);
    define(AbortSignal, 'any', any);
    define(AbortSignal, 'timeout', timeout);
    // They would wait for what the core has not, or for nobody.
    deleteProperty(Blob.prototype, 'stream');
    deleteProperty(URL, 'createObjectURL');
    deleteProperty(URL, 'revokeObjectURL');
    define(global, 'eval', evaluator(global.eval));
    defineProperty(makeError.prototype, 'stack', {
        get(this: unknown) {
            return stack(this);
        },
        set(this: object, value: unknown) {
            define(this, 'stack', value);
        },
        enumerable: false,
        configurable: true,
        __proto__: null
    } as PropertyDescriptor);
    for (let i = 0; i < COMPILERS.length; i++) {
        const compiler = COMPILERS[i] as FunctionConstructor;
        const guarded = new makeProxy(compiler, COMPILER);
        define(compiler.prototype, 'constructor', guarded);
        if (compiler === Function) define(global, 'Function', guarded);
    }
}

/** Functions that make functions of texts. */
const COMPILERS = [
    Function,
    getPrototypeOf(async () => {})?.constructor,
    getPrototypeOf(function* () {})?.constructor,
    getPrototypeOf(async function* () {})?.constructor
] as unknown[];

/** Lets no text with an `import` through: the engine would stop. The source of the script has had its own. */
function withoutImport(texts: unknown[]): unknown[] {
    const checked: unknown[] = [];
    for (let i = 0; i < texts.length; i++) {
        const text = toText(texts[i]);
        for (let at = indexOf(text, 'import'); at >= 0; at = indexOf(text, 'import', at + 1))
            if (!inWord(text, at - 1) && !inWord(text, at + 6))
                throw new makeTypeError('code that is made of text cannot have an import');
        append(checked, text);
    }
    return checked;
}

function inWord(text: string, at: number): boolean {
    const code = at < 0 || at >= text.length ? 0 : charCodeAt(text, at);
    return (
        (code >= 48 && code <= 57) ||
        (code >= 65 && code <= 90) ||
        (code >= 97 && code <= 122) ||
        code === 95 ||
        code === 36
    );
}

const COMPILER = {
    __proto__: null,
    apply: (compiler: FunctionConstructor, _: unknown, texts: unknown[]) =>
        construct(compiler, withoutImport(texts)) as unknown,
    construct: (compiler: FunctionConstructor, texts: unknown[]) => construct(compiler, withoutImport(texts)) as object
} as ProxyHandler<FunctionConstructor>;

function evaluator(evaluate: (text: string) => unknown) {
    return function eval_(text: unknown): unknown {
        return typeof text === 'string' ? evaluate(withoutImport([text])[0] as string) : text;
    };
}

const { queueMicrotask } = globalThis;

/** Gives a script its globals. `uncaught` is told what a callback throws that nobody is there to catch. */
export function give(
    global: object,
    host: ScriptHost,
    tools: Tools,
    input: unknown,
    args: string[],
    uncaught: (error: unknown) => void
): void {
    define(global, 'tools', tools.asObject());
    define(global, 'input', input);
    define(global, 'args', args);
    define(global, 'console', consoleOf(host));
    define(global, 'print', (...values: unknown[]) => host.log('info', line(values)));
    define(global, 'sleep', (ms?: unknown) => sleep(ms));
    define(global, 'setTimeout', setTimeout);
    define(global, 'clearTimeout', clearTimeout);
    define(global, 'setInterval', setInterval);
    define(global, 'clearInterval', clearTimeout);
    define(global, 'queueMicrotask', (callback: unknown) => {
        if (typeof callback !== 'function') throw new makeTypeError('queueMicrotask(callback): it is not a function');
        queueMicrotask(() => {
            try {
                apply(callback, undefined, []);
            } catch (error) {
                uncaught(error);
            }
        });
    });
    define(global, 'ToolError', ToolError);
    define(
        global,
        IMPORT,
        () => new makePromise((_, broken) => broken(new makeTypeError('a script cannot import modules')))
    );
    define(global, 'call_tool', (server: unknown, tool: unknown, given?: unknown) =>
        typeof server === 'string' && typeof tool === 'string'
            ? tools.call(server, tool, given)
            : new makePromise((_, broken) =>
                  broken(new makeTypeError('call_tool(server, tool, args): a name is not a text'))
              )
    );
    define(global, 'search_tools', (text: unknown, most?: unknown) =>
        rank(
            tools.listed,
            typeof text === 'string' ? text : '',
            typeof most === 'number' && most === most ? most : FOUND
        ).map(({ tool: { server, name, description } }) => ({ server, name, description }))
    );
    define(global, 'get_tool', (name: unknown, tool?: unknown) => find(tools.listed, name, tool));
}

function consoleOf(host: ScriptHost): object {
    const made = create(null) as object;
    for (let i = 0; i < LEVELS.length; i++) {
        const [name, level] = [LEVELS[i]?.[0] as string, LEVELS[i]?.[1] as ScriptLogLevel];
        define(made, name, (...values: unknown[]) => host.log(level, line(values)));
    }
    define(made, 'assert', (good?: unknown, ...values: unknown[]) => {
        if (!good) host.log('error', `assertion failed${values.length > 0 ? ': ' : ''}${line(values)}`);
    });
    return made;
}

/** The tool of a name: `SERVER.TOOL`, or both apart, or the tool's alone where one server has it. */
function find(listed: ListedTool[], name: unknown, tool: unknown): object | null {
    if (typeof name !== 'string') return null;
    let found: ListedTool | undefined;
    for (let i = 0; i < listed.length; i++) {
        const one = listed[i] as ListedTool;
        const same =
            typeof tool === 'string'
                ? one.server === name && one.tool.name === tool
                : one.tool.name === name || `${one.server}.${one.tool.name}` === name;
        if (!same) continue;
        if (found) return null;
        found = one;
    }
    return found ? { server: found.server, ...found.tool } : null;
}
