// Schemas at random, each with values that it lets pass.

/** A generator of numbers from 0 to 1 (mulberry32): the same for the same seed. */
export function generator(seed: number): () => number {
    let state = seed;
    return () => {
        state = (state + 0x6d2b79f5) | 0;
        let t = Math.imul(state ^ (state >>> 15), 1 | state);
        t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
        return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
}

export interface Sample {
    readonly schema: unknown;
    readonly value: unknown;
}

const NAMES = ['a', 'b', 'c-d', 'class', 'new', '1', '__proto__', 'constructor', 'ä', 'x_y', 'items', 'None'];
const WORDS = ['', 'text', '"', '\\', '*/', '日本', '\u202e', "'", '\n'];

/** Writes schemas that say all there is to say, and a value for each. */
export class Schemas {
    private readonly definitions = new Map<string, unknown>();

    constructor(private readonly random: () => number) {}

    /** A whole document, for an object. */
    document(): Sample {
        const { schema, value } = this.object(3);
        const document = schema as Record<string, unknown>;
        if (this.definitions.size > 0) document['$defs'] = Object.fromEntries(this.definitions);
        return { schema, value };
    }

    private any(depth: number): Sample {
        const kinds = depth > 0 ? 12 : 6; // the others have parts
        switch (Math.floor(this.random() * kinds)) {
            case 0:
                return { schema: { type: 'string', minLength: 0 }, value: this.pick(WORDS) };
            case 1:
                return { schema: { type: 'integer' }, value: this.pick([0, -1, 42, 2 ** 40]) };
            case 2:
                return { schema: { type: 'number', default: 1.5 }, value: this.pick([0.5, -3, 1e21]) };
            case 3:
                return { schema: this.pick([{ type: 'boolean' }, { enum: [true, false] }]), value: this.chance() };
            case 4: {
                const values = [this.pick(WORDS), this.pick([1, -2, 0.5, null, true])];
                return { schema: { enum: values }, value: this.pick(values) };
            }
            case 5:
                return { schema: this.pick([true, {}]), value: this.pick<unknown>([null, 1, 'x', [1], { a: 1 }]) };
            case 6: {
                const item = this.any(depth - 1);
                const value = this.chance() ? [] : [item.value, item.value];
                return { schema: { type: 'array', items: item.schema }, value };
            }
            case 7: {
                const [first, second] = [this.any(depth - 1), this.any(depth - 1)];
                const schema = {
                    type: 'array',
                    prefixItems: [first.schema, second.schema],
                    items: second.schema,
                    minItems: 1
                };
                return {
                    schema,
                    value: [first.value, second.value, second.value].slice(0, 1 + Math.floor(this.random() * 3))
                };
            }
            case 8: {
                const [one, other] = [this.any(depth - 1), this.any(depth - 1)];
                const keyword = this.pick(['anyOf', 'oneOf']);
                return { schema: { [keyword]: [one.schema, other.schema] }, value: this.pick([one, other]).value };
            }
            case 9: {
                const { schema, value } = this.any(depth - 1);
                const name = `${this.pick(NAMES)}${String(this.definitions.size)}`;
                this.definitions.set(name, schema);
                return { schema: { $ref: `#/$defs/${encodeURIComponent(name)}`, description: 'By name' }, value };
            }
            case 10: {
                const { schema, value } = this.object(depth - 1);
                return { schema: { allOf: [schema, { type: 'object' }, true] }, value };
            }
            default:
                return this.object(depth - 1);
        }
    }

    private object(depth: number): Sample {
        const properties: [string, unknown][] = [];
        const value: [string, unknown][] = [];
        const required: string[] = [];
        for (let i = Math.floor(this.random() * 4); i > 0; i--) {
            const name = this.pick(NAMES);
            if (properties.some(([known]) => known === name)) continue;
            const member = this.any(depth - 1);
            properties.push([name, member.schema]);
            if (this.chance()) required.push(name);
            if (required.includes(name) || this.chance()) value.push([name, member.value]);
        }
        const schema: Record<string, unknown> = { type: 'object', properties: Object.fromEntries(properties) };
        if (required.length > 0) schema['required'] = required;
        if (this.random() < 0.3) {
            const other = this.any(depth - 1);
            schema['additionalProperties'] = other.schema;
            value.push(['other', other.value]);
        }
        return { schema, value: Object.fromEntries(value) };
    }

    private chance(): boolean {
        return this.random() < 0.5;
    }

    private pick<T>(from: readonly T[]): T {
        return from[Math.floor(this.random() * from.length)] as T;
    }
}

/** Anything at all, with keywords in the wrong places. */
export function nonsense(random: () => number, depth = 5): unknown {
    const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
    if (depth === 0 || random() < 0.2) {
        return pick<unknown>([
            true,
            false,
            null,
            0,
            -1,
            'string',
            '',
            'object',
            '#',
            '#/properties/a',
            '#/$defs/x',
            [],
            {}
        ]);
    }
    if (random() < 0.2) return Array.from({ length: Math.floor(random() * 4) }, () => nonsense(random, depth - 1));
    const names = Array.from({ length: Math.floor(random() * 5) }, () => pick([...KEYWORDS, ...NAMES]));
    return Object.fromEntries(names.map(name => [name, nonsense(random, depth - 1)]));
}

const KEYWORDS = (
    'type properties required items prefixItems additionalProperties patternProperties anyOf oneOf allOf enum const $ref $defs ' +
    'description title default deprecated nullable minItems $anchor $dynamicRef $id then else dependentSchemas additionalItems'
).split(' ');
