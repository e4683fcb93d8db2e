// Decides which of zod's schemas are written as code. All others are left to zod.
import type { Definition, NumberCheck, Schema } from '../../sdk/internals.js';
import { definitionOf, numberChecksOf, zodOf } from '../../sdk/internals.js';

/** Whether the node of a schema itself is written as code. */
export function isWritten(schema: Schema): boolean {
    const { def, traits } = zodOf(schema);
    if (def.type === 'number' && !def.coerce) return isPlainNumber(def);
    if (def.checks?.length || def.coerce || def.format !== undefined || traits.has('$ZodCheck')) return false;
    switch (def.type) {
        case 'string':
        case 'boolean':
        case 'null':
        case 'unknown':
        case 'any':
        case 'object':
        case 'array':
            return true;
        case 'literal':
            return def.values.every(isPlainLiteral);
        case 'enum':
            return Object.values(def.entries).every(value => typeof value === 'string');
        case 'default':
        case 'nullable':
        case 'catch':
            return true;
        case 'optional':
            return !traits.has('$ZodExactOptional') && zodOf(def.innerType).optin !== 'defaulted';
        case 'union':
            return (
                def.options.length > 0 &&
                !def.unionFallback &&
                (def.discriminator !== undefined || def.inclusive !== false)
            );
        case 'record':
            return isPlainString(def.keyType) && !def.partial && def.mode === undefined;
        default:
            return false;
    }
}

/**
 * Whether a schema accepts every value of JSON.parse. zod walks through the value, and refuses only numbers
 * that are too large for JavaScript.
 */
export function takesJson(schema: Schema): boolean {
    const { def, innerType } = zodOf(schema);
    if (def.type === 'unknown' || def.type === 'any') return true;
    if (def.type !== 'lazy' || !innerType) return false;
    const { type: inner, options } = definitionOf(innerType);
    if (inner !== 'union') return false;
    return JSON_TYPES.every(type =>
        options.some(option => definitionOf(option).type === type && isOfJson(option, schema))
    );
}

const JSON_TYPES = ['string', 'number', 'boolean', 'null', 'array', 'record'];

/** Whether a schema accepts all values of its type, when `inside` accepts the values in them. */
function isOfJson(schema: Schema, inside: Schema): boolean {
    const def = definitionOf(schema);
    if (!isWritten(schema) || (def.type === 'number' && (def.format !== undefined || def.checks?.length))) return false;
    return (def.type !== 'array' || def.element === inside) && (def.type !== 'record' || def.valueType === inside);
}

/** Whether a schema is a number, or an integer that JavaScript can hold, with or without bounds. */
function isPlainNumber(def: Definition): boolean {
    return (
        (def.format === undefined || def.format === 'safeint') &&
        numberChecksOf(def).every(one => one.format === 'safeint' || bound(one) !== undefined)
    );
}

/** The bounds of a number, as operators and numbers, and whether it must be an integer. */
export function limits(def: Definition): { integer: boolean; bounds: string[] } {
    const checks = numberChecksOf(def);
    const integer = def.format === 'safeint' || checks.some(({ check }) => check === 'number_format');
    return { integer, bounds: checks.map(bound).filter(one => one !== undefined) };
}

function bound({ check, value, inclusive }: NumberCheck): string | undefined {
    const operator = { greater_than: '>', less_than: '<' }[check];
    return operator && Number.isFinite(value) ? `${operator}${inclusive ? '=' : ''} ${String(value)}` : undefined;
}

/** Whether a schema is a string without rules. */
function isPlainString(schema: Schema): boolean {
    const { def, traits } = zodOf(schema);
    return (
        def.type === 'string' &&
        !def.checks?.length &&
        !def.coerce &&
        def.format === undefined &&
        !traits.has('$ZodCheck')
    );
}

/** Whether a value can be written as source text. */
export function isPlainLiteral(value: unknown): boolean {
    return (
        value === null ||
        value === undefined ||
        ['string', 'boolean'].includes(typeof value) ||
        Number.isSafeInteger(value)
    );
}
