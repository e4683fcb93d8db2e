// Which schemas of zod's are written out as code. All others are left to zod.
import type { Definition, NumberCheck, Schema } from '../../sdk/internals.js';
import { definitionOf, numberChecksOf, zodOf } from '../../sdk/internals.js';

/** Whether a schema's own node is one that is written out as code. */
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
 * Whether a schema takes whatever JSON.parse gives. zod walks through what is in it, and refuses a number too
 * large for JavaScript alone.
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

/** Whether a schema of one of those types takes all of that type, with what `inside` takes in it. */
function isOfJson(schema: Schema, inside: Schema): boolean {
    const def = definitionOf(schema);
    if (!isWritten(schema) || (def.type === 'number' && (def.format !== undefined || def.checks?.length))) return false;
    return (def.type !== 'array' || def.element === inside) && (def.type !== 'record' || def.valueType === inside);
}

/** A number, or an integer that JavaScript can hold, within bounds or without. */
function isPlainNumber(def: Definition): boolean {
    return (
        (def.format === undefined || def.format === 'safeint') &&
        numberChecksOf(def).every(one => one.format === 'safeint' || bound(one) !== undefined)
    );
}

/** What a number is held to beside being finite, as operators and numbers; and whether it is an integer. */
export function limits(def: Definition): { integer: boolean; bounds: string[] } {
    const checks = numberChecksOf(def);
    const integer = def.format === 'safeint' || checks.some(({ check }) => check === 'number_format');
    return { integer, bounds: checks.map(bound).filter(one => one !== undefined) };
}

function bound({ check, value, inclusive }: NumberCheck): string | undefined {
    const operator = { greater_than: '>', less_than: '<' }[check];
    return operator && Number.isFinite(value) ? `${operator}${inclusive ? '=' : ''} ${String(value)}` : undefined;
}

/** Any text. */
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

/** A value that can be written as source text. */
export function isPlainLiteral(value: unknown): boolean {
    return (
        value === null ||
        value === undefined ||
        ['string', 'boolean'].includes(typeof value) ||
        Number.isSafeInteger(value)
    );
}
