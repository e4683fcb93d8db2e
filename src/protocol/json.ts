// JSON texts, kept as they are. JSON.parse and JSON.stringify change a value: integers above 2^53 lose
// digits, 1.0 becomes 1, integer-like keys move to the front. So the core passes on the server's own
// text, and writes a caller's numbers as the caller wrote them.

/** A message from the wire: its value, and the text of the member with its payload. */
export interface Parsed {
    /** The message; an array for a batch, which revision 2025-03-26 has. */
    readonly message: unknown;
    /** The text of `result`, `params` or `error`, when the message has one and is not a batch. */
    readonly payload: string | undefined;
}

const WS = '[ \\t\\r\\n]*';
const STRING = '"[^"\\\\]*(?:\\\\.[^"\\\\]*)*"';
const SMALL = `"(?:jsonrpc|id|method|code|message)"${WS}:${WS}(?:${STRING}|[-+.0-9eE]+)`;

/** Matches the members before the payload, and the payload's key. */
const HEAD = new RegExp(`^${WS}\\{${WS}((?:${SMALL}${WS},${WS})*)"(result|params|error|data)"${WS}:${WS}`);
/**
 * Matches the members after the payload. A quote after a comma opens a key, because strings escape quotes.
 */
const TAIL = new RegExp(`((?:${WS},${WS}${SMALL})*)${WS}\\}${WS}$`);
/** Longer than `,"jsonrpc":"2.0","id":…}` in any usual layout. */
const TAIL_LENGTH = 160;

/** Parses a message. Throws a SyntaxError when the text is not JSON. */
export function parseMessage(text: string): Parsed {
    const result = splitResult(text);
    return result ? whole(result) : (split(text) ?? reparse(text));
}

/** The result in a message that has only the three members of a result. */
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
 * Splits the message of a result in the usual layout: three members without spaces, the result first or
 * last, and an id of ours. Undefined for every other layout.
 */
export function splitResult(text: string): ResultText | undefined {
    if (text[text.length - 1] !== '}') return undefined;
    let id: string;
    let payload: string;
    if (text.startsWith(ID_FIRST)) {
        // Without a comma, one of the checks below fails.
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
    // Only an integer that is written in the usual way comes out as the same text.
    const number = +id;
    if (!(number >= 0 && number <= Number.MAX_SAFE_INTEGER) || `${number}` !== id) return undefined;
    try {
        return { id: number, value: JSON.parse(payload) as unknown, payload };
    } catch {
        // More than one value, as with a key that occurs twice; or not JSON at all.
        return undefined;
    }
}

/**
 * The text of `data` in the text of a JSON-RPC error object; undefined when there is none. Null is data too.
 */
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
 * Splits a message without parsing its payload twice: finds the few small members around the payload in
 * the text, and parses the text between them by itself. Undefined when the layout of the text is unusual.
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

/** Handles every other layout: writes the payload's text anew from its value, with the same numbers. */
function reparse(text: string): Parsed {
    const message: unknown = JSON.parse(text);
    if (!isObject(message)) return { message, payload: undefined };
    return { message, payload: payloadOf(exact(message, text)) };
}

/** The text of the member of a message that has its payload. */
function payloadOf(message: Record<string, unknown>): string | undefined {
    const payload = message['result'] ?? message['params'] ?? message['error'];
    return payload === undefined ? undefined : JSON.stringify(payload);
}

/** The messages of a batch, each with the text of its payload, and its id as the server wrote it. */
export function parts(batch: unknown[], text: string): (Parsed & { id: unknown })[] {
    const written = exact({ batch }, `{"batch":${text}}`)['batch'] as unknown[];
    return batch.map((message, i) => {
        const part = written[i];
        if (!isObject(part)) return { message, payload: undefined, id: undefined };
        return { message, payload: payloadOf(part), id: part['id'] };
    });
}

/** Matches numbers whose text JavaScript may change. */
const FRAGILE_NUMBER = /\d{16}|\d[eE]|\.\d*0(?!\d)|-0(?![.\d])/;

/** `rawJSON` makes a number that JSON.stringify writes with this text. */
declare global {
    interface JSON {
        rawJSON(text: string): unknown;
    }
}

/**
 * Parses an object. Numbers that JavaScript cannot hold lose digits: see `exact`. Throws a SyntaxError,
 * or a TypeError when the text is not an object.
 */
export function parseObject(text: string): Record<string, unknown> {
    const value: unknown = JSON.parse(text);
    if (!isObject(value)) throw new TypeError('not a JSON object');
    return value;
}

/**
 * The object that `parseObject` made of a text, with the numbers that JavaScript cannot hold as raw JSON:
 * JSON.stringify writes them as they were. Returns the object itself when no text is given.
 */
export function exact(object: Record<string, unknown>, text: string | undefined): Record<string, unknown> {
    if (text === undefined || !mayChange(text, object)) return object;
    return JSON.parse(text, keepNumber) as Record<string, unknown>;
}

/** Above this length the engine's own JSON is far quicker than a regular expression. */
const LONG = 4096;

/** Whether a text may have a number that JSON.stringify would change. */
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
