// Writes types as a Python stub.

import { pascalCase, type Names } from './names.js';
import { Room } from './room.js';
import { lines, oneLine, quote } from './text.js';
import type { TypedTool } from './tool.js';
import { NEVER, union, type Definition, type Notes, type ObjectType, type Type } from './type.js';

const KEYWORDS = new Set(
    (
        'False None True and as assert async await break class continue def del elif else except finally for from ' +
        'global if import in is lambda nonlocal not or pass raise return try while with yield'
    ).split(' ')
);

/** So many characters the declarations of one tool have, and a comment more. */
const MAX_CHARACTERS = 64 * 1024;

const INDENT = '    ';

/** What a stub imports, as far as it is used: checkers complain of the rest. */
export type Imports = Set<'Literal' | 'Never' | 'NotRequired' | 'overload'>;

/** The classes and types of a tool; without comments unless wanted. */
export function definitions(tool: TypedTool, names: Names, imports: Imports, comments: boolean): string[] {
    const writer = new Writer(names, imports, new Room(MAX_CHARACTERS), comments);
    for (const definition of tool.definitions) writer.definition(definition);
    return writer.written;
}

/** Whether a text can be written as the name of a member. Names with two underscores mean something else in a class. */
export function isIdentifier(text: string): boolean {
    return /^[A-Za-z_][A-Za-z0-9_]*$/.test(text) && !text.startsWith('__') && !KEYWORDS.has(text);
}

/** The parameters of a tool and what it promises. */
export function parameters(tool: TypedTool, isMethod: boolean): string {
    const self = isMethod ? 'self, ' : '';
    const result = tool.result?.name ?? 'Any';
    return `(${self}arguments: ${tool.arguments.name}${tool.isOptional ? ' = ...' : ''}, /) -> Awaitable[${result}]`;
}

/** An expression that is a member of an object. */
export function access(object: string, name: string): string {
    return isIdentifier(name) ? `${object}.${name}` : `${object}[${quote(name)}]`;
}

/** The docstring of a class or a function, or nothing. */
export function docstring(text: readonly string[]): string {
    const safe = text.map(line => line.replaceAll('\\', '\\\\').replaceAll('"', '\\"'));
    if (safe.length === 0) return '';
    if (safe.length === 1) return `"""${safe[0] ?? ''}"""\n`;
    return `"""${safe.join('\n')}\n"""\n`;
}

/** Indents each line of a text. */
export function indent(text: string): string {
    return text.replace(/^(?=.)/gm, INDENT);
}

class Writer {
    readonly written: string[] = [];
    private readonly named = new Map<ObjectType, string>();

    constructor(
        private readonly names: Names,
        private readonly imports: Imports,
        private readonly room: Room,
        private readonly comments: boolean
    ) {}

    definition({ name, notes, type }: Definition): void {
        if (type?.kind === 'object' && !isDict(type)) {
            // Two definitions may lead to the same object.
            if (this.named.has(type)) this.written.push(`type ${name} = ${this.type(type, name)}\n`);
            else this.object(type, name, notes);
            return;
        }
        const text = type ? this.type(type, name) : 'Any';
        this.written.push(`${this.remark(notes)}type ${name} = ${text}\n`);
    }

    /** A type; objects in it become classes whose names begin with `place`. */
    private type(type: Type, place: string): string {
        if (this.room.exhausted) return 'Any';
        switch (type.kind) {
            case 'unknown':
                return this.write('Any');
            case 'never':
                return this.never();
            case 'null':
                return this.write('None');
            case 'boolean':
                return this.write('bool');
            case 'integer':
                return this.write('int');
            case 'number':
                return this.write('float');
            case 'string':
                return this.write('str');
            case 'literal':
                return this.write(this.literal(type.value));
            case 'array':
                return `list[${this.type(type.items, `${place}Item`)}]`;
            case 'tuple':
                return `list[${this.type(union([...type.items, type.rest ?? NEVER]), `${place}Item`)}]`;
            case 'union':
                return this.union(type.of, place);
            case 'reference':
                return this.write(type.to.name);
            case 'object':
                return this.inline(type, place);
        }
    }

    private never(): string {
        this.imports.add('Never');
        return 'Never';
    }

    /** Python's literals are strings, integers and booleans. */
    private literal(value: string | number | boolean): string {
        if (typeof value === 'number' && !Number.isInteger(value)) return 'float';
        this.imports.add('Literal');
        if (typeof value === 'boolean') return value ? 'Literal[True]' : 'Literal[False]';
        return `Literal[${typeof value === 'string' ? quote(value) : value}]`;
    }

    private write(text: string): string {
        return this.room.take(text.length) ? text : 'Any';
    }

    private union(types: readonly Type[], place: string): string {
        const texts = new Set(types.map(type => this.type(type, place)));
        if (texts.has('Any')) return 'Any';
        const literals = [...texts].flatMap(text => /^Literal\[(.*)\]$/.exec(text)?.[1] ?? []);
        const others = [...texts].filter(text => !text.startsWith('Literal['));
        if (literals.length > 0) others.unshift(`Literal[${literals.join(', ')}]`);
        return others.join(' | ');
    }

    private inline(type: ObjectType, place: string): string {
        if (isDict(type)) return `dict[str, ${type.rest ? this.type(type.rest, `${place}Value`) : this.never()}]`;
        const known = this.named.get(type);
        if (known !== undefined) return this.write(known);
        if (!this.room.take(place.length)) return 'Any';
        return this.object(type, this.names.take(place), undefined);
    }

    /** Writes a class, and returns its name. */
    private object(type: ObjectType, name: string, notes: Notes | undefined): string {
        this.named.set(type, name);
        const at = this.written.push('') - 1;
        const members: [name: string, type: string, notes: Notes][] = [];
        let isOpen = type.rest !== undefined;
        for (const [member, property] of type.properties) {
            if (!this.room.take(member.length + 8)) {
                isOpen = true;
                break;
            }
            // No TypedDict has a member without a name.
            if (member === '') {
                isOpen = true;
                continue;
            }
            if (!property.required) this.imports.add('NotRequired');
            const text = this.type(property.type, name + pascalCase(member));
            members.push([member, property.required ? text : `NotRequired[${text}]`, property.notes]);
        }
        const isClass = members.every(([member]) => isIdentifier(member));
        // The type of other members would have to be read-only to fit the rest: so any.
        const extra = isOpen ? ', extra_items=Any' : '';
        this.written[at] = isClass ? this.classOf(name, members, extra, notes) : this.call(name, members, extra, notes);
        return name;
    }

    private classOf(name: string, members: [string, string, Notes][], extra: string, notes: Notes | undefined): string {
        const text = members.map(([member, type, about]) => `${member}: ${type}\n${this.docstring(about)}`).join('');
        return `class ${name}(TypedDict${extra}):\n${indent(this.docstring(notes) + text || '...\n')}`;
    }

    /** A class whose members' names are no identifiers. */
    private call(name: string, members: [string, string, Notes][], extra: string, notes: Notes | undefined): string {
        const text = members
            .map(([member, type, about]) => `${this.remark(about)}${quote(member)}: ${type},\n`)
            .join('');
        return `${this.remark(notes)}${name} = TypedDict(${quote(name)}, {\n${indent(text)}}${extra})\n`;
    }

    private docstring(notes: Notes | undefined): string {
        return docstring(this.about(notes));
    }

    /** Lines of comments. */
    private remark(notes: Notes | undefined): string {
        return this.about(notes)
            .map(line => `#: ${line.replaceAll('#', '＃')}`.trimEnd() + '\n')
            .join('');
    }

    private about(notes: Notes | undefined): string[] {
        if (!this.comments || !notes) return [];
        const text = notes.description === undefined ? [] : lines(notes.description);
        for (const [name, value] of notes.facts) text.push(`${name}: ${oneLine(value)}`);
        if (notes.deprecated) text.push('deprecated');
        for (const line of text) if (!this.room.take(line.length)) return [];
        return text;
    }
}

/** Whether an object is a dict: it has no members with names. */
function isDict(type: ObjectType): boolean {
    return type.properties.size === 0;
}

/** A member of a class. */
export interface Member {
    /** What stands in the class: under its name, or under `__getitem__`. */
    readonly text: string;
    readonly isItem: boolean;
    /** A class that has to be there. */
    readonly before?: string;
}

/** A tool as a method of its server. One whose name is no identifier is an item, of a class of the given name. */
export function method(
    tool: TypedTool,
    name: string,
    imports: Imports,
    purpose: readonly string[],
    isTyped: boolean
): Member {
    const call = isTyped ? parameters(tool, true) : '(self, arguments: dict[str, Any] = ..., /) -> Awaitable[Any]';
    const body = `:\n${indent(docstring(purpose) || '...\n')}`;
    if (isIdentifier(tool.name)) return { text: `def ${tool.name}${call}${body}`, isItem: false };
    return {
        ...item(tool.name, name, imports),
        before: `class ${name}(Protocol):\n${indent(`def __call__${call}${body}`)}`
    };
}

/** An attribute, or an item, of a type. */
export function attribute(name: string, type: string, imports: Imports): Member {
    return isIdentifier(name) ? { text: `${name}: ${type}\n`, isItem: false } : item(name, type, imports);
}

function item(name: string, type: string, imports: Imports): Member {
    imports.add('Literal').add('overload');
    const text = `@overload\ndef __getitem__(self, name: Literal[${quote(name)}], /) -> ${type}: ...\n`;
    return { text, isItem: true };
}

/** A class with members. */
export function classOf(name: string, members: readonly Member[]): string {
    const items = members.filter(member => member.isItem);
    // Overloads stand together.
    const text = [...members.filter(member => !member.isItem), ...items].map(member => member.text).join('');
    const other = `${items.length > 0 ? '@overload\n' : ''}def __getitem__(self, name: str, /) -> Any: ...\n`;
    return `class ${name}(Protocol):\n${indent(text + other)}`;
}
