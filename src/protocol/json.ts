// JSON texts, kept as they are. A value that goes through JSON.parse and JSON.stringify comes out
// changed: integers above 2^53 lose digits, 1.0 becomes 1, integer-like keys move to the front. So
// what a server sends travels as its own text; and of what a caller gives, the numbers do.

/** A message of the wire: what it says, and the text of the member that carries its payload. */
export interface Parsed {
    /** The message; an array in revision 2025-03-26, which has batches. */
    readonly message: unknown;
    /** The text of `result`, `params` or `error`, when the message has one and is not a batch. */
    readonly payload: string | undefined;
}

const WS = '[ \\t\\r\\n]*';
const STRING = '"[^"\\\\]*(?:\\\\.[^"\\\\]*)*"';
const SMALL = `"(?:jsonrpc|id|method|code|message)"${WS}:${WS}(?:${STRING}|[-+.0-9eE]+)`;

/** The members before the payload, and its key. */
const HEAD = new RegExp(`^${WS}\\{${WS}((?:${SMALL}${WS},${WS})*)"(result|params|error|data)"${WS}:${WS}`);
/** The members after the payload. A quote that follows a comma opens a key: strings escape theirs. */
const TAIL = new RegExp(`((?:${WS},${WS}${SMALL})*)${WS}\\}${WS}$`);
/** Longer than `,"jsonrpc":"2.0","id":…}` in any usual layout. */
const TAIL_LENGTH = 160;

/** Parses a message. Throws a SyntaxError when the text is not JSON. */
export function parseMessage(text: string): Parsed {
    const result = splitResult(text);
    return result ? whole(result) : (split(text) ?? reparse(text));
}

/** A result in a message of its three members. */
export interface ResultText {
    readonly id: number;
    readonly value: unknown;
    readonly payload: string;
}

/** The message of a result. */
export function whole({ id, value, payload }: ResultText): Parsed {
    return { message: { jsonrpc: '2.0', id, result: value }, payload };
}

const ID_FIRST = '{"jsonrpc":"2.0","id":';
const RESULT_FIRST = '{"result":';
const RESULT = ',"result":';
const ID_LAST = ',"jsonrpc":"2.0","id":';

/**
 * Takes a result apart that is laid out as nearly all are: the three members without a space, the
 * result first or last, and an id of ours. Undefined for any other.
 */
export function splitResult(text: string): ResultText | undefined {
    if (text[text.length - 1] !== '}') return undefined;
    let id: string;
    let payload: string;
    if (text.startsWith(ID_FIRST)) {
        // Where there is none, what is left is no JSON.
        const comma = text.indexOf(RESULT, ID_FIRST.length);
        id = text.slice(ID_FIRST.length, comma);
        payload = text.slice(comma + RESULT.length, -1);
    } else if (text.startsWith(RESULT_FIRST)) {
        const comma = text.lastIndexOf(ID_LAST);
        if (comma < 0) return undefined;
        id = text.slice(comma + ID_LAST.length, -1);
        payload = text.slice(RESULT_FIRST.length, comma);
    } else {
        return undefined;
    }
    // Of what is not a number, or written in another way, something else is left.
    const number = +id;
    if (!(number >= 0 && number <= Number.MAX_SAFE_INTEGER) || `${number}` !== id) return undefined;
    try {
        return { id: number, value: JSON.parse(payload) as unknown, payload };
    } catch {
        // More than one value, as with a key that occurs twice; or not JSON at all.
        return undefined;
    }
}

/** The text of `data` in the text of a JSON-RPC error object; undefined when there is none. Null is data: it may be anything. */
export function errorData(error: string): string | undefined {
    const parsed = split(error);
    if (parsed) {
        const { data } = parsed.message as { data?: unknown };
        return data === undefined ? undefined : parsed.payload;
    }
    const { data } = exact(parseObject(error), error);
    return data === undefined ? undefined : JSON.stringify(data);
}

/**
 * Takes a message apart without reading its payload twice: the few small members around it are
 * found in the text, and what lies between them must parse by itself. Undefined when the text is
 * laid out in a way that this does not see through.
 */
function split(text: string): Parsed | undefined {
    try {
        const head = HEAD.exec(text);
        if (!head) return undefined;
        const [before, members, key] = head as unknown as [string, string, string];
        const offset = Math.max(before.length, text.length - TAIL_LENGTH);
        const tail = TAIL.exec(text.slice(offset));
        if (!tail) return undefined;
        const payload = text.slice(before.length, offset + tail.index);
        const value: unknown = JSON.parse(payload);
        const rest = JSON.parse(`{${members}"":0${tail[1] ?? ''}}`) as Record<string, unknown>;
        delete rest[''];
        return { message: { ...rest, [key]: value }, payload };
    } catch {
        // A payload that is more than one value, as with a key that occurs twice, or not JSON at
        // all; or a text too long for the expressions.
        return undefined;
    }
}

/** The general case: the payload's text is written anew from its value, with its numbers as they were. */
function reparse(text: string): Parsed {
    const message: unknown = JSON.parse(text);
    if (!isObject(message)) return { message, payload: undefined };
    return { message, payload: payloadOf(exact(message, text)) };
}

/** The text of the member of a message that carries its payload. */
function payloadOf(message: Record<string, unknown>): string | undefined {
    const payload = message['result'] ?? message['params'] ?? message['error'];
    return payload === undefined ? undefined : JSON.stringify(payload);
}

/** The messages of a batch, each with the text of its payload and its id as it was written. */
export function parts(batch: unknown[], text: string): (Parsed & { id: unknown })[] {
    const written = exact({ batch }, `{"batch":${text}}`)['batch'] as unknown[];
    return batch.map((message, i) => {
        const part = written[i];
        if (!isObject(part)) return { message, payload: undefined, id: undefined };
        return { message, payload: payloadOf(part), id: part['id'] };
    });
}

/** Numbers whose text JavaScript would not write again. */
const FRAGILE_NUMBER = /\d{16}|\d[eE]|\.\d*0(?!\d)|-0(?![.\d])/;

/** A number that JSON.stringify writes as it was read. */
declare global {
    interface JSON {
        rawJSON(text: string): unknown;
    }
}

/**
 * Parses an object. Numbers that JavaScript cannot hold are not what they were: see `exact`. Throws
 * a SyntaxError, or a TypeError when the text is no object.
 */
export function parseObject(text: string): Record<string, unknown> {
    const value: unknown = JSON.parse(text);
    if (!isObject(value)) throw new TypeError('not a JSON object');
    return value;
}

/**
 * The object of a text, as `parseObject` gave it, with numbers that JavaScript cannot hold as raw
 * JSON: they are written again as they were. Without the text it is that already.
 */
export function exact(object: Record<string, unknown>, text: string | undefined): Record<string, unknown> {
    if (text === undefined || !mayChange(text, object)) return object;
    return JSON.parse(text, keepNumber) as Record<string, unknown>;
}

/** The engine's own JSON is far quicker over a long text than an expression is. */
const LONG = 4096;

/** Whether a text may hold a number that is not written again as it stands. */
function mayChange(text: string, value: unknown): boolean {
    if (text.length > LONG && JSON.stringify(value) === text) return false;
    return FRAGILE_NUMBER.test(text);
}

function keepNumber(_key: string, value: unknown, context?: { source?: string }): unknown {
    const source = context?.source;
    return typeof value === 'number' && source !== undefined && String(value) !== source ? JSON.rawJSON(source) : value;
}

/**
 * Whether the text of an object has no space around it and no line break in it, so that a message can have
 * it as it is: a pipe ends a message with the line.
 */
export function isOneLine(text: string): boolean {
    return text.startsWith('{') && text.endsWith('}') && !text.includes('\n') && !text.includes('\r');
}

/** Whether a value is a JSON object. */
export function isObject(value: unknown): value is Record<string, unknown> {
    return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether a JSON object has no members. */
export function isEmpty(object: Record<string, unknown>): boolean {
    for (const _ in object) return false;
    return true;
}
