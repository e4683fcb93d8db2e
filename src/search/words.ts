// The words of texts and of names. This engine has no Unicode tables, so letters are told apart by hand.

/** So many characters of one text are looked at. */
const MAX_CHARACTERS = 4000;
/** So many words of one text count. */
const MAX_WORDS = 500;

const enum Kind {
    None,
    Digit,
    Lower,
    Upper,
    /** A character that is a word of its own, as in Chinese. */
    Whole
}

/** The words of a text, in lower case, without the endings of plurals: `readFiles` and `read_file` have the same. */
export function words(text: string): string[] {
    const found: string[] = [];
    let start = 0;
    let before = Kind.None;
    const end = Math.min(text.length, MAX_CHARACTERS);
    let next = end > 0 ? kindOf(text.charCodeAt(0)) : Kind.None;
    for (let at = 0; at <= end && found.length < MAX_WORDS; at++) {
        const kind = next;
        next = at + 1 < end ? kindOf(text.charCodeAt(at + 1)) : Kind.None;
        if (at > start && !isSame(before, kind, next)) {
            if (before !== Kind.None) found.push(stem(text.slice(start, at).toLowerCase()));
            start = at;
        }
        if (kind === Kind.None) start = at + 1;
        before = kind;
    }
    return found;
}

/** Whether a character goes on with the word of the one before: `ReadFile` has two words, `HTTPServer` too. */
function isSame(before: Kind, kind: Kind, next: Kind): boolean {
    if (before === Kind.Upper && kind === Kind.Upper) return next !== Kind.Lower;
    return before !== Kind.Whole && (kind === before || (before === Kind.Upper && kind === Kind.Lower));
}

function kindOf(code: number): Kind {
    if (code >= 0x30 && code <= 0x39) return Kind.Digit;
    if (code >= 0x61 && code <= 0x7a) return Kind.Lower;
    if (code >= 0x41 && code <= 0x5a) return Kind.Upper;
    if (code < 0xc0 || code === 0xd7 || code === 0xf7) return Kind.None;
    if ((code >= 0x2000 && code <= 0x2bff) || (code >= 0x3000 && code <= 0x303f)) return Kind.None;
    if (code >= 0x2e80 && code <= 0xd7ff) return Kind.Whole;
    // Halves of characters, most of them no letters, and characters for private use.
    if (code >= 0xd800 && code <= 0xf8ff) return Kind.None;
    if (code >= 0xfe00 && code <= 0xfe6f) return Kind.None;
    const letter = String.fromCharCode(code);
    return letter !== letter.toLowerCase() ? Kind.Upper : Kind.Lower;
}

function stem(word: string): string {
    if (word.length > 4 && word.endsWith('ies')) return `${word.slice(0, -3)}y`;
    return word.length > 3 && word.endsWith('s') && !word.endsWith('ss') ? word.slice(0, -1) : word;
}
