// Straight-line validators, written from the SDK's own zod schemas. zod interprets a schema node by
// node, with a payload and a list of issues for each; the engine in the component is slow at that.
// A validator decides the same and builds the same value, but has no error texts: whoever needs those asks
// zod.

import type { Schema } from '../../sdk/internals.js';
import { Writer } from './writer.js';

/** The value is not valid. */
export const INVALID = Symbol('invalid');
/** Only zod can decide about the value. */
export const UNSURE = Symbol('unsure');

/** Returns the value that zod would return, or INVALID or UNSURE. */
export type Validator = (value: unknown) => unknown;

/** Returns true when zod would accept a value from JSON.parse, or INVALID or UNSURE. */
export type Check = (value: unknown) => unknown;

/** Writes the validator of a schema; undefined when it would only call zod. */
export function validatorFor(schema: Schema): Validator | undefined {
    return compile(new Writer(true), schema);
}

/** Writes the check of a schema: a validator that builds no value, and so skips members without rules. */
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
