// Writes types as TypeScript.

import { isIdentifier } from './names.js';
import { Room } from './room.js';
import { lines, oneLine, quote } from './text.js';
import type { TypedTool } from './tool.js';
import type { Definition, Notes, ObjectType, TupleType, Type } from './type.js';

/** So many characters the declarations of one tool have, and a comment more. */
const MAX_CHARACTERS = 64 * 1024;

const INDENT = '    ';

/** The interfaces and types of a tool; without comments unless wanted. */
export function definitions(tool: TypedTool, comments: boolean): string[] {
    const writer = new Writer(new Room(MAX_CHARACTERS), comments);
    return tool.definitions.map(definition => writer.definition(definition));
}

/** How a tool is called: a member of the interface of its server. */
export function signature(tool: TypedTool): string {
    return `${memberName(tool.name)}${parameters(tool)}`;
}

/** The parameters of a tool and what it promises. */
export function parameters(tool: TypedTool): string {
    return `(args${tool.isOptional ? '?' : ''}: ${tool.arguments.name}): Promise<${tool.result?.name ?? 'unknown'}>`;
}

/** An expression that is a member of an object. */
export function access(object: string, name: string): string {
    return isIdentifier(name) ? `${object}.${name}` : `${object}[${quote(name)}]`;
}

/** The name of a member as an interface has it. */
export function memberName(name: string): string {
    // A method `new` would be a constructor.
    return isIdentifier(name) && name !== 'new' ? name : quote(name);
}

/** A comment before a declaration, or nothing. */
export function comment(text: readonly string[]): string {
    const safe = text.map(line => line.replaceAll('*/', '* /'));
    if (safe.length === 0) return '';
    if (safe.length === 1) return `/** ${safe[0] ?? ''} */\n`;
    return `/**\n${safe.map(line => ` * ${line}`.trimEnd()).join('\n')}\n */\n`;
}

/** Indents each line of a text. */
export function indent(text: string): string {
    return text.replace(/^(?=.)/gm, INDENT);
}

const HAS_PARTS = new Set<Type['kind']>(['object', 'union', 'tuple', 'array']);

/** The members of every object. */
const INHERITED = new Set(Object.getOwnPropertyNames(Object.prototype));

/** Whether an object without this optional member has one all the same, of another type. */
function isInherited(name: string, required: boolean): boolean {
    return !required && INHERITED.has(name);
}

class Writer {
    private depth = 0;

    constructor(
        private readonly room: Room,
        private readonly comments: boolean
    ) {}

    definition({ name, notes, type }: Definition): string {
        const head = this.comment(notes);
        if (type?.kind === 'object') return `${head}interface ${name} ${this.object(type)}`;
        return `${head}type ${name} = ${type ? this.type(type) : 'unknown'};`;
    }

    private type(type: Type): string {
        if (this.room.exhausted) return 'unknown';
        switch (type.kind) {
            case 'integer':
                return this.write('number');
            case 'literal':
                return this.write(typeof type.value === 'string' ? quote(type.value) : String(type.value));
            case 'array':
                return `${this.element(type.items)}[]`;
            case 'tuple':
                return this.tuple(type);
            case 'object':
                return this.object(type);
            case 'union':
                return type.of.map(member => this.type(member)).join(' | ');
            case 'reference':
                return this.write(type.to.name);
            case 'unknown':
            case 'never':
            case 'null':
            case 'boolean':
            case 'number':
            case 'string':
                return this.write(type.kind);
        }
    }

    private write(text: string): string {
        return this.room.take(text.length) ? text : 'unknown';
    }

    private element(type: Type): string {
        const text = this.type(type);
        return type.kind === 'union' ? `(${text})` : text;
    }

    private tuple({ items, required, rest }: TupleType): string {
        const parts = items.map((item, i) => (i < required ? this.type(item) : `${this.element(item)}?`));
        if (rest) parts.push(`...${this.element(rest)}[]`);
        return `[${parts.join(', ')}]`;
    }

    private object({ properties, rest }: ObjectType): string {
        if (properties.size === 0) return `{ [name: string]: ${rest ? this.type(rest) : this.write('never')} }`;
        const members: string[] = [];
        this.depth++;
        for (const [name, { type, required, notes }] of properties) {
            if (!this.room.take(name.length + this.margin())) break;
            const text = isInherited(name, required) ? 'unknown' : this.type(type);
            members.push(`${this.comment(notes)}${memberName(name)}${required ? '' : '?'}: ${text};`);
        }
        this.depth--;
        if (this.room.exhausted) members.push('[name: string]: unknown;');
        else if (rest) members.push(`[name: string]: ${this.rest(properties, rest)};`);
        return `{\n${indent(members.join('\n'))}\n}`;
    }

    /** Other members have a type that the named ones have too: TypeScript wants it. */
    private rest(properties: ObjectType['properties'], rest: Type): string {
        const types = new Set([this.type(rest)]);
        for (const [name, { type, required }] of properties) {
            // A type with parts is not written twice, or it would double at every level.
            if (HAS_PARTS.has(type.kind) || isInherited(name, required)) return 'unknown';
            types.add(this.type(type));
            if (!required) types.add('undefined');
        }
        return types.has('unknown') ? 'unknown' : [...types].join(' | ');
    }

    private comment(notes: Notes): string {
        if (!this.comments) return '';
        const text = commentOf(notes);
        for (const line of text) if (!this.room.take(line.length + this.margin())) return '';
        return comment(text);
    }

    /** What a line has beside its text: spaces, and punctuation. */
    private margin(): number {
        return 8 + this.depth * INDENT.length;
    }
}

/** The lines of a comment. */
function commentOf({ description, deprecated, facts }: Notes): string[] {
    const text = description === undefined ? [] : lines(description);
    for (const [name, value] of facts) text.push(`@${name} ${oneLine(value)}`);
    if (deprecated) text.push('@deprecated');
    return text;
}
