// What the runner uses of the engine, as it was before any script ran. A script may change every builtin, and it shares
// them with the runner: nothing that leads from a source to its outcome, or carries a call, an answer or a line of
// the log, calls a method of an object once a script has begun. That rules out `for of`, spreading, and `then` too.
// What a script calls for itself alone (search_tools, timers) may use the engine as it is then: a builtin that
// the script has broken fails its own call, or its own timer.

/* eslint-disable @typescript-eslint/unbound-method, @typescript-eslint/no-unnecessary-type-parameters */
type Method<T, A extends unknown[], R> = (this: T, ...args: A) => R;

const { bind, call } = Function.prototype;

/** A method as a function of its object. */
const uncurry = bind.bind(call) as unknown as <T, A extends unknown[], R>(
    method: Method<T, A, R>
) => (self: T, ...args: A) => R;

/** The getter of a property of a prototype, as a function of the object. */
function getter<T, R>(prototype: object, name: PropertyKey): (self: T) => R {
    const get = Object.getOwnPropertyDescriptor(prototype, name)?.get;
    if (!get) throw new Error(`the engine has no getter ${String(name)}`);
    return uncurry(get as Method<T, [], R>);
}

export const { parse } = JSON as { parse(text: string): unknown };
export const revive = JSON.parse as (
    text: string,
    reviver: (key: string, value: unknown, context: { source?: string }) => unknown
) => unknown;
/** The JSON of a value; undefined for what has none. */
export const stringify = JSON.stringify as (
    value: unknown,
    replacer?: (this: unknown, key: string, value: unknown) => unknown
) => string | undefined;
/** Stands for a primitive value of this JSON. */
export const { rawJSON: rawJson } = JSON as unknown as { rawJSON(text: string): unknown };
/** A text in quotes. */
export const quote = JSON.stringify as (text: string) => string;
export const { apply, construct, defineProperty, deleteProperty, getPrototypeOf, has, ownKeys } = Reflect;
export const { create, freeze, getOwnPropertyDescriptor, is, keys, prototype: objectPrototype } = Object;
export const { isArray } = Array;
export const { isInteger, isSafeInteger } = Number;
export const { max, min } = Math;
export const toText = String;
export const makePromise = Promise;
export const makeError = Error;
export const makeTypeError = TypeError;
export const makeAggregateError = AggregateError;
export const makeProxy = Proxy;
export const makeDate = Date;
export const makeRegExp = RegExp;
export const makeArrayBuffer = ArrayBuffer;
export const bigIntOf = BigInt;
export const makeNumber = Number;
export const makeMap = Map;
export const makeSet = Set;
export const makeWeakMap = WeakMap;
export const makeWeakSet = WeakSet;

export const then = uncurry(Promise.prototype.then) as <T>(
    promise: Promise<T>,
    kept: (value: T) => void,
    broken: (reason: unknown) => void
) => void;

export const mapGet = uncurry(Map.prototype.get) as <K, V>(map: Map<K, V>, key: K) => V | undefined;
export const mapSet = uncurry(Map.prototype.set) as <K, V>(map: Map<K, V>, key: K, value: V) => void;
export const mapDelete = uncurry(Map.prototype.delete) as <K>(map: Map<K, unknown>, key: K) => boolean;
export const mapHas = uncurry(Map.prototype.has) as <K>(map: Map<K, unknown>, key: K) => boolean;
export const mapSize = getter<Map<unknown, unknown>, number>(Map.prototype, 'size');
export const mapEach = uncurry(Map.prototype.forEach) as <K, V>(
    map: Map<K, V>,
    each: (value: V, key: K) => void
) => void;
export const setHas = uncurry(Set.prototype.has) as <T>(set: Set<T>, value: T) => boolean;
export const setSize = getter<Set<unknown>, number>(Set.prototype, 'size');
export const setEach = uncurry(Set.prototype.forEach) as <T>(set: Set<T>, each: (value: T) => void) => void;
export const weakAdd = uncurry(WeakSet.prototype.add) as (set: WeakSet<object>, value: object) => void;
export const weakHas = uncurry(WeakSet.prototype.has) as (set: WeakSet<object>, value: object) => boolean;
export const weakMapGet = uncurry(WeakMap.prototype.get) as <V>(map: WeakMap<object, V>, key: object) => V | undefined;
export const weakMapSet = uncurry(WeakMap.prototype.set) as <V>(map: WeakMap<object, V>, key: object, value: V) => void;

export const indexOf = uncurry(String.prototype.indexOf);
export const lastIndexOf = uncurry(String.prototype.lastIndexOf);
export const slice = uncurry(String.prototype.slice);
export const charCodeAt = uncurry(String.prototype.charCodeAt);
export const numberOf = uncurry(Number.prototype.valueOf);
export const bigIntIn = uncurry(BigInt.prototype.valueOf);
export const isoDate = uncurry(Date.prototype.toISOString);
/** Matches a pattern without flags. */
export const execute = uncurry(RegExp.prototype.exec);
export const patternText = uncurry(RegExp.prototype.toString);
export const symbolText = uncurry(Symbol.prototype.toString);
/** Sorts an array in place, by a function. */
export const sort = uncurry(Array.prototype.sort) as <T>(array: T[], order: (a: T, b: T) => number) => void;

export const { iterator } = Symbol;
export const { isView } = ArrayBuffer;
const makeBytes = Uint8Array;
const views = Object.getPrototypeOf(makeBytes.prototype) as object;
const viewName = getter<object, string | undefined>(views, Symbol.toStringTag);
const viewLength = getter<object, number>(views, 'length');
const viewPlace = [getter(views, 'buffer'), getter(views, 'byteOffset'), getter(views, 'byteLength')];
const dataPlace = ['buffer', 'byteOffset', 'byteLength'].map(name => getter(DataView.prototype, name));
export const bytesToBase64 = uncurry(
    (makeBytes.prototype as unknown as { toBase64(this: Uint8Array): string }).toBase64
);

export function bytesOf(buffer: ArrayBufferLike, at?: number, length?: number): Uint8Array {
    return new makeBytes(buffer, at, length);
}

/** The bytes of a view of bytes; undefined for one of numbers. */
export function viewBytes(view: ArrayBufferView): Uint8Array | undefined {
    const name = viewName(view);
    if (name !== undefined && name !== 'Uint8Array' && name !== 'Uint8ClampedArray') return undefined;
    const [buffer, at, length] = name === undefined ? dataPlace : viewPlace;
    return bytesOf(buffer?.(view) as ArrayBuffer, at?.(view) as number, length?.(view) as number);
}

/** The numbers of a view. */
export function viewNumbers(view: ArrayBufferView): unknown[] {
    const numbers: unknown[] = [];
    for (let i = 0; i < viewLength(view); i++) append(numbers, (view as unknown as unknown[])[i]);
    return numbers;
}

/** The engine's own stack of an error; of anything else, undefined. */
export const stackOf = getter<unknown, unknown>(Error.prototype, 'stack');
/* eslint-enable @typescript-eslint/unbound-method, @typescript-eslint/no-unnecessary-type-parameters */

/** Puts a value at the end of an array, whatever setters its prototype has. */
export function append<T>(array: T[], value: T): void {
    defineProperty(array, array.length, {
        value,
        writable: true,
        enumerable: true,
        configurable: true,
        __proto__: null
    } as PropertyDescriptor);
}

/** Makes the outcome of a promise known to the runner alone, whatever the script has made of promises. */
export function follow<T>(promise: Promise<T>, kept: (value: T) => void, broken: (reason: unknown) => void): void {
    // Without a constructor `then` takes the engine's own.
    defineProperty(promise, 'constructor', { value: undefined, __proto__: null } as PropertyDescriptor);
    then(promise, kept, broken);
}
