// Values of JavaScript as JSON, and back, without silent loss. docs/conversions.md has the table.
import { DIGITS, isHuge } from './big.js';
import {
    append,
    apply,
    bigIntIn,
    bigIntOf,
    bytesOf,
    bytesToBase64,
    create,
    defineProperty,
    execute,
    getOwnPropertyDescriptor,
    getPrototypeOf,
    has,
    is,
    isArray,
    isSafeInteger,
    isView,
    iterator,
    makeArrayBuffer,
    makeDate,
    makeError,
    makeMap,
    makeNumber,
    makePromise,
    makeRegExp,
    makeSet,
    mapEach,
    numberOf,
    objectPrototype,
    parse,
    quote,
    rawJson,
    revive,
    setEach,
    slice,
    stringify,
    toText,
    viewBytes,
    viewNumbers
} from './primordials.js';

/** A value that has no form in JSON, or JSON that has no value. */
export class NoForm extends makeError {}

/** The JSON of a value; undefined for `undefined`. */
export function toJson(value: unknown): string | undefined {
    return stringify(value, replaced);
}

/** What stands in JSON for a value. `toJSON` has been called before. */
function replaced(this: unknown, key: string, value: unknown): unknown {
    switch (typeof value) {
        case 'string':
        case 'boolean':
        case 'undefined':
            return value;
        case 'number':
            if (value - value !== 0) throw noForm(key, toText(value));
            return value === 0 && is(value, -0) ? rawJson('-0') : value;
        case 'bigint': {
            if (isHuge(value)) throw noForm(key, `an integer of more than ${DIGITS} digits`);
            return rawJson(toText(value));
        }
        case 'object':
            break;
        case 'function':
        case 'symbol':
            throw noForm(key, `a ${typeof value}`);
    }
    if (value === null) {
        // The toJSON of a Date without a time gives null.
        const before = getOwnPropertyDescriptor(this, key)?.value as unknown;
        if (before instanceof makeDate) throw noForm(key, 'a Date without a time');
        return null;
    }
    if (isArray(value)) return value;
    const prototype = getPrototypeOf(value);
    if (prototype === null || prototype === objectPrototype) return value;
    if (value instanceof makeMap) return objectOf(key, value);
    if (value instanceof makeSet) {
        const list: unknown[] = [];
        setEach(value, one => append(list, one));
        return list;
    }
    if (value instanceof makeArrayBuffer) return bytesToBase64(bytesOf(value));
    if (isView(value)) {
        const bytes = viewBytes(value);
        return bytes ? bytesToBase64(bytes) : viewNumbers(value);
    }
    if (value instanceof makePromise) throw noForm(key, 'a Promise: await it');
    if (value instanceof makeError) throw noForm(key, 'an Error: give its message');
    if (value instanceof makeRegExp) throw noForm(key, 'a RegExp: give its source');
    // JSON.stringify would make something else of the number inside.
    if (value instanceof makeNumber) return apply(replaced, this, [key, numberOf(value)]);
    if (value instanceof bigIntOf) return apply(replaced, this, [key, bigIntIn(value)]);
    if (has(value, iterator)) throw noForm(key, 'an iterable that is no list: spread it into one');
    return value;
}

/** The object that stands for a Map. */
function objectOf(at: string, map: Map<unknown, unknown>): object {
    const object = create(null) as object;
    mapEach(map, (value, key) => {
        if (key !== null && (typeof key === 'object' || typeof key === 'function' || typeof key === 'symbol'))
            throw noForm(at, `a Map with a key that is a ${typeof key}`);
        const name = toText(key);
        if (getOwnPropertyDescriptor(object, name))
            throw noForm(at, `a Map with two keys that are ${quote(name)} as text`);
        defineProperty(object, name, {
            value,
            enumerable: true,
            configurable: true,
            writable: true,
            __proto__: null
        } as PropertyDescriptor);
    });
    return object;
}

function noForm(key: string, what: string): NoForm {
    return new NoForm(key === '' ? `it is ${what}` : `${quote(slice(key, 0, 100))} is ${what}`);
}

/** What only a JSON has in which a number may be none of this language's: many digits, or a large exponent. */
const LONG = /\d{16}|[eE]\+?\d{3}/;
/** What each of them has. Most texts have none, and it is found out in a third of the time. */
const THREE_DIGITS = /\d{3}/;
const INTEGER = /^-?\d+$/;

/**
 * The value of a JSON. An integer that a number cannot be is a BigInt. Throws a SyntaxError for what is no JSON, and
 * NoForm for a number that is beyond all.
 */
export function fromJson(text: string): unknown {
    return execute(THREE_DIGITS, text) && execute(LONG, text) ? revive(text, revived) : parse(text);
}

function revived(_: string, value: unknown, context: { source?: string }): unknown {
    if (typeof value !== 'number' || context.source === undefined || isSafeInteger(value)) return value;
    const { source } = context;
    if (execute(INTEGER, source)) {
        if (source.length > DIGITS) throw new NoForm(`it has an integer of more than ${DIGITS} digits`);
        return bigIntOf(source);
    }
    if (value - value !== 0) throw new NoForm(`it has the number ${slice(source, 0, 100)}, which is too large`);
    return value;
}
