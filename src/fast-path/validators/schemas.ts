// Puts validators (validator.ts) under the SDK's schemas. Imported before the SDK, so that zod reports each
// schema when the SDK makes it. A schema gets its validator when it is first used from outside zod, and only
// while the component is built: see `seal`.
import { globalConfig } from 'zod/v4/core';

import type { Payload, Schema } from '../../sdk/internals.js';
import { definitionOf, zodOf } from '../../sdk/internals.js';
import type { Check, Validator } from './validator.js';
import { INVALID, UNSURE, checkFor, validatorFor } from './validator.js';

let sealed = WITHOUT.validators;
/** Whether zod is running: a schema is then used from inside zod. */
let inside = false;
/** Called with each schema that is used from outside zod. */
let watch: ((schema: Schema) => void) | undefined;

type Run = ReturnType<typeof zodOf>['run'];

/** Ends the writing of validators: at run time, writing one costs more than a few uses of it save. */
export function seal(): void {
    sealed = true;
}

/**
 * A check for the first schema that `use` uses; for a pipe, a check for its second half. Undefined when no
 * check can be written, and after `seal`.
 */
export function checkOf(use: () => unknown): Check | undefined {
    if (sealed) return undefined;
    const used: Schema[] = [];
    watch = schema => used.push(schema);
    use();
    watch = undefined;
    const [first] = used;
    if (!first) return undefined;
    const def = definitionOf(first);
    return checkFor(def.type === 'pipe' ? def.out : first);
}

/** Puts a validator under a schema. */
export function install(schema: Schema): void {
    const zod = zodOf(schema);
    const { run } = zod;
    /** zod's own run. The schemas that it runs are used from inside zod. */
    const interpret: Run = (payload, context) => {
        const before = inside;
        inside = true;
        try {
            return run(payload, context);
        } finally {
            inside = before;
        }
    };
    let validator: Validator | undefined;
    zod.run = (payload, context) => {
        if (inside || context.async || context.direction !== undefined || context.skipChecks)
            return run(payload, context);
        watch?.(schema);
        if (!validator) {
            validator = sealed ? undefined : validatorFor(schema);
            if (!validator) {
                // The schemas inside it may have validators.
                zod.run = (payload, context) => {
                    if (sealed) zod.run = run;
                    else watch?.(schema);
                    return run(payload, context);
                };
                return interpret(payload, context);
            }
        }
        const { value } = payload;
        const output = validator(value);
        if (output === UNSURE) return interpret(payload, context);
        if (output === INVALID) payload.issues = issuesOf(() => interpret({ value, issues: [] }, context));
        else payload.value = output;
        return payload;
    };
}

/** Stands for zod's issues: most callers only want to know whether there is one. */
function issuesOf(interpret: () => Payload): unknown[] {
    const issues: unknown[] = [undefined];
    let found = false;
    const find = () => {
        if (found) return;
        found = true;
        issues.splice(0, 1, ...interpret().issues);
    };
    return new Proxy(issues, {
        get(_, name): unknown {
            if (name !== 'length') find();
            return Reflect.get(issues, name);
        },
        has(_, name) {
            find();
            return Reflect.has(issues, name);
        },
        ownKeys() {
            find();
            return Reflect.ownKeys(issues);
        },
        getOwnPropertyDescriptor(_, name) {
            find();
            return Reflect.getOwnPropertyDescriptor(issues, name);
        }
    });
}

if (!sealed) {
    globalConfig.postProcessor = made => {
        const schema = made as unknown as Schema;
        if (!sealed && typeof zodOf(schema).run === 'function') install(schema);
    };
}
