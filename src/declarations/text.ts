// Text of servers in comments and in quotes. A server must not be able to end a comment, to write a
// directive for a compiler, or to show a reader something else than what is there.

/** A description is cut after this many characters. */
const MAX_DESCRIPTION = 4000;
/** A name or a value in a comment is cut after this many. */
const MAX_VALUE = 120;

/** Whether a character (a UTF-16 code unit, or a code point) is none that a reader sees. */
function isHidden(code: number): boolean {
    return (
        code < 0x20 ||
        (code >= 0x7f && code < 0xa0) ||
        code === 0xad ||
        code === 0x61c ||
        code === 0x180e ||
        (code >= 0x200b && code <= 0x200f) ||
        (code >= 0x2028 && code <= 0x202e) ||
        (code >= 0x2060 && code <= 0x206f) ||
        (code >= 0xd800 && code <= 0xdfff) ||
        code === 0xfeff ||
        (code >= 0xfff0 && code <= 0xfffb) ||
        (code >= 0xe0000 && code <= 0xe0fff)
    );
}

const LINE_END = /\r\n?|[\n\v\f\u0085\u2028\u2029]/g;

/** The lines of a text, without characters that hide or reorder others, cut at `max` characters. */
export function lines(text: string, max = MAX_DESCRIPTION): string[] {
    const cut = text.length > max;
    const short = (cut ? text.slice(0, max) : text).replace(LINE_END, '\n').replaceAll('\t', ' ');
    let visible = '';
    for (const character of short) {
        if (character === '\n' || !isHidden(character.codePointAt(0) as number)) visible += character;
    }
    const all = (cut ? `${visible}…` : visible).split('\n').map(line => disarm(line.trimEnd()));
    while (all.length > 0 && all[0] === '') all.shift();
    while (all.length > 0 && all.at(-1) === '') all.pop();
    return all.filter((line, i) => line !== '' || all[i - 1] !== '');
}

/** One line of a text: for a brief description, or a name in a comment. */
export function oneLine(text: string, max = MAX_VALUE): string {
    return lines(text, max)
        .map(line => line.trim())
        .filter(line => line !== '')
        .join(' ');
}

/** The first sentence of a text, in one line. */
export function firstSentence(text: string): string {
    const line = oneLine(text, MAX_DESCRIPTION);
    const end = /[.!?](?= |$)/.exec(line);
    const sentence = end ? line.slice(0, end.index) : line;
    return sentence.length > MAX_VALUE ? `${sentence.slice(0, MAX_VALUE)}…` : sentence;
}

/** Takes its meaning from what compilers and checkers read in comments. */
function disarm(line: string): string {
    return line
        .replace(/@(?=ts-)/gi, '@ ')
        .replace(/\b(type|pyright|mypy)(?=\s*:\s*(?:ignore|basic|strict|\w+\s*=))/gi, '$1 ');
}

/** A string literal, in TypeScript and in Python alike. Every character that hides is escaped. */
export function quote(text: string): string {
    let quoted = '"';
    for (const character of text) {
        const code = character.codePointAt(0) as number;
        if (character === '"' || character === '\\') quoted += `\\${character}`;
        else if (!isHidden(code)) quoted += character;
        else for (const unit of character.split('')) quoted += `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
    }
    return `${quoted}"`;
}
