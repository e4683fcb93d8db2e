// Finds the last expression of a source, whose value is the script's. The engine's own parser is a hundred times
// as quick as one that is written in JavaScript, but it says only whether a text is a program. So this guesses, from
// the end, where the last statement begins, and asks the engine about both sides of the place.
// test/last-expression.test.ts compares what it finds with what acorn finds.

/** Says whether a text is the body of an async function. */
export type Compiles = (text: string) => boolean;

/** How much text the engine is asked about before this gives up: lengths of the source, and characters beyond. */
const LENGTHS = 8;
const CHARACTERS = 100_000;

const SEPARATORS = ['\n', ';', '}'];

/** White space and comments. */
const BLANK = /(?:\s|\/\/.*|\/\*[^]*?\*\/)*/y;

/** What begins a declaration, or a block. */
const DECLARATION = /^(?:(?:const|let|var|class|function)(?![\w$])|async\s+function(?![\w$])|\{)/;

/** What is a statement in any case, and behind which nothing is run. */
const RETURN = /^return(?![\w$])/;

/** Words behind which a line break may not end a statement, although they are names too. */
const OPEN = /(?:^|[^\w$.])(?:let|async)\s*$/;

/**
 * Where the last statement of a source begins, if it is an expression; -1 if it is none, and undefined where it would
 * take too long to find out. The source is one that the engine takes.
 */
export function lastExpression(source: string, compiles: Compiles): number | undefined {
    const end = source.replace(/[\s;]+$/, '').length;
    let left = source.length * LENGTHS + CHARACTERS;
    const asks = (text: string) => {
        left -= text.length;
        return left >= 0 && compiles(text);
    };
    for (let at = end; at >= 0;) {
        // A statement begins behind one of these, or at the beginning.
        at = at === 0 ? -1 : Math.max(...SEPARATORS.map(one => source.lastIndexOf(one, at - 1)));
        BLANK.lastIndex = at + 1;
        BLANK.test(source);
        const start = BLANK.lastIndex;
        if (start < end) {
            const statement = source.slice(start, end);
            const returns = RETURN.test(statement);
            const declaration = !returns && DECLARATION.test(statement);
            if (returns || (declaration ? asks(statement) : asks(`do ${statement}\nwhile(0)`))) {
                const before = source.slice(0, start);
                if ((start === 0 || asks(before)) && isEnd(before, statement, asks)) {
                    const expression = !returns && !declaration && asks(`return ${statement}`);
                    return expression ? start : left < 0 ? undefined : -1;
                }
            }
        }
        if (left < 0) return undefined;
    }
    return -1;
}

/** Whether what comes before a statement has ended there. It is a program by itself. */
function isEnd(before: string, statement: string, asks: Compiles): boolean {
    const line = before.slice(before.lastIndexOf('\n') + 1);
    // In a comment, a bracket that nothing closes does no harm.
    if (line.includes('//') && asks(`${before}(`)) return false;
    if (OPEN.test(before)) return false;
    // What may go on with an expression does so where there is one.
    return !/^(?:[([`/]|\+(?!\+)|-(?!-))/.test(statement) || !asks(`${before}\n.x`);
}
