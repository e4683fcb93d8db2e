// The engine's portable baseline interpreter, for what runs often.
import { change } from './snapshot.mjs';

/**
 * What the engine is told when it begins, and is in the snapshot. A function that has run so often goes on
 * in the portable baseline interpreter, which keeps what it has seen of its values. Below a few hundred
 * calls that costs more than it gives: a connect would take up to twice as long.
 */
export const options = {
    JIT_OPTION_portableBaselineInterpreter: 'true',
    JIT_OPTION_portableBaselineInterpreterWarmUpThreshold: '400'
};

/**
 * The engine has a row for each function of its library that the interpreter knows itself: nothing, the function's
 * number, and the kind of what stands there.
 */
const row = kind => number => [0, number, kind];
const known = row(4);
const unknown = row(3);

/**
 * Functions that the interpreter must not know, since it does them wrong, between their neighbours in the engine's
 * table. The engine calls them then as it calls any other.
 */
const WRONG = [
    // String.fromCodePoint, and the iterator of a text: of U+20041 it makes U+0041, for it looks at the last 16 bits.
    [141, [142], 145],
    // toLowerCase and toUpperCase: toLocaleLowerCase and toLocaleUpperCase, which are called by way of them, end in a trap.
    [151, [152, 153], 154]
];

/** Corrects it in a component. test/baseline.test.ts compares what it does with what the engine does without it. */
export function correctBaseline(component) {
    const bytes = Buffer.from(component);
    for (const [before, wrong, after] of WRONG) {
        const between = rows => [...known(before), ...wrong.flatMap(rows), ...known(after)];
        change(bytes, 1, between(known), between(unknown), 'baseline.mjs');
    }
    return bytes;
}
