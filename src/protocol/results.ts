// Keeps the schemas that validate results. The SDK makes a schema anew for each request, and tests it with
// `undefined`: zod then writes a report that nobody reads, which costs as much as the rest of a request.
import type { StandardSchemaV1 } from '@modelcontextprotocol/client';
import { Client } from '@modelcontextprotocol/client';

import type { Json } from 'caisson:mcp/types@0.1.0';

import type { Codec } from '../sdk/internals.js';
import { codecOfRequest, codecOfRevision, onSchema } from '../sdk/internals.js';
import { exact, isObject, parseObject } from './json.js';
import { apply, edits } from './lenient.js';

const kept = new Map<Codec, Map<string, StandardSchemaV1>>();

/** The schema that the SDK has already made for the results of a method, in this client's era. */
export function resultSchema(client: Client, method: string): StandardSchemaV1 | undefined {
    return kept.get(codecOfRequest(client, method))?.get(method);
}

onSchema(Client, (codec, method, schema) => {
    const schemas = kept.get(codec) ?? new Map<string, StandardSchemaV1>();
    kept.set(codec, schemas.set(method, schema));
});

/** The original methods of an era's codec. */
type Strict = Pick<Codec, 'decodeResult' | 'validateResult'>;

const strict = new Map<Codec, Strict>();

/** How many results were repaired because the SDK had refused them. */
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

/** Returns the error text for a result; undefined for a valid one. */
type Objections = (method: string, value: unknown) => string | undefined;

/** The objections that an era's codec has to the result of an answer. */
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

/** A repaired copy of a result; undefined when the SDK refuses that too. */
function mend(method: string, value: unknown, objections: Objections): unknown {
    if (!isObject(value)) return undefined;
    const copy: unknown = JSON.parse(JSON.stringify(value));
    if (!edits(method, copy, value => objections(method, value))) return undefined;
    mendings++;
    return copy;
}

/** Whether the SDK accepts a result without repairs. */
export function takesAsIs(codec: Codec, method: string, value: unknown): boolean {
    return (strict.get(codec) ?? codec).validateResult(method, value).ok;
}

/** How many results were repaired so far. A caller compares two counts to see whether one was. */
export function mended(): number {
    return mendings;
}

/** A result, repaired for a typed reader, and the warnings to log; undefined when it needs no repair. */
export function readable(
    codec: Codec,
    method: string,
    text: Json,
    /** Completes a result of this era before the SDK gets it. */
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
