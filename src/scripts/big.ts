// Integers that are too large to be written: the time that it takes is the square of their digits.
import { toText } from './primordials.js';

/** As many digits as an integer has at most, in JSON and where it is shown. */
export const DIGITS = 4300;

const LEAST = 10n ** BigInt(DIGITS);

/** Whether an integer has more digits than that. */
export function isHuge(value: bigint): boolean {
    return value >= LEAST || value <= -LEAST;
}

/** An integer as text, to be shown. */
export function bigText(value: bigint): string {
    return isHuge(value) ? `an integer of more than ${DIGITS} digits` : toText(value);
}
