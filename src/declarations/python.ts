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

/** A call has so many forms with arguments by name at most: one for each member of a union. */
const MAX_FORMS = 8;

/** What a stub says of a tool. */
export interface Written {
    /** The classes and types. */
    readonly definitions: readonly string[];
    /** The parameters of each form that a call may have, without parentheses: a dict, and arguments by name. */
    readonly forms: readonly string[];
}

/** Writes a tool; without comments unless wanted. */
export function write(tool: TypedTool, names: Names, imports: Imports, comments: boolean): Written {
    const writer = new Writer(names, imports, new Room(MAX_CHARACTERS), comments);
    for (const definition of tool.definitions) writer.definition(definition);
    const named = writer.forms(tool.arguments.type);
    // Without arguments a call has one of the forms, whichever it is.
    const isOptional = tool.isOptional && !named.some(form => form.isOptional);
    const dict = `arguments: ${tool.arguments.name}${isOptional ? ' = ...' : ''}, /`;
    return { definitions: writer.written, forms: [dict, ...named.map(form => form.text)] };
}

/** What a call may be where nothing is known of the arguments. */
const ANY_FORM: Written = { definitions: [], forms: ['arguments: dict[str, Any] = ..., /, **named: Any'] };

/** Whether a text can be written as the name of a member. Names with two underscores mean something else in a class. */
export function isIdentifier(text: string): boolean {
    return /^[A-Za-z_][A-Za-z0-9_]*$/.test(text) && !text.startsWith('__') && !KEYWORDS.has(text);
}

/** How a tool is called, in each form. */
export function calls(tool: TypedTool, written: Written, name: string): string {
    const result = tool.result?.name ?? 'Any';
    return written.forms.map(form => `${name}(${form}) -> Awaitable[${result}]\n`).join('');
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

/** A form of a call with arguments by name. */
interface Form {
    readonly text: string;
    /** Whether no argument has to be there. */
    readonly isOptional: boolean;
}

/** Whether an argument can be given by this name. */
function isKeyword(text: string): boolean {
    return isIdentifier(text) && text !== 'self';
}

class Writer {
    readonly written: string[] = [];
    /** The members of the classes that are written, with their types. */
    private readonly members = new Map<ObjectType, ReadonlyMap<string, string>>();
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

    /**
     * The forms of a call that has these arguments by name. An argument whose name is no identifier can only be
     * given in a dict: a form leaves it out, and there is none where it has to be there.
     */
    forms(type: Type | undefined, depth = 0): Form[] {
        if (type?.kind === 'reference') return depth < MAX_FORMS ? this.forms(type.to.type, depth + 1) : [];
        if (type?.kind === 'union') return type.of.flatMap(one => this.forms(one, depth + 1)).slice(0, MAX_FORMS);
        if (type?.kind !== 'object') return [];
        const parts: string[] = [];
        let isOptional = true;
        const known = this.members.get(type);
        for (const [name, { required }] of type.properties) {
            const text = known?.get(name);
            if (!isKeyword(name) || text === undefined) {
                if (required) return [];
                continue;
            }
            if (!this.room.take(name.length + text.length)) return [];
            isOptional &&= !required;
            parts.push(`${name}: ${text}${required ? '' : ' = ...'}`);
        }
        if (parts.length > 0) parts.unshift('*');
        if (type.rest !== undefined) parts.push('**others: Any');
        return parts.length > 0 ? [{ text: parts.join(', '), isOptional }] : [];
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
        const types = new Map<string, string>();
        this.members.set(type, types);
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
            types.set(member, text);
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

/**
 * A tool as a method of its server; without types unless it is written. One whose name is no identifier is an item, of a
 * class of the given name.
 */
export function method(
    tool: TypedTool,
    name: string,
    imports: Imports,
    purpose: readonly string[],
    written: Written | undefined
): Member {
    const result = written ? (tool.result?.name ?? 'Any') : 'Any';
    const { forms } = written ?? ANY_FORM;
    if (forms.length > 1) imports.add('overload');
    const text = (method: string) =>
        forms
            .map((form, i) => {
                const head = `${forms.length > 1 ? '@overload\n' : ''}def ${method}(self, ${form}) -> Awaitable[${result}]`;
                // An editor shows the text of the first.
                return `${head}:\n${indent((i === 0 && docstring(purpose)) || '...\n')}`;
            })
            .join('');
    if (isIdentifier(tool.name)) return { text: text(tool.name), isItem: false };
    return {
        ...item(tool.name, name, imports),
        before: `class ${name}(Protocol):\n${indent(text('__call__'))}`
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
