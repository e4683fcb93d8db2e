// What a script's source becomes: the body of an async function. Its lines and columns stay where they are,
// but for the columns behind one `return`, which `position` takes back.
import type { ExportDefaultDeclaration, Identifier, Literal, ModuleDeclaration, Pattern, Program } from 'acorn';
import { Parser } from 'acorn';

import type { Compiles } from './last-expression.js';
import { lastExpression } from './last-expression.js';
import { max } from './primordials.js';

/** The line and the column of a place in a source, from 1. */
export interface Position {
    line: number;
    column: number;
}

/** A source that is not JavaScript. */
export class SourceError extends Error {
    constructor(
        message: string,
        readonly position: Position | undefined
    ) {
        super(message);
    }
}

/** What `import` in `import(...)` becomes: a function of ours, with a name that is as long. */
export const IMPORT = 'imp\u00f8rt';

/** The parameter of the function, through which `main` is called, and functions are given out. */
export const GIVEN = '__caisson__';

/** A source as the body of a function. */
export interface Body {
    text: string;
    /** Whether the body uses GIVEN. */
    given: boolean;
    /** The place in the source that a place in the body stands for; undefined for what is ours. */
    position(line: number, column: number): Position | undefined;
}

const RETURN = 'return ';

/** Lines that the engine puts before the body of a function. */
const HEADER = 2;

interface Edit {
    start: number;
    end: number;
    text: string;
}

/** A source that is run: it returns what its `main` does, or else the value of its last expression. */
export function runnable(source: string, compiles: Compiles): Body {
    return MODULE.test(source) ? parsedRunnable(source) : (quickRunnable(source, compiles) ?? parsedRunnable(source));
}

/** What only a parser can find the right places of. */
const MODULE = /(?<![\w$])(?:import|export)(?![\w$])/;

/** Such a source, without parsing it; undefined where that does not do. */
function quickRunnable(source: string, compiles: Compiles): Body | undefined {
    const text = source.startsWith('#!') ? `//${source.slice(2)}` : source;
    // What is no program is the engine's to complain about.
    if (!compiles(text)) return body(source, [], '');
    const main = source.includes('main') && !compiles(`${text}\nlet main`);
    const start = lastExpression(text, compiles);
    if (start === undefined) return undefined;
    if (main && !callsMain(text, start < 0 ? '' : text.slice(start))) return body(source, [], callOf('main'));
    return body(source, start < 0 ? [] : [{ start, end: start, text: RETURN }], '');
}

/** Such a source, parsed. */
export function parsedRunnable(source: string): Body {
    const { program, edits } = parsed(source, true);
    const exported = withoutExports(source, program, edits);
    const main = exported?.get('main') ?? (declares(program, 'main') ? 'main' : undefined);
    const last = program.body.findLast(({ type }) => type !== 'EmptyStatement');
    const expression = last?.type === 'ExpressionStatement' ? last : undefined;
    if (main !== undefined && !callsMain(source, expression ? source.slice(expression.start) : ''))
        return body(source, edits, callOf(main));
    if (expression) edits.push({ start: expression.start, end: expression.start, text: RETURN });
    return body(source, edits, '');
}

/** Where a source that calls its `main` itself does so: at the beginning of a line, or behind another statement. */
const CALLS_MAIN = /(?:^|[;}][ \t]*)(?:(?:return|await)\s+|(?:const|let|var)\s[^=\n]*=\s*(?:await\s+)?)*main\s*\(/m;

/** Whether a source calls its `main` itself. */
function callsMain(source: string, last: string): boolean {
    return CALLS_MAIN.test(source) || /(?<![\w$.])main\s*\(/.test(last);
}

const callOf = (main: string) => `return ${GIVEN}(${main})`;

/** A source that is loaded: it gives its functions out, those that it exports or else all of its own. */
export function loadable(source: string): Body {
    const { program, edits } = parsed(source, false);
    const exported = withoutExports(source, program, edits);
    const names = exported ?? new Map(program.body.flatMap(declared).map(name => [name, name]));
    const functions = [...names].map(([name, local]) => `[${JSON.stringify(name)},${local}]`);
    return body(source, edits, `return ${GIVEN}([${functions.join()}])`);
}

/** Where `import(...)` begins in what is parsed. The engine cannot do it, and would stop. */
let imports: number[] = [];

interface Internals {
    start: number;
    parseExprImport(forNew: boolean): { type: string };
    raise(start: number, message: string): never;
}

const ScriptParser = Parser.extend(
    base =>
        class extends (base as unknown as new (...args: unknown[]) => Internals) {
            override parseExprImport(forNew: boolean): { type: string } {
                const { start } = this;
                imports.push(start);
                const node = super.parseExprImport(forNew);
                if (node.type === 'MetaProperty') this.raise(start, 'a script is no module: it has no import.meta');
                return node;
            }
        } as unknown as typeof Parser
);

function parsed(source: string, returns: boolean): { program: Program; edits: Edit[] } {
    try {
        imports = [];
        const program = ScriptParser.parse(source, {
            ecmaVersion: 'latest',
            allowReturnOutsideFunction: returns,
            allowAwaitOutsideFunction: true,
            allowImportExportEverywhere: true,
            allowHashBang: true
        });
        return { program, edits: imports.map(start => ({ start, end: start + IMPORT.length, text: IMPORT })) };
    } catch (error) {
        if (!(error instanceof SyntaxError)) throw new SourceError('the source is nested too deeply', undefined);
        const { loc } = error as SyntaxError & { loc?: { line: number; column: number } };
        throw new SourceError(
            error.message.replace(/ \(\d+:\d+\)$/, ''),
            loc && { line: loc.line, column: loc.column + 1 }
        );
    }
}

/** Where a source is wrong; undefined where the parser finds nothing wrong, or cannot say. */
export function mistakeIn(source: string): Position | undefined {
    try {
        parsed(source, true);
        return undefined;
    } catch (error) {
        return error instanceof SourceError ? error.position : undefined;
    }
}

/** Takes the word `export` out. Returns the local name of each exported name; undefined where nothing is exported. */
function withoutExports(source: string, program: Program, edits: Edit[]): Map<string, string> | undefined {
    const exported = new Map<string, string>();
    let exports = false;
    for (const node of program.body) {
        if (node.type === 'ImportDeclaration' || node.type === 'ExportAllDeclaration') throw notAlone(source, node);
        if (node.type === 'ExportNamedDeclaration') {
            exports = true;
            if (node.source) throw notAlone(source, node);
            edits.push({ start: node.start, end: node.declaration?.start ?? node.end, text: '' });
            if (node.declaration) for (const name of declared(node.declaration)) exported.set(name, name);
            for (const { local, exported: as } of node.specifiers)
                if (local.type === 'Identifier') exported.set(nameOf(as), local.name);
        }
        if (node.type === 'ExportDefaultDeclaration') {
            exports = true;
            const { start, declaration } = node;
            const name =
                /Declaration$/.test(declaration.type) && 'id' in declaration ? declaration.id?.name : undefined;
            // As long as `export default` at least.
            edits.push({ start, end: declaration.start, text: name === undefined ? 'var $default =' : '' });
            exported.set('default', name ?? '$default');
        }
    }
    return exports ? exported : undefined;
}

function nameOf(name: Identifier | Literal): string {
    return name.type === 'Identifier' ? name.name : String(name.value);
}

function notAlone(source: string, node: ModuleDeclaration): SourceError {
    return new SourceError(
        'a script cannot import other modules: put them into one source',
        positionAt(source, node.start)
    );
}

function declares(program: Program, name: string): boolean {
    return program.body.some(node =>
        declared('declaration' in node && node.declaration ? node.declaration : node).includes(name)
    );
}

/** The names that a statement declares, of functions or of what may be one. */
function declared(node: Program['body'][number] | ExportDefaultDeclaration['declaration']): string[] {
    if (node.type === 'FunctionDeclaration') return node.id ? [node.id.name] : [];
    if (node.type !== 'VariableDeclaration') return [];
    return node.declarations.flatMap(({ id }) => bound(id));
}

function bound(pattern: Pattern): string[] {
    return pattern.type === 'Identifier' ? [pattern.name] : [];
}

function positionAt(source: string, offset: number): Position {
    const before = source.slice(0, offset).split(/\r\n?|[\n\u2028\u2029]/);
    return { line: before.length, column: (before.at(-1) ?? '').length + 1 };
}

/** Applies the edits. What they take out becomes spaces, so that everything stays in its place. */
function body(source: string, edits: Edit[], tail: string): Body {
    let text = '';
    let at = 0;
    let inserted: Position | undefined;
    // What is put in comes before what is replaced at the same place.
    for (const edit of edits.sort((a, b) => a.start - b.start || a.end - b.end)) {
        const old = source.slice(edit.start, edit.end);
        const blank = old.replaceAll(/[^\r\n\u2028\u2029]/g, ' ');
        const lines = blank.search(/[^ ]/);
        const rest = lines < 0 ? edit.text.length : Math.min(lines, edit.text.length);
        text += source.slice(at, edit.start) + edit.text + blank.slice(rest);
        at = edit.end;
        if (old === '') inserted = positionAt(source, edit.start);
    }
    text += source.slice(at);
    const lines = positionAt(text, text.length).line;
    if (text.startsWith('#!')) text = `//${text.slice(2)}`;
    return {
        text: `${text}\n${tail}`,
        given: tail !== '',
        position: (line, column) => {
            line -= HEADER;
            if (line > lines) return undefined;
            if (inserted?.line === line && column > inserted.column)
                return { line, column: max(inserted.column, column - RETURN.length) };
            return { line, column };
        }
    };
}
