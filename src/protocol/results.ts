// Keeps what validates the results of a method. The SDK makes it anew for each request, and asks it
// about `undefined` to see whether there is one: zod then writes a report that nobody reads, which
// costs as much as the rest of a request.
import type { StandardSchemaV1 } from '@modelcontextprotocol/client';
import { Client } from '@modelcontextprotocol/client';

import type { Json } from 'caisson:mcp/types@0.1.0';

import type { Codec } from '../sdk/internals.js';
import { codecOfRequest, codecOfRevision, onSchema } from '../sdk/internals.js';
import { exact, isObject, parseObject } from './json.js';
import { apply, edits } from './lenient.js';

const kept = new Map<Codec, Map<string, StandardSchemaV1>>();

/** What the SDK has made for the results of a method before, in this client's era. */
export function resultSchema(client: Client, method: string): StandardSchemaV1 | undefined {
    return kept.get(codecOfRequest(client, method))?.get(method);
}

onSchema(Client, (codec, method, schema) => {
    const schemas = kept.get(codec) ?? new Map<string, StandardSchemaV1>();
    kept.set(codec, schemas.set(method, schema));
});

/** What an era's codec does by itself. */
type Strict = Pick<Codec, 'decodeResult' | 'validateResult'>;

const strict = new Map<Codec, Strict>();

/** How many results were taken that the SDK refused as they were. */
let mendings = 0;

for (const version of ['2025-11-25', '2026-07-28']) {
    const codec = codecOfRevision(Client, version);
    const { decodeResult, validateResult } = codec;
    strict.set(codec, { decodeResult, validateResult });
    codec.decodeResult = (method, value) => {
        const decoded = decodeResult(method, value);
        const mended = decoded.kind === 'invalid' ? mend(method, value, objections(codec)) : undefined;
        return mended ? decodeResult(method, mended) : decoded;
    };
    codec.validateResult = (method, value) => {
        const outcome = validateResult(method, value);
        const mended = outcome.reason === 'invalid' ? mend(method, value, invalid(validateResult)) : undefined;
        return mended ? validateResult(method, mended) : outcome;
    };
}

/** What is said against a result; undefined for nothing. */
type Objections = (method: string, value: unknown) => string | undefined;

/** What an era's codec says against the result of an answer. */
function objections(codec: Codec): Objections {
    const { decodeResult, validateResult } = strict.get(codec) ?? codec;
    return (method, value) => {
        const { kind, error, result } = decodeResult(method, value);
        return kind === 'complete' ? invalid(validateResult)(method, result) : error?.message;
    };
}

function invalid(validate: Codec['validateResult']): Objections {
    return (method, value) => {
        const { reason, message = '' } = validate(method, value);
        return reason === 'invalid' ? message : undefined;
    };
}

/** A copy of a result, changed into one that the SDK takes; undefined when it refuses that, too. */
function mend(method: string, value: unknown, objections: Objections): unknown {
    if (!isObject(value)) return undefined;
    const copy: unknown = JSON.parse(JSON.stringify(value));
    if (!edits(method, copy, value => objections(method, value))) return undefined;
    mendings++;
    return copy;
}

/** Whether the SDK takes a result as it is. */
export function takesAsIs(codec: Codec, method: string, value: unknown): boolean {
    return (strict.get(codec) ?? codec).validateResult(method, value).ok;
}

/** How many results were mended so far. When it stays the same, none was. */
export function mended(): number {
    return mendings;
}

/** A result as whoever reads it by its type can read it, and what is to be said of that; undefined when it is so. */
export function readable(
    codec: Codec,
    method: string,
    text: Json,
    /** What is done to a result of this era before the SDK has it. */
    prepare: (value: Record<string, unknown>) => void
): { value: Record<string, unknown>; warnings: string[] } | undefined {
    const value = parseObject(text);
    prepare(value);
    const object = objections(codec);
    const made = edits(method, value, value => object(method, value));
    if (!made || made.length === 0) return undefined;
    const written = exact(parseObject(text), text);
    apply(written, made);
    return { value: written, warnings: made.flatMap(({ warning }) => warning ?? []) };
}
