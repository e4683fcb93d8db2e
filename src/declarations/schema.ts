// Reads a JSON Schema (2020-12; and what 2019-09, draft-07 and OpenAPI write otherwise) as a type. Keywords
// that no type can say are left out, so that a type lets pass what the schema lets pass.

import { isObject } from '../protocol/json.js';
import { pascalCase, type Names } from './names.js';
import { readNotes } from './notes.js';
import { own, References, type Schema } from './reference.js';
import type { Room } from './room.js';
import {
    intersection,
    isCircular,
    NEVER,
    NULL,
    RECORD,
    union,
    UNKNOWN,
    type Definition,
    type ObjectType,
    type Property,
    type Type
} from './type.js';

/** Schemas that lie deeper in each other are not read. */
const MAX_DEPTH = 24;
/** So many types with a name of their own has one schema at most. */
const MAX_DEFINITIONS = 200;

/** Reads a schema with all that it refers to. The first of the definitions is the schema itself. */
export function readSchema(schema: unknown, name: string, names: Names, room: Room): Definition[] {
    return new Reader(schema, names, room).all(name);
}

class Reader {
    private readonly definitions = new Map<Schema, Definition>();
    private readonly schemas = new Map<Definition, Schema>();
    private readonly reading = new Set<Definition>();
    private readonly references: References;
    private base = '';

    constructor(
        private readonly root: unknown,
        private readonly names: Names,
        private readonly room: Room
    ) {
        this.references = new References(root);
    }

    all(name: string): Definition[] {
        const first: Definition = {
            name: this.names.take(name),
            notes: readNotes(this.root, this.room),
            type: undefined
        };
        this.base = first.name;
        if (isObject(this.root)) this.add(first, this.root);
        else first.type = this.read(this.root, 0);
        // The map grows as its schemas are read.
        for (const definition of this.definitions.values()) this.type(definition, 0);
        const all = [...new Set([first, ...this.definitions.values()])];
        for (const definition of all) if (isCircular(definition)) definition.type = UNKNOWN;
        return all;
    }

    private add(definition: Definition, schema: Schema): void {
        this.definitions.set(schema, definition);
        this.schemas.set(definition, schema);
    }

    /** Reads a definition once. Undefined while it is being read. */
    private type(definition: Definition, depth: number): Type | undefined {
        const schema = this.schemas.get(definition);
        if (definition.type || !schema || depth > MAX_DEPTH || this.reading.has(definition)) return definition.type;
        this.reading.add(definition);
        definition.type = this.read(schema, depth);
        this.reading.delete(definition);
        return definition.type;
    }

    private read(schema: unknown, depth: number): Type {
        if (schema === false) return NEVER;
        if (!isObject(schema) || depth > MAX_DEPTH || !this.room.take()) return UNKNOWN;
        let type =
            own(schema, 'nullable') === true ? union([this.plain(schema, depth), NULL]) : this.plain(schema, depth);
        for (const keyword of ['$ref', '$dynamicRef', '$recursiveRef']) {
            const reference = own(schema, keyword);
            if (typeof reference === 'string') type = this.both(this.reference(reference), type, depth);
        }
        for (const part of this.list(schema, 'allOf')) type = this.both(type, this.read(part, depth + 1), depth);
        for (const keyword of ['anyOf', 'oneOf']) {
            const parts = this.list(schema, keyword);
            if (parts.length === 0) continue;
            const choice = union(parts.map(part => this.read(part, depth + 1)));
            type = this.both(type, choice, depth);
        }
        return type;
    }

    private both(a: Type, b: Type, depth: number): Type {
        return intersection(a, b, this.room, definition => this.type(definition, depth + 1));
    }

    /** The items of an array; none when there are more than there is room for. */
    private list(schema: Schema, keyword: string): unknown[] {
        const value = own(schema, keyword);
        return Array.isArray(value) && this.room.take(value.length) ? value : [];
    }

    /** The members of an object; none when there are more than there is room for. */
    private members(value: unknown): [name: string, value: unknown][] {
        if (!isObject(value) || this.room.exhausted) return [];
        const all = Object.entries(value);
        return this.room.take(all.length) ? all : [];
    }

    /** What the keywords say that are not about other schemas in the same place. */
    private plain(schema: Schema, depth: number): Type {
        const kinds = kindsOf(schema);
        const values = Object.hasOwn(schema, 'const') ? [schema['const']] : own(schema, 'enum');
        if (Array.isArray(values)) return this.values(values, kinds);
        if (!kinds) return UNKNOWN;
        return union(kinds.map(kind => this.kind(kind, schema, depth)));
    }

    private values(values: unknown[], kinds: string[] | undefined): Type {
        const types: Type[] = [];
        if (!this.room.take(values.length)) return UNKNOWN;
        for (const value of values) {
            const type = typeOf(value);
            if (!kinds || kinds.some(kind => fits(type, value, kind))) types.push(type);
        }
        return union(types);
    }

    private kind(kind: string, schema: Schema, depth: number): Type {
        switch (kind) {
            case 'object':
                return this.object(schema, depth);
            case 'array':
                return this.array(schema, depth);
            case 'string':
            case 'number':
            case 'integer':
            case 'boolean':
            case 'null':
                return { kind };
            default:
                return UNKNOWN;
        }
    }

    private object(schema: Schema, depth: number): ObjectType {
        const properties = new Map<string, Property>();
        const required = new Set(this.list(schema, 'required').filter(name => typeof name === 'string'));
        const add = (name: string, value: unknown): void => {
            const type = this.read(value, depth + 1);
            properties.set(name, { type, required: required.has(name), notes: readNotes(value, this.room) });
        };
        for (const [name, value] of this.members(own(schema, 'properties'))) add(name, value);
        for (const name of required) if (!properties.has(name)) add(name, true);
        for (const name of this.conditional(schema)) if (!properties.has(name)) add(name, true);
        const isNamed = properties.size > 0 || isObject(own(schema, 'properties'));
        const rest = this.rest(schema, depth, isNamed);
        return this.room.exhausted ? RECORD : { kind: 'object', properties, rest };
    }

    /** The names of members in the schemas that hold on a condition: the members may be there. */
    private conditional(schema: Schema): string[] {
        const dependent = this.members(own(schema, 'dependentSchemas') ?? own(schema, 'dependencies'));
        const parts = [own(schema, 'then'), own(schema, 'else'), ...dependent.map(([, part]) => part)];
        const properties = parts.filter(isObject).map(part => own(part, 'properties'));
        return properties.flatMap(part => this.members(part).map(([name]) => name));
    }

    /** The type of the members that are not named. */
    private rest(schema: Schema, depth: number, isNamed: boolean): Type | undefined {
        const patterns = this.members(own(schema, 'patternProperties'));
        const other = own(schema, 'additionalProperties') ?? own(schema, 'unevaluatedProperties');
        const types = patterns.map(([, part]) => this.read(part, depth + 1));
        if (other !== undefined) types.push(this.read(other, depth + 1));
        else if (!isNamed && types.length === 0) return UNKNOWN;
        const type = union(types);
        return type.kind === 'never' ? undefined : type;
    }

    private array(schema: Schema, depth: number): Type {
        const items = own(schema, 'items');
        const first = own(schema, 'prefixItems') ?? (Array.isArray(items) ? items : undefined);
        if (!Array.isArray(first) || first.length === 0) {
            return { kind: 'array', items: Array.isArray(items) ? UNKNOWN : this.read(items, depth + 1) };
        }
        if (!this.room.take(first.length)) return { kind: 'array', items: UNKNOWN };
        const types = first.map(item => this.read(item, depth + 1));
        const other = Array.isArray(items) ? own(schema, 'additionalItems') : items;
        const rest = other === undefined ? NEVER : this.read(other, depth + 1);
        const least = own(schema, 'minItems');
        const required = typeof least === 'number' ? Math.max(0, Math.min(least, types.length)) : types.length;
        return { kind: 'tuple', items: types, required, rest: rest.kind === 'never' ? undefined : rest };
    }

    /** The type that a reference leads to: a name; unknown where it leads out of the document. */
    private reference(text: string): Type {
        const target = this.references.target(text);
        if (target?.schema === false) return NEVER;
        if (!isObject(target?.schema)) return UNKNOWN;
        const { schema, name } = target;
        let definition = this.definitions.get(schema);
        if (!definition) {
            if (this.definitions.size >= MAX_DEFINITIONS || !this.room.take()) return UNKNOWN;
            const own = this.names.take(this.base + pascalCase(name));
            definition = { name: own, notes: readNotes(schema, this.room), type: undefined };
            this.add(definition, schema);
        }
        return { kind: 'reference', to: definition };
    }
}

const OF_OBJECT = ['properties', 'required', 'additionalProperties', 'patternProperties'];
const OF_ARRAY = ['items', 'prefixItems'];

/** The kinds of values that a schema lets pass; undefined where it does not say. */
function kindsOf(schema: Schema): string[] | undefined {
    const type = own(schema, 'type');
    if (typeof type === 'string') return [type];
    // There are seven types.
    if (Array.isArray(type)) return type.slice(0, 16).filter(kind => typeof kind === 'string');
    if (OF_OBJECT.some(keyword => Object.hasOwn(schema, keyword))) return ['object'];
    if (OF_ARRAY.some(keyword => Object.hasOwn(schema, keyword))) return ['array'];
    return undefined;
}

/** The type of a value that a schema names. Numbers that JavaScript cannot hold are only numbers. */
function typeOf(value: unknown): Type {
    if (value === null) return NULL;
    if (Array.isArray(value)) return { kind: 'array', items: UNKNOWN };
    if (typeof value === 'string') return value.length <= MAX_LITERAL ? { kind: 'literal', value } : { kind: 'string' };
    if (typeof value === 'boolean') return { kind: 'literal', value };
    if (typeof value !== 'number') return RECORD;
    return Math.abs(value) <= Number.MAX_SAFE_INTEGER ? { kind: 'literal', value } : { kind: 'number' };
}

/** A longer string is not written as a type. */
const MAX_LITERAL = 200;

function fits(type: Type, value: unknown, kind: string): boolean {
    if (kind === 'integer') return Number.isInteger(value);
    return kind === (type.kind === 'literal' ? typeof type.value : type.kind);
}
