// Every schema of the SDK's, with its validator and without, on values that are made for it and on
// what becomes of them when something is changed.
import { isDeepStrictEqual } from 'node:util';

import { expect, test } from 'vitest';
import { globalConfig } from 'zod/v4/core';

import { install } from '../src/fast-path/validators/schemas.js';
import { INVALID, UNSURE, checkFor, validatorFor } from '../src/fast-path/validators/validator.js';
import { Writer } from '../src/fast-path/validators/writer.js';
import type { Schema } from '../src/sdk/internals.js';

const ROUNDS = 24;

const schemas: Schema[] = [];
globalConfig.postProcessor = made => {
    const schema = made as unknown as Schema;
    if (schema._zod.traits.has('$ZodType')) schemas.push(schema);
};
const sdk = await import('@modelcontextprotocol/client');
sdk.preloadSchemas();
globalConfig.postProcessor = undefined;

/** Numbers that are the same in every run. */
function random(seed: number): () => number {
    return () => {
        seed = (seed + 0x6d2b79f5) | 0;
        let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
        t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
        return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
    };
}

class Values {
    constructor(private readonly next: () => number) {}

    pick<T>(from: readonly T[]): T {
        return from[Math.floor(this.next() * from.length)] as T;
    }

    any(): unknown {
        return this.pick([
            undefined,
            null,
            true,
            0,
            -1.5,
            2 ** 60,
            Number.NaN,
            '',
            'x',
            'text',
            [],
            [1],
            {},
            { a: 1 },
            { type: 'text' }
        ]);
    }

    /** A value that the schema may well take. */
    for(schema: Schema, depth = 0): unknown {
        const { def } = schema._zod;
        if (depth > 6) return this.any();
        switch (def.type) {
            case 'string':
                return this.pick(['', 'x', 'https://example.com/', '2026-01-02T03:04:05Z', 'YQ==']);
            case 'number':
                return this.pick([0, 1, 0.5, 7]);
            case 'boolean':
                return this.pick([true, false]);
            case 'literal':
                return this.pick(def.values);
            case 'enum':
                return this.pick(Object.values(def.entries));
            case 'null':
                return null;
            case 'array':
                return Array.from({ length: Math.floor(this.next() * 3) }, () => this.for(def.element, depth + 1));
            case 'record':
                return {
                    a: this.for(def.valueType, depth + 1),
                    ...(this.next() < 0.5 && { '7': this.for(def.valueType, depth + 1) })
                };
            case 'object':
                return this.object(schema, depth);
            case 'union':
                return this.for(this.pick(def.options), depth + 1);
            case 'lazy':
                return this.for(schema._zod.innerType as Schema, depth + 1);
            case 'optional':
            case 'nullable':
            case 'default':
            case 'catch':
                return this.next() < 0.3 ? undefined : this.for(def.innerType, depth + 1);
            default:
                return this.any();
        }
    }

    object({ _zod: { def } }: Schema, depth: number): Record<string, unknown> {
        const value: Record<string, unknown> = {};
        if (this.next() < 0.3) value['before'] = this.any();
        for (const [key, schema] of Object.entries(def.shape)) {
            if (schema._zod.optin !== undefined && this.next() < 0.5) continue;
            value[key] = this.for(schema, depth + 1);
        }
        if (this.next() < 0.3) value['after'] = this.any();
        return value;
    }

    /** The value with something changed, anywhere in it. */
    changed(value: unknown): unknown {
        if (typeof value !== 'object' || value === null || this.next() < 0.2) return this.any();
        const keys = Object.keys(value);
        if (Array.isArray(value)) {
            const index = Math.floor(this.next() * (value.length + 1));
            return value.toSpliced(index, 1, this.changed(value[index]));
        }
        const key = this.pick([...keys, 'new', '__proto__', 'constructor']);
        const copy = { ...(value as Record<string, unknown>) };
        if (this.next() < 0.3) Reflect.deleteProperty(copy, key);
        else
            Object.defineProperty(copy, key, {
                value: this.changed(copy[key]),
                enumerable: true,
                configurable: true,
                writable: true
            });
        return copy;
    }
}

/** The same value, with its members in the same order. */
function same(a: unknown, b: unknown): boolean {
    return isDeepStrictEqual(a, b) && JSON.stringify(a) === JSON.stringify(b);
}

test('a validator gives what zod gives', () => {
    let valid = 0;
    let invalid = 0;
    for (const [index, schema] of schemas.entries()) {
        const validator = validatorFor(schema);
        if (!validator) continue;
        const values = new Values(random(index));
        for (let round = 0; round < ROUNDS; round++) {
            let value = values.for(schema);
            for (let changes = round % 3; changes > 0; changes--) value = values.changed(value);
            const output: unknown = validator(value);
            if (output === UNSURE) continue;
            const { value: expected, issues } = schema._zod.run({ value, issues: [] }, { async: false });
            if (issues.length > 0) {
                invalid++;
                if (output !== INVALID)
                    expect.fail(`schema ${index} takes ${JSON.stringify(value)}: ${JSON.stringify(issues)}`);
            } else {
                valid++;
                if (output === INVALID || !same(output, expected)) {
                    expect.fail(
                        `schema ${index} makes ${JSON.stringify(output)} of ${JSON.stringify(value)}, not ${JSON.stringify(expected)}`
                    );
                }
            }
        }
    }
    expect(valid).toBeGreaterThan(8_000);
    expect(invalid).toBeGreaterThan(8_000);
});

test('a check takes what zod takes', () => {
    const verdicts = { true: 0, false: 0 };
    for (const [index, schema] of schemas.entries()) {
        const check = checkFor(schema);
        if (!check) continue;
        const values = new Values(random(index));
        for (let round = 0; round < ROUNDS; round++) {
            let value = values.for(schema);
            for (let changes = round % 3; changes > 0; changes--) value = values.changed(value);
            const text = JSON.stringify(value) as string | undefined;
            if (text === undefined) continue;
            const parsed: unknown = JSON.parse(text);
            const verdict: unknown = check(parsed);
            if (verdict === UNSURE) continue;
            const { issues } = schema._zod.run({ value: parsed, issues: [] }, { async: false });
            verdicts[`${issues.length === 0}`]++;
            if (verdict !== (issues.length === 0 ? true : INVALID))
                expect.fail(`schema ${index} and ${text}: ${String(verdict)}, and zod finds ${JSON.stringify(issues)}`);
        }
    }
    expect(verdicts.true).toBeGreaterThan(8_000);
    expect(verdicts.false).toBeGreaterThan(8_000);
});

test('of a list, and of what a tool gives, only texts of a form are left to zod', () => {
    for (const wanted of ['tools', 'resources', 'resourceTemplates', 'prompts', 'structuredContent']) {
        const found = schemas.filter(
            ({ _zod: { def } }) => def.type === 'object' && wanted in def.shape && !('capabilities' in def.shape)
        );
        const results = found.filter(
            ({ _zod: { def } }) => def.shape[wanted]?._zod.def.type === 'array' || 'content' in def.shape
        );
        // The older era's and the newer one's.
        expect(results.length, wanted).toBeGreaterThanOrEqual(2);
        for (const schema of results) {
            const left = new Writer(false).code(schema)?.constants.filter(one => !(one instanceof Set)) as Schema[];
            expect(left.filter(({ _zod: { def } }) => def.type !== 'string' || wanted === 'tools')).toEqual([]);
        }
    }
});

test('what is wrong is what zod says is wrong', () => {
    const values = new Values(random(1));
    const expected = (schema: Schema, value: unknown) => (schema as unknown as Zod).safeParse(value);
    let compared = 0;
    for (const schema of schemas) {
        if (schema._zod.def.type !== 'object' || !validatorFor(schema)) continue;
        const inputs = Array.from({ length: 10 }, () => values.changed(values.for(schema)));
        const before = inputs.map(value => expected(schema, value));
        install(schema);
        for (const [i, value] of inputs.entries()) {
            const after = expected(schema, value);
            expect(after.success).toBe(before[i]?.success);
            if (after.success) continue;
            compared++;
            expect(after.error?.message).toBe(before[i]?.error?.message);
            expect(after.error?.issues).toEqual(before[i]?.error?.issues);
        }
    }
    expect(compared).toBeGreaterThan(500);
});

interface Zod {
    safeParse(value: unknown): { success: boolean; data?: unknown; error?: Error & { issues: unknown[] } };
}
