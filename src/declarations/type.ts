// What a script sees of a value: a type in no language yet. A type is never narrower than its schema, except
// where a schema is silent and its author meant it so: an object with `properties` has no others.

import type { Room } from './room.js';

/** What a comment says of a type or a member. */
export interface Notes {
    readonly description: string | undefined;
    readonly deprecated: boolean;
    /** Keywords of the schema that a type does not have, with their values: default, format, bounds. */
    readonly facts: readonly (readonly [name: string, value: string])[];
}

export interface Property {
    readonly type: Type;
    readonly required: boolean;
    readonly notes: Notes;
}

export interface ObjectType {
    readonly kind: 'object';
    readonly properties: ReadonlyMap<string, Property>;
    /** The type of every other member; undefined when there is none. */
    readonly rest: Type | undefined;
}

export interface TupleType {
    readonly kind: 'tuple';
    readonly items: readonly Type[];
    /** How many of the items are always there. */
    readonly required: number;
    readonly rest: Type | undefined;
}

/** A type with a name of its own: one that a `$ref` leads to. */
export interface Definition {
    readonly name: string;
    readonly notes: Notes;
    /** Undefined until its schema has been read. */
    type: Type | undefined;
}

export type Type =
    | { readonly kind: 'unknown' | 'never' | 'null' | 'boolean' | 'integer' | 'number' | 'string' }
    | { readonly kind: 'literal'; readonly value: string | number | boolean }
    | { readonly kind: 'array'; readonly items: Type }
    | { readonly kind: 'union'; readonly of: readonly Type[] }
    | { readonly kind: 'reference'; readonly to: Definition }
    | TupleType
    | ObjectType;

export const UNKNOWN: Type = { kind: 'unknown' };
export const NEVER: Type = { kind: 'never' };
export const NULL: Type = { kind: 'null' };
/** Any object. */
export const RECORD: ObjectType = { kind: 'object', properties: new Map(), rest: UNKNOWN };

/** One of several types. */
export function union(types: readonly Type[]): Type {
    const members = new Map<unknown, Type>();
    for (const type of types.flatMap(type => (type.kind === 'union' ? type.of : [type]))) {
        if (type.kind === 'unknown') return UNKNOWN;
        if (type.kind !== 'never') members.set(identity(type), type);
    }
    if (members.has('number')) members.delete('integer');
    const of = [...members.values()];
    if (of.length <= 1) return of[0] ?? NEVER;
    return { kind: 'union', of };
}

/** The same for types that are the same; types with parts are only the same as themselves. */
function identity(type: Type): unknown {
    switch (type.kind) {
        case 'literal':
            return JSON.stringify(type.value);
        case 'reference':
            return type.to;
        case 'object':
            return type.rest?.kind === 'unknown' && type.properties.size === 0 ? 'object' : type;
        case 'array':
            return type.items.kind === 'unknown' ? 'array' : type;
        case 'tuple':
        case 'union':
            return type;
        case 'unknown':
        case 'never':
        case 'null':
        case 'boolean':
        case 'integer':
        case 'number':
        case 'string':
            return type.kind;
    }
}

/** Beyond this many pairs of members an intersection of unions is only the first of the two. */
const MAX_PAIRS = 64;

/** What is of both types. `read` gives the type of a definition, if it can be known now. */
export function intersection(a: Type, b: Type, room: Room, read: (definition: Definition) => Type | undefined): Type {
    if (a.kind === 'unknown' || b.kind === 'never') return b;
    if (b.kind === 'unknown' || a.kind === 'never') return a;
    if (!room.take()) return a;
    const both = (x: Type, y: Type): Type => intersection(x, y, room, read);
    if (a.kind === 'reference' || b.kind === 'reference') {
        if (a.kind === 'reference' && b.kind === 'reference' && a.to === b.to) return a;
        const [left, right] = [resolve(a, read), resolve(b, read)];
        return left && right ? both(left, right) : UNKNOWN;
    }
    if (a.kind === 'union' || b.kind === 'union') {
        const [left, right] = [members(a), members(b)];
        if (left.length * right.length > MAX_PAIRS) return a;
        return union(left.flatMap(x => right.map(y => both(x, y))));
    }
    if (a.kind === 'literal') return isOf(a.value, b) ? a : NEVER;
    if (b.kind === 'literal') return isOf(b.value, a) ? b : NEVER;
    if (a.kind === 'object' && b.kind === 'object') return merge(a, b, both, room);
    if (a.kind === 'array' && b.kind === 'array') return { kind: 'array', items: both(a.items, b.items) };
    if (a.kind === 'tuple' && b.kind === 'tuple') return a;
    if (a.kind === 'tuple' && b.kind === 'array') return each(a, b.items, both);
    if (a.kind === 'array' && b.kind === 'tuple') return each(b, a.items, both);
    if (a.kind === b.kind || (a.kind === 'integer' && b.kind === 'number')) return a;
    return a.kind === 'number' && b.kind === 'integer' ? b : NEVER;
}

function members(type: Type): readonly Type[] {
    return type.kind === 'union' ? type.of : [type];
}

function resolve(type: Type, read: (definition: Definition) => Type | undefined): Type | undefined {
    return type.kind === 'reference' ? read(type.to) : type;
}

/** Whether a value that is written as a literal is of a type that is neither a union nor a reference. */
function isOf(value: string | number | boolean, type: Type): boolean {
    if (type.kind === 'literal') return type.value === value;
    if (type.kind === 'integer') return Number.isInteger(value);
    return type.kind === typeof value;
}

function each(tuple: TupleType, items: Type, both: (a: Type, b: Type) => Type): TupleType {
    const rest = tuple.rest && both(tuple.rest, items);
    return { ...tuple, items: tuple.items.map(item => both(item, items)), rest };
}

function merge(a: ObjectType, b: ObjectType, both: (a: Type, b: Type) => Type, room: Room): ObjectType {
    const properties = new Map(a.properties);
    for (const [name, property] of b.properties) {
        const other = properties.get(name);
        if (!room.take()) break;
        properties.set(name, other ? mergeProperty(other, property, both) : property);
    }
    return { kind: 'object', properties, rest: mergeRest(a.rest, b.rest, both) };
}

function mergeProperty(a: Property, b: Property, both: (a: Type, b: Type) => Type): Property {
    return {
        type: both(a.type, b.type),
        required: a.required || b.required,
        notes: a.notes.description === undefined ? b.notes : a.notes
    };
}

/** A part of a schema that is silent about other members does not speak for those that name them. */
function mergeRest(a: Type | undefined, b: Type | undefined, both: (a: Type, b: Type) => Type): Type | undefined {
    if (a && b) return both(a, b);
    const rest = a ?? b;
    return rest?.kind === 'unknown' ? undefined : rest;
}

/** Whether a type leads back to a definition without an object or an array between: no language has that. */
export function isCircular(definition: Definition): boolean {
    const seen = new Set<Definition>();
    const waiting: Type[] = definition.type ? [definition.type] : [];
    for (let type = waiting.pop(); type; type = waiting.pop()) {
        if (type.kind === 'union') for (const member of type.of) waiting.push(member);
        if (type.kind !== 'reference' || seen.has(type.to)) continue;
        if (type.to === definition) return true;
        seen.add(type.to);
        if (type.to.type) waiting.push(type.to.type);
    }
    return false;
}
