// Reads and writes event streams (HTML, section 9.2).
import { createParser } from 'eventsource-parser';

const whole = new TextDecoder();

/** Anything on a stream but a message: another event, or the delay before a reconnection. */
export interface OtherEvent {
    readonly event?: string | undefined;
    readonly id?: string | undefined;
    readonly data?: string;
    readonly retry?: number;
}

/**
 * Reads a stream chunk by chunk. Calls `onMessage` with the data and the id of each message, and `onOther`
 * with everything else. Most streams of this protocol are one message in one chunk.
 */
export function readEvents(
    onMessage: (data: string, id: string | undefined) => void,
    onOther: (other: OtherEvent) => void
): (chunk: Uint8Array) => void {
    let rest: ((chunk: Uint8Array) => void) | undefined;
    return chunk => {
        // A chunk that is one whole message leaves no state for a parser.
        if (!rest && onlyMessage(chunk, onMessage)) return;
        rest ??= parse(onMessage, onOther);
        rest(chunk);
    };
}

/** The bytes of an event. */
export function formatEvent({ event, id, data = '', retry }: OtherEvent): Uint8Array {
    const lines = [];
    if (retry !== undefined) lines.push(`retry: ${retry}`);
    if (event !== undefined) lines.push(`event: ${event}`);
    if (id !== undefined) lines.push(`id: ${id}`);
    if (retry === undefined) lines.push(...data.split('\n').map(line => `data: ${line}`));
    return encoder.encode(`${lines.join('\n')}\n\n`);
}

const encoder = new TextEncoder();

function parse(
    onMessage: (data: string, id: string | undefined) => void,
    onOther: (other: OtherEvent) => void
): (chunk: Uint8Array) => void {
    const decoder = new TextDecoder();
    const parser = createParser({
        onEvent({ event, data, id }) {
            if (data && (!event || event === 'message')) onMessage(data, id);
            else onOther({ event, id, data });
        },
        onRetry: retry => onOther({ retry })
    });
    return chunk => parser.feed(decoder.decode(chunk, { stream: true }));
}

const LINE = 10;
const NAME = 'event: message\n';
const ID = 'id: ';
const DATA = 'data: ';

/**
 * Reads a chunk that is one message in the usual form: a name, an id and one line of data. False for others.
 */
function onlyMessage(chunk: Uint8Array, onMessage: (data: string, id: string | undefined) => void): boolean {
    const { length } = chunk;
    if (chunk[length - 1] !== LINE || chunk[length - 2] !== LINE) return false;
    const text = whole.decode(chunk);
    let at = text.startsWith(NAME) ? NAME.length : 0;
    let id: string | undefined;
    if (text.startsWith(ID, at)) {
        const next = text.indexOf('\n', at) + 1;
        id = text.slice(at + ID.length, next - 1);
        at = next;
    }
    if (!text.startsWith(DATA, at)) return false;
    const end = text.length - 2;
    if (text.indexOf('\n', at) !== end || text.includes('\r')) return false;
    onMessage(text.slice(at + DATA.length, end), id);
    return true;
}
