// Values as the log shows them. A script may have made them to be shown badly: nothing here fails.
import { bigText } from './big.js';
import {
    append,
    getOwnPropertyDescriptor,
    getPrototypeOf,
    isArray,
    isoDate,
    mapEach,
    mapSize,
    ownKeys,
    patternText,
    setEach,
    setSize,
    slice,
    quote,
    symbolText,
    toText
} from './primordials.js';
import { engineStack, errorText } from './thrown.js';

/** How deep a value is shown, how many entries of an object, and how many characters in all. */
const DEPTH = 5;
const ENTRIES = 100;
const CHARACTERS = 65_536;

/** The texts of the values of one line, with spaces between them. */
export function line(values: unknown[]): string {
    let text = '';
    for (let i = 0; i < values.length && text.length < CHARACTERS; i++) {
        const value = values[i];
        text += `${i > 0 ? ' ' : ''}${typeof value === 'string' ? value : show(value)}`;
    }
    return text.length > CHARACTERS ? slice(text, 0, CHARACTERS) : text;
}

/** A value as text. */
export function show(value: unknown): string {
    try {
        return new Shower().show(value, 0);
    } catch {
        return '[a value that cannot be shown]';
    }
}

class Shower {
    readonly #above: unknown[] = [];
    #left = CHARACTERS;

    show(value: unknown, depth: number): string {
        const text = this.#text(value, depth);
        this.#left -= text.length;
        return text;
    }

    #text(value: unknown, depth: number): string {
        switch (typeof value) {
            case 'string':
                return quote(value.length > this.#left ? `${slice(value, 0, this.#left)}…` : value);
            case 'symbol':
                return symbolText(value);
            case 'bigint':
                return `${bigText(value)}n`;
            case 'function':
                return this.#function(value);
            case 'object':
                return value === null ? 'null' : this.#object(value, depth);
            case 'boolean':
            case 'number':
            case 'undefined':
                return toText(value);
        }
    }

    #function(value: object): string {
        const name = getOwnPropertyDescriptor(value, 'name')?.value as unknown;
        return typeof name === 'string' && name !== '' ? `[function ${name}]` : '[function]';
    }

    #object(value: object, depth: number): string {
        for (let i = 0; i < this.#above.length; i++) if (this.#above[i] === value) return '[circular]';
        if (engineStack(value) !== undefined) return errorText(value);
        const special = builtin(value);
        if (special !== undefined) return special;
        if (depth >= DEPTH) return isArray(value) ? '[…]' : '{…}';
        append(this.#above, value);
        const text = this.#entries(value, depth + 1);
        this.#above.length -= 1;
        return text;
    }

    #entries(value: object, depth: number): string {
        const size = sizeOf(value);
        if (size) return size.map ? this.#map(size.map, depth) : this.#set(size.set as Set<unknown>, depth);
        const list = isArray(value);
        let text = '';
        let n = 0;
        const names = ownKeys(value);
        for (let i = 0; i < names.length; i++) {
            const name = names[i] as string | symbol;
            const property = getOwnPropertyDescriptor(value, name);
            if (!property?.enumerable) continue;
            if (n === ENTRIES || this.#left <= 0) {
                text += ', …';
                break;
            }
            const key =
                list && typeof name === 'string'
                    ? ''
                    : `${typeof name === 'symbol' ? `[${symbolText(name)}]` : plain(name)}: `;
            const shown = 'value' in property ? this.show(property.value, depth) : '[getter]';
            text += `${n > 0 ? ', ' : ''}${key}${shown}`;
            n++;
        }
        if (list) return `[${text}]`;
        return text === '' ? `${nameOf(value)}{}` : `${nameOf(value)}{ ${text} }`;
    }

    #map(map: Map<unknown, unknown>, depth: number): string {
        let text = '';
        let n = 0;
        mapEach(map, (value, key) => {
            if (n++ < ENTRIES && this.#left > 0)
                text += `${n > 1 ? ', ' : ''}${this.show(key, depth)} => ${this.show(value, depth)}`;
        });
        return `Map(${mapSize(map)}) { ${text}${n > ENTRIES ? ', …' : ''} }`;
    }

    #set(set: Set<unknown>, depth: number): string {
        let text = '';
        let n = 0;
        setEach(set, value => {
            if (n++ < ENTRIES && this.#left > 0) text += `${n > 1 ? ', ' : ''}${this.show(value, depth)}`;
        });
        return `Set(${setSize(set)}) { ${text}${n > ENTRIES ? ', …' : ''} }`;
    }
}

/** Dates and patterns. */
function builtin(value: object): string | undefined {
    try {
        return isoDate(value);
    } catch {
        // It is no date, or none that there is.
    }
    try {
        return regexp(value) ? patternText(value) : undefined;
    } catch {
        return undefined;
    }
}

const { RegExp: Pattern } = globalThis;
const patternPrototype = Pattern.prototype;

function regexp(value: object): boolean {
    return getPrototypeOf(value) === patternPrototype && value !== patternPrototype;
}

function sizeOf(value: object): { map?: Map<unknown, unknown>; set?: Set<unknown> } | undefined {
    try {
        mapSize(value as Map<unknown, unknown>);
        return { map: value as Map<unknown, unknown> };
    } catch {
        // It is none.
    }
    try {
        setSize(value as Set<unknown>);
        return { set: value as Set<unknown> };
    } catch {
        return undefined;
    }
}

/** The name of a property, in quotes where it is no identifier. */
function plain(name: string): string {
    return identifier(name) ? name : quote(name);
}

function identifier(name: string): boolean {
    for (let i = 0; i < name.length; i++) {
        const c = name[i] as string;
        const letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c === '_' || c === '$';
        if (!letter && (i === 0 || c < '0' || c > '9')) return false;
    }
    return name !== '';
}

const objectPrototype = Object.prototype;

/** The name of an object's class, unless it is a plain object. */
function nameOf(value: object): string {
    const prototype = getPrototypeOf(value);
    if (prototype === objectPrototype || prototype === null) return '';
    const made = getOwnPropertyDescriptor(prototype, 'constructor')?.value as unknown;
    if (typeof made !== 'function') return '';
    const name = getOwnPropertyDescriptor(made, 'name')?.value as unknown;
    return typeof name === 'string' && name !== '' ? `${name} ` : '';
}
