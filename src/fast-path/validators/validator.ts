// Straight-line validators, written from the SDK's own zod schemas. zod interprets a schema node by
// node, with a payload and a list of issues for each; the engine in the component is slow at that.
// What is written here decides and builds the same value, and knows nothing of messages: whoever
// wants to know what is wrong asks zod.

import type { Schema } from '../../sdk/internals.js';
import { Writer } from './writer.js';

/** The value is not valid. */
export const INVALID = Symbol('invalid');
/** The value is one that only zod can decide about. */
export const UNSURE = Symbol('unsure');

/** Gives the value that zod would give, or one of the two above. */
export type Validator = (value: unknown) => unknown;

/** Says whether zod would take a value that JSON.parse gave: true, or one of the two above. */
export type Check = (value: unknown) => unknown;

/** Writes the validator of a schema; undefined when it would be no more than a call of zod. */
export function validatorFor(schema: Schema): Validator | undefined {
    return compile(new Writer(true), schema);
}

/** The same, without a value: what is not looked at takes no time. */
export function checkFor(schema: Schema): Check | undefined {
    return compile(new Writer(false), schema);
}

function compile(writer: Writer, schema: Schema): Validator | undefined {
    const code = writer.code(schema);
    if (!code) return undefined;
    const names = ['INVALID', 'UNSURE', ...code.constants.map((_, i) => `c${i}`)];
    // eslint-disable-next-line @typescript-eslint/no-implied-eval
    const make = new Function(...names, code.text) as (...constants: unknown[]) => Validator;
    return make(INVALID, UNSURE, ...code.constants);
}
