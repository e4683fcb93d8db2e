// What is known here of zod's insides, and the SDK's type declarations do not tell.

/** As much of a zod schema as is read here. */
export interface Schema {
    readonly _zod: {
        readonly def: Definition;
        readonly optin?: string | undefined;
        readonly optout?: string | undefined;
        readonly propValues?: Record<string, Set<unknown>> | undefined;
        readonly traits: Set<string>;
        /** What a lazy schema stands for. */
        readonly innerType?: Schema;
        run: (payload: Payload, context: Context) => Payload;
    };
}

export interface Payload {
    value: unknown;
    issues: unknown[];
}

export interface Context {
    readonly async?: boolean;
    readonly direction?: string;
    readonly skipChecks?: boolean;
}

/** What a number is held to, of a format or of a bound. */
interface Check {
    readonly check: string;
    readonly format?: string;
    readonly value?: unknown;
    readonly inclusive?: boolean;
}

export interface Definition {
    readonly type: string;
    readonly format?: string;
    readonly coerce?: boolean;
    readonly checks?: { _zod: { def: Check } }[];
    readonly shape: Record<string, Schema>;
    readonly catchall?: Schema;
    readonly element: Schema;
    readonly innerType: Schema;
    /** The second half of a pipe. */
    readonly out: Schema;
    readonly options: Schema[];
    readonly discriminator?: string;
    readonly inclusive?: boolean;
    readonly unionFallback?: boolean;
    readonly values: unknown[];
    readonly entries: Record<string, unknown>;
    readonly keyType: Schema;
    readonly valueType: Schema;
    readonly mode?: string;
    readonly partial?: boolean;
}

/** Whether a schema's own node is one that is written out as code. All others are left to zod. */
export function isWritten({ _zod: { def, traits } }: Schema): boolean {
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
            return !traits.has('$ZodExactOptional') && def.innerType._zod.optin !== 'defaulted';
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

/** Whether a schema takes whatever JSON.parse gives. zod walks through what is in it, and refuses a number too large for JavaScript alone. */
export function takesJson(schema: Schema): boolean {
    const { def, innerType } = schema._zod;
    if (def.type === 'unknown' || def.type === 'any') return true;
    if (def.type !== 'lazy' || innerType?._zod.def.type !== 'union') return false;
    const { options } = innerType._zod.def;
    return JSON_TYPES.every(type => options.some(option => option._zod.def.type === type && isOfJson(option, schema)));
}

const JSON_TYPES = ['string', 'number', 'boolean', 'null', 'array', 'record'];

/** Whether a schema of one of those types takes all of that type, with what `inside` takes in it. */
function isOfJson(schema: Schema, inside: Schema): boolean {
    const { def } = schema._zod;
    if (!isWritten(schema) || (def.type === 'number' && (def.format !== undefined || def.checks?.length))) return false;
    return (def.type !== 'array' || def.element === inside) && (def.type !== 'record' || def.valueType === inside);
}

/** A number, or an integer that JavaScript can hold, within bounds or without. */
function isPlainNumber(def: Definition): boolean {
    return (
        (def.format === undefined || def.format === 'safeint') &&
        checksOf(def).every(one => one.format === 'safeint' || bound(one) !== undefined)
    );
}

/** What a number is held to beside being finite, as operators and numbers; and whether it is an integer. */
export function limits(def: Definition): { integer: boolean; bounds: string[] } {
    const checks = checksOf(def);
    const integer = def.format === 'safeint' || checks.some(({ check }) => check === 'number_format');
    return { integer, bounds: checks.map(bound).filter(one => one !== undefined) };
}

function checksOf({ checks = [] }: Definition): Check[] {
    return checks.map(({ _zod: { def } }) => def);
}

function bound({ check, value, inclusive }: Check): string | undefined {
    const operator = { greater_than: '>', less_than: '<' }[check];
    return operator && Number.isFinite(value) ? `${operator}${inclusive ? '=' : ''} ${String(value)}` : undefined;
}

/** Any text. */
function isPlainString({ _zod: { def, traits } }: Schema): boolean {
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
