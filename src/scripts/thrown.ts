// What a script has thrown: any value at all.
import { bigText } from './big.js';
import type { Position } from './source.js';
import {
    append,
    indexOf,
    isArray,
    lastIndexOf,
    makeWeakMap,
    slice,
    stackOf,
    stringify,
    symbolText,
    toText,
    weakMapGet,
    weakMapSet
} from './primordials.js';

/** The name that the engine has for a script's source. */
export const SOURCE = 'caisson:script';

/** One function that was running. */
export interface Frame {
    /** The name of the function; empty for the source itself. */
    name: string;
    position: Position;
    awaited: boolean;
}

/** What stands behind the way that an outer function waits in: `async*`, `Promise.all*`. */
const AWAITED = '*';
/** The function that the source has become, and what is in it. */
const TOP = 'anonymous';
const INSIDE = `${TOP}/`;

/** The engine's stack of an error; undefined for anything else. */
export function engineStack(value: unknown): string | undefined {
    try {
        const stack = stackOf(value);
        return typeof stack === 'string' ? stack : undefined;
    } catch {
        return undefined;
    }
}

/** Errors that stand for the place where another one came about. */
const places = new makeWeakMap<object, unknown>();

/** Gives an error that was not made in the script the place that another one was made at. */
export function placeAt(error: object, place: unknown): void {
    weakMapSet(places, error, place);
}

/** The functions of the script in the engine's stack of an error. Ours, and the engine's own, are left out. */
export function framesOf(thrown: unknown): Frame[] {
    const frames: Frame[] = [];
    const place = typeof thrown === 'object' && thrown !== null ? weakMapGet(places, thrown) : undefined;
    const stack = engineStack(place ?? thrown);
    if (stack === undefined) return frames;
    for (let at = 0; at < stack.length;) {
        let end = indexOf(stack, '\n', at);
        if (end < 0) end = stack.length;
        const frame = frameOf(slice(stack, at, end));
        if (frame) append(frames, frame);
        at = end + 1;
    }
    return frames;
}

/** Reads `name@source:line:column`. */
function frameOf(line: string): Frame | undefined {
    const at = lastIndexOf(line, `@${SOURCE}:`);
    if (at < 0) return undefined;
    const place = slice(line, at + SOURCE.length + 2);
    const colon = indexOf(place, ':');
    const number = +slice(place, 0, colon);
    const column = +slice(place, colon + 1);
    if (colon < 0 || !(number > 0) || !(column > 0)) return undefined; // Code that the script has made of text.
    let name = slice(line, 0, at);
    const way = indexOf(name, AWAITED);
    const awaited = way > 0;
    if (awaited) name = slice(name, way + 1);
    if (slice(name, 0, INSIDE.length) === INSIDE) name = slice(name, INSIDE.length);
    // A function without a name is called after what it is in.
    if (name === TOP || name[name.length - 1] === '<') name = '';
    return { name, position: { line: number, column }, awaited };
}

/** What an error says that it came of: its cause, and the errors that it stands for. */
export function causesOf(thrown: unknown): unknown[] {
    const causes: unknown[] = [];
    if (engineStack(thrown) === undefined) return causes;
    try {
        const { cause, errors } = thrown as { cause?: unknown; errors?: unknown };
        if (cause !== undefined) append(causes, cause);
        if (isArray(errors)) for (let i = 0; i < errors.length && i < PARTS; i++) append(causes, errors[i]);
    } catch {
        // It has getters of the script's.
    }
    return causes;
}

/** So many of the errors that one stands for are looked at. */
const PARTS = 10;

/** The name and the message of an error; any other value as text. */
export function errorText(thrown: unknown): string {
    try {
        return textOf(thrown);
    } catch {
        return 'a value that cannot be shown';
    }
}

function textOf(thrown: unknown): string {
    if (typeof thrown === 'string') return thrown;
    if (typeof thrown === 'symbol') return symbolText(thrown);
    if (typeof thrown === 'bigint') return bigText(thrown);
    if (thrown === null || (typeof thrown !== 'object' && typeof thrown !== 'function')) return toText(thrown);
    const { name, message } = thrown as { name?: unknown; message?: unknown };
    if (typeof message === 'string') {
        const kind = typeof name === 'string' && name !== '' ? name : 'Error';
        return message === '' ? kind : `${kind}: ${message}`;
    }
    const text = stringify(thrown);
    return text ?? toText(thrown);
}
