// The declarations of tools: what a script sees of them, for compilers and for whoever writes scripts. Pure
// functions of what servers say; they throw nothing, and take no more time and space than is bounded here.

import * as globals from './globals.js';
import { Names, pascalCase } from './names.js';
import * as python from './python.js';
import { Room } from './room.js';
import { firstSentence, lines } from './text.js';
import { readTools, typed, type Tool, type TypedTool } from './tool.js';
import * as typescript from './typescript.js';

export type Language = 'typescript' | 'python';

/** How much is said of a tool: its name and purpose; how it is called; that with every comment. */
export type Detail = 'brief' | 'detailed' | 'full';

/** Tools that do not fit into so many characters are declared without types. */
const MAX_CHARACTERS = 4 * 1024 * 1024;

/** Names that mean something else in what every script has. */
const RESERVED = ['FoundTool', 'ListedTool', 'Tools'];

const CUT = '(The schema is larger than what is declared here.)';

/** The declarations of all tools: a `.d.ts`, or a stub of Python's builtins. The tools are `readTools`'s. */
export function declare(tools: unknown, language: Language): string {
    const servers = new Map<string, Tool[]>();
    for (const tool of readTools(tools)) {
        const known = servers.get(tool.server);
        if (known) known.push(tool);
        else servers.set(tool.server, [tool]);
    }
    return language === 'typescript' ? declareTypescript(servers) : declarePython(servers);
}

function declareTypescript(servers: Map<string, Tool[]>): string {
    const names = new Names(RESERVED);
    const room = new Room(MAX_CHARACTERS);
    const parts: string[] = [];
    const members: string[] = [];
    for (const [server, tools] of servers) {
        const name = names.take(`${pascalCase(server)}Server`);
        const methods = tools.map(tool => {
            const whole = typed(tool, names);
            const definitions = typescript.definitions(whole, true);
            const fits = room.take(size(definitions));
            if (fits) parts.push(...definitions);
            const call = fits ? typescript.parameters(whole) : '(args?: object): Promise<unknown>';
            return `${typescript.comment(purpose(whole, fits))}${typescript.memberName(tool.name)}${call};`;
        });
        parts.push(`interface ${name} {\n${typescript.indent(methods.join('\n'))}\n}`);
        members.push(`readonly ${typescript.memberName(server)}: ${name};`);
    }
    parts.push(`interface Tools {\n${typescript.indent(members.join('\n'))}\n}`);
    const all = `declare namespace tools {\n${typescript.indent(parts.join('\n\n'))}\n}\n`;
    return `${HEAD.typescript}${globals.TYPESCRIPT}\n${all}\n/** The tools, by their servers. */\ndeclare const tools: tools.Tools;\n`;
}

function declarePython(servers: Map<string, Tool[]>): string {
    const names = new Names(RESERVED);
    const imports: python.Imports = new Set();
    const room = new Room(MAX_CHARACTERS);
    const parts: string[] = [];
    const members: python.Member[] = [];
    for (const [server, tools] of servers) {
        const name = names.take(`${pascalCase(server)}Server`);
        const methods = tools.map(tool => {
            const whole = typed(tool, names);
            const written = python.write(whole, names, imports, true);
            const fits = room.take(size(written.definitions) + size(written.forms));
            if (fits) parts.push(...written.definitions);
            const own = names.take(`${pascalCase(server)}${pascalCase(tool.name)}Tool`);
            return python.method(whole, own, imports, purpose(whole, fits), fits ? written : undefined);
        });
        parts.push(...methods.flatMap(({ before }) => before ?? []), python.classOf(name, methods));
        members.push(python.attribute(server, name, imports));
    }
    parts.push(python.classOf('Tools', members));
    const head = HEAD.python + globals.pythonImports([...imports]);
    return `${head}${globals.PYTHON}\n${parts.join('\n')}\ntools: Tools\n"""The tools, by their servers."""\n`;
}

const HEAD = {
    typescript: '// What a script has in its hands. Made of the schemas of the tools.\n',
    python: '# What a script has in its hands. Made of the schemas of the tools. A stub of the builtins: __builtins__.pyi\n'
};

function size(texts: readonly string[]): number {
    return texts.reduce((sum, text) => sum + text.length, 0);
}

/** What a tool is for. */
function purpose(tool: TypedTool, isWhole: boolean): string[] {
    const text = lines(tool.description === '' ? tool.title : tool.description);
    return tool.isCut || !isWhole ? [...text, CUT] : text;
}

/** One tool, for who looks for it. */
export function describe(tool: Tool, language: Language, detail: Detail): string {
    const writer = language === 'typescript' ? typescript : python;
    const name = writer.access(writer.access('tools', tool.server), tool.name);
    if (detail === 'brief') {
        const text = firstSentence(tool.description === '' ? tool.title : tool.description);
        return text === '' ? name : `${name}: ${text}`;
    }
    const names = new Names(RESERVED);
    const whole = typed(tool, names);
    const comments = detail === 'full';
    if (language === 'typescript') {
        const parts = typescript.definitions(whole, comments);
        return [...parts, `${typescript.comment(purpose(whole, true))}${name}${typescript.parameters(whole)}`].join(
            '\n\n'
        );
    }
    const written = python.write(whole, names, new Set(), comments);
    const call = python.calls(whole, written, name) + python.docstring(purpose(whole, true));
    return [...written.definitions, call].join('\n');
}
