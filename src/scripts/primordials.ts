// What the runner uses of the engine, as it was before any script ran. A script may change every builtin, and
// it shares them with the runner: nothing in this folder may call a method of an object once a script has
// begun. That rules out `for of`, spreading, and `then` too. What the script changes is then its own affair.

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
/** The JSON of a value; undefined for what has none. */
export const stringify = JSON.stringify as (value: unknown) => string | undefined;
/** A text in quotes. */
export const quote = JSON.stringify as (text: string) => string;
export const { apply, construct, defineProperty, deleteProperty, getPrototypeOf, ownKeys } = Reflect;
export const { create, freeze, getOwnPropertyDescriptor, keys } = Object;
export const { isArray } = Array;
export const { isInteger } = Number;
export const { log10, max, min } = Math;
export const toText = String;
export const makePromise = Promise;
export const makeError = Error;
export const makeTypeError = TypeError;
export const makeProxy = Proxy;
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
export const setAdd = uncurry(Set.prototype.add) as <T>(set: Set<T>, value: T) => void;
export const setHas = uncurry(Set.prototype.has) as <T>(set: Set<T>, value: T) => boolean;
export const setDelete = uncurry(Set.prototype.delete) as <T>(set: Set<T>, value: T) => boolean;
export const setSize = getter<Set<unknown>, number>(Set.prototype, 'size');
export const setEach = uncurry(Set.prototype.forEach) as <T>(set: Set<T>, each: (value: T) => void) => void;
export const weakAdd = uncurry(WeakSet.prototype.add) as (set: WeakSet<object>, value: object) => void;
export const weakHas = uncurry(WeakSet.prototype.has) as (set: WeakSet<object>, value: object) => boolean;
export const weakMapGet = uncurry(WeakMap.prototype.get) as <V>(map: WeakMap<object, V>, key: object) => V | undefined;
export const weakMapSet = uncurry(WeakMap.prototype.set) as <V>(map: WeakMap<object, V>, key: object, value: V) => void;

export const indexOf = uncurry(String.prototype.indexOf);
export const lastIndexOf = uncurry(String.prototype.lastIndexOf);
export const slice = uncurry(String.prototype.slice);
export const trim = uncurry(String.prototype.trim);
export const lowerCase = uncurry(String.prototype.toLowerCase);
export const charCodeAt = uncurry(String.prototype.charCodeAt);
export const isoDate = uncurry(Date.prototype.toISOString);
export const patternText = uncurry(RegExp.prototype.toString);
export const symbolText = uncurry(Symbol.prototype.toString);
/** Sorts an array in place, by a function. */
export const sort = uncurry(Array.prototype.sort) as <T>(array: T[], order: (a: T, b: T) => number) => void;

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
