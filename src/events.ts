// Streams of events (HTML, section 9.2), of which only messages count.
import { createParser } from 'eventsource-parser';

const whole = new TextDecoder();

/**
 * Hears a stream chunk by chunk: the data of each message, and of everything else that it is there.
 * Most streams of this protocol are one message, which comes at once.
 */
export function listen(onMessage: (data: string) => void, onOther: () => void): (chunk: Uint8Array) => void {
    let rest: ((chunk: Uint8Array) => void) | undefined;
    return chunk => {
        const data = rest ? undefined : onlyMessage(chunk);
        if (data !== undefined) return onMessage(data);
        // A message that was whole has left nothing that a parser would have to know of.
        rest ??= parse(onMessage, onOther);
        rest(chunk);
    };
}

function parse(onMessage: (data: string) => void, onOther: () => void): (chunk: Uint8Array) => void {
    const decoder = new TextDecoder();
    const parser = createParser({
        onEvent({ event, data }) {
            if (data && (!event || event === 'message')) onMessage(data);
            else onOther();
        },
        onRetry: onOther
    });
    return chunk => parser.feed(decoder.decode(chunk, { stream: true }));
}

const LINE = 10;
const NAME = 'event: message\n';
const ID = 'id: ';
const DATA = 'data: ';

/** The data of a chunk that is one message in its usual form: a name, an id and one line of data. */
function onlyMessage(chunk: Uint8Array): string | undefined {
    const { length } = chunk;
    if (chunk[length - 1] !== LINE || chunk[length - 2] !== LINE) return undefined;
    const text = whole.decode(chunk);
    let at = text.startsWith(NAME) ? NAME.length : 0;
    if (text.startsWith(ID, at)) at = text.indexOf('\n', at) + 1;
    if (!text.startsWith(DATA, at)) return undefined;
    const end = text.length - 2;
    return text.indexOf('\n', at) === end && !text.includes('\r') ? text.slice(at + DATA.length, end) : undefined;
}
