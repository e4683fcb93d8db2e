import { takesAsIs } from '../protocol/results.js';
import type { Codec } from '../sdk/internals.js';
import { checkOf } from './validators/schemas.js';
import type { Check } from './validators/validator.js';

/** Whether the SDK accepts a result unchanged. */
export function takes(codec: Codec, method: string, value: unknown): boolean {
    const check = resultCheck(codec, method);
    return check ? check(value) === true : takesAsIs(codec, method, value);
}

const checks = new Map<Codec, Map<string, Check | undefined>>();

/**
 * The check for results of a method in an era. Undefined when there is none: the checks are written while
 * the component is built.
 */
function resultCheck(codec: Codec, method: string): Check | undefined {
    const ofEra = checks.get(codec) ?? new Map<string, Check | undefined>();
    checks.set(codec, ofEra);
    if (!ofEra.has(method))
        ofEra.set(
            method,
            checkOf(() => codec.validateResult(method, {}))
        );
    return ofEra.get(method);
}
