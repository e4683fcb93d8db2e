import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { declare, describe as describeTool, type Language } from '../src/declarations/declarations.js';
import { readTools } from '../src/declarations/tool.js';
import { hostile, ODD, TEXTS } from './declarations/cases.js';
import { pyright, typescript, type Problem } from './declarations/compile.js';
import { generator, nonsense, Schemas } from './declarations/random.js';

interface Entry {
    readonly server: string;
    readonly tool: Record<string, unknown>;
}

/** Every schema of a table as the input and the output of a tool. */
function entries(server: string, schemas: Record<string, unknown>): Entry[] {
    return Object.entries(schemas).map(([name, schema]) => ({
        server,
        tool: { name, description: `The case ${name}`, inputSchema: schema, outputSchema: schema }
    }));
}

const odd = entries('odd', ODD);

const texts = TEXTS.flatMap((text, i) => [
    {
        server: text.slice(0, 500),
        tool: {
            name: text.slice(0, 500) || 'x',
            description: text,
            inputSchema: {
                type: 'object',
                description: text,
                properties: { [text]: { type: 'string', description: text, default: text, pattern: text }, 'a-b': {} }
            }
        }
    },
    {
        server: 'texts',
        tool: {
            name: `t${String(i)}`,
            title: text,
            inputSchema: {
                type: 'object',
                properties: { a: { description: text, $ref: `#/$defs/${text}`, enum: [text] } },
                $defs: { [text]: { description: text, type: 'object', properties: {} } }
            }
        }
    }
]);

const short = texts.filter(({ tool }) => JSON.stringify(tool).length < 1000);

const require = createRequire(import.meta.url);

describe('the declarations of real servers', () => {
    let folder = '';
    const tools: Entry[] = [];
    beforeAll(async () => {
        folder = await mkdtemp(join(tmpdir(), 'caisson-declarations-'));
        const servers: Record<string, string[]> = {
            everything: [main('@modelcontextprotocol/server-everything'), 'stdio'],
            filesystem: [main('@modelcontextprotocol/server-filesystem'), folder],
            memory: [main('@modelcontextprotocol/server-memory')],
            test: [fileURLToPath(new URL('servers/v1.mjs', import.meta.url)), 'stdio'],
            whole: [fileURLToPath(new URL('servers/whole-v1.mjs', import.meta.url)), 'stdio'],
            tasks: [fileURLToPath(new URL('servers/tasks-v1.mjs', import.meta.url)), 'stdio']
        };
        for (const [server, args] of Object.entries(servers)) {
            const client = new Client({ name: 'test', version: '1' });
            await client.connect(new StdioClientTransport({ command: process.execPath, args, stderr: 'ignore' }));
            const list = await client.listTools();
            for (const tool of list.tools) tools.push({ server, tool });
            await client.close();
        }
    });
    afterAll(() => rm(folder, { recursive: true, force: true }));

    test('compile under strict TypeScript', () => {
        expect(tools.length).toBeGreaterThan(30);
        expect(typescript({ 'tools.d.ts': declare(tools, 'typescript') })).toEqual([]);
    });

    test('pass pyright in strict mode', async () => {
        expect(await pyright({ '__builtins__.pyi': declare(tools, 'python') })).toEqual([]);
    });

    test.each(['count-words', 'read-pages'])('are what the example %s is written with', async name => {
        const source = await readFile(new URL(`../host-go/examples/scripts/${name}.ts`, import.meta.url), 'utf8');
        const renamed = tools.map(({ server, tool }) => ({ server: server === 'filesystem' ? 'files' : server, tool }));
        expect(typescript({ 'tools.d.ts': declare(renamed, 'typescript'), 'script.ts': source })).toEqual([]);
    });

    test('let a script call every tool by its name', () => {
        const text = declare(tools, 'typescript');
        const calls = tools.map(
            ({ server, tool }) => `void tools[${JSON.stringify(server)}][${JSON.stringify(tool['name'])}];`
        );
        expect(typescript({ 'tools.d.ts': text, 'script.ts': calls.join('\n') })).toEqual([]);
    });

    test('describe a tool of the filesystem in three levels of detail', () => {
        const [tool] = readTools(
            tools.filter(({ server, tool }) => server === 'filesystem' && tool['name'] === 'read_text_file')
        );
        if (!tool) throw new Error('there is no such tool');
        expect(describeTool(tool, 'typescript', 'brief')).toMatch(
            /^tools\.filesystem\.read_text_file: Read the complete contents/
        );
        const detailed = describeTool(tool, 'typescript', 'detailed');
        expect(detailed).toContain('    path: string;\n');
        expect(detailed).toContain('tools.filesystem.read_text_file(args: FilesystemReadTextFileArguments)');
        const full = describeTool(tool, 'typescript', 'full');
        expect(full.length).toBeGreaterThan(detailed.length);
        expect(describeTool(tool, 'python', 'detailed')).toContain('head: NotRequired[float]');
    });
});

describe('the declarations of odd schemas', () => {
    test('are these in TypeScript, and compile', async () => {
        const text = declare(odd, 'typescript');
        await expect(text).toMatchFileSnapshot('declarations/golden/odd.ts.golden');
        expect(typescript({ 'tools.d.ts': text })).toEqual([]);
    });

    test('are these in Python, and pass pyright', async () => {
        const text = declare(odd, 'python');
        await expect(text).toMatchFileSnapshot('declarations/golden/odd.pyi.golden');
        expect(await pyright({ '__builtins__.pyi': text })).toEqual([]);
    });

    test('compile beside the DOM, too', () => {
        const text = declare(odd, 'typescript');
        expect(typescript({ 'tools.d.ts': text }, ['lib.es2023.d.ts', 'lib.dom.d.ts'])).toEqual([]);
    });
});

describe('a script', () => {
    const list = [...entries('odd', ODD), ...entries('my server', { 'read-file': ODD['comments'] })];

    test('is compiled, or refused where it is wrong, in TypeScript', async () => {
        const script = await readFile(new URL('declarations/calls.ts.txt', import.meta.url), 'utf8');
        const problems = typescript({ 'tools.d.ts': declare(list, 'typescript'), 'script.ts': script });
        expect(wrongLines(problems, 'script.ts')).toEqual(marked(script));
    });

    test('is passed, or refused where it is wrong, in Python', async () => {
        const script = await readFile(new URL('declarations/calls.py.txt', import.meta.url), 'utf8');
        const problems = await pyright({ '__builtins__.pyi': declare(list, 'python'), 'script.py': script });
        expect(wrongLines(problems, 'script.py')).toEqual(marked(script));
    });
});

describe('hostile texts', () => {
    test('stay in their comments and quotes, in TypeScript', async () => {
        const text = declare(texts, 'typescript');
        await expect(declare(short, 'typescript')).toMatchFileSnapshot('declarations/golden/texts.ts.golden');
        expect(typescript({ 'tools.d.ts': text })).toEqual([]);
        // A directive would have taken the error away.
        expect(typescript({ 'tools.d.ts': `${text}\ndeclare const wrong: Nothing;` })).toHaveLength(1);
    });

    test('stay in their comments and quotes, in Python', async () => {
        const text = declare(texts, 'python');
        await expect(declare(short, 'python')).toMatchFileSnapshot('declarations/golden/texts.pyi.golden');
        expect(await pyright({ '__builtins__.pyi': text })).toEqual([]);
        expect(await pyright({ '__builtins__.pyi': `${text}\nwrong: Nothing\n` })).toHaveLength(1);
    });

    test.each<Language>(['typescript', 'python'])('hide nothing, in %s', language => {
        const text = declare(texts, language);
        expect(text).not.toMatch(
            /[\0-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\u{e0000}-\u{e0fff}]/u
        );
        expect(text.isWellFormed()).toBe(true);
    });
});

describe('hostile schemas', () => {
    const cases = entries('hostile', hostile());

    test.each(cases.map(entry => [String(entry.tool['name']), entry] as const))('%s is bounded', (_, entry) => {
        for (const language of ['typescript', 'python'] as const) {
            const text = declare([entry], language);
            expect(text.length).toBeLessThan(400_000);
            for (const tool of readTools([entry])) {
                expect(describeTool(tool, language, 'full').length).toBeLessThan(400_000);
                expect(describeTool(tool, language, 'brief').length).toBeLessThan(1000);
            }
        }
    });

    test('compile', async () => {
        expect(typescript({ 'tools.d.ts': declare(cases, 'typescript') })).toEqual([]);
        expect(await pyright({ '__builtins__.pyi': declare(cases, 'python') })).toEqual([]);
    });

    test('a script is told that something was left out', () => {
        expect(declare(cases, 'typescript')).toContain('The schema is larger than what is declared here.');
        expect(declare(odd, 'typescript')).not.toContain('The schema is larger');
    });

    test('many tools are declared, the last of them without types', () => {
        const [wide] = entries('s', { wide: ODD['comments'] });
        const many = Array.from({ length: 12_000 }, (_, i) => ({
            ...wide,
            tool: { ...wide?.tool, name: `t${String(i)}` }
        }));
        for (const language of ['typescript', 'python'] as const) {
            const text = declare(many, language);
            expect(text.length).toBeLessThan(20_000_000);
            expect(text).toContain('t9999');
            expect(text).not.toContain('t10000');
        }
    });

    test.each([undefined, null, 1, 'x', {}, [null], [{}], [{ server: 's' }], [{ server: 's', tool: { name: 5 } }]])(
        'a list of tools that is none: %j',
        list => {
            for (const language of ['typescript', 'python'] as const)
                expect(declare(list, language)).toContain('search_tools');
        }
    );
});

describe('schemas at random', () => {
    const random = generator(20261129);
    const samples = Array.from({ length: 400 }, () => new Schemas(random).document());
    const tools = samples.map(({ schema }, i) => ({
        server: 's',
        tool: { name: `t${String(i)}`, inputSchema: schema }
    }));

    test('let pass what their schemas let pass, in TypeScript', () => {
        const calls = samples.map(({ value }, i) => `void tools.s.t${String(i)}(${literal(value)});`);
        const files = { 'tools.d.ts': declare(tools, 'typescript'), 'script.ts': calls.join('\n') };
        const problems = typescript(files).map(problem => ({ ...problem, sample: samples[problem.line - 1] }));
        expect(problems).toEqual([]);
    });

    test('let pass what their schemas let pass, in Python', async () => {
        const calls = samples.map(({ value }, i) => {
            const tool = `tools.s.t${String(i)}`;
            const names = Object.keys(value as object);
            // Names that are identifiers, and not `self`, can be given as such.
            const isNamed = names.length > 0 && names.every(name => /^(?!None$|class$|__)[a-z_]\w*$/.test(name));
            const named = Object.entries(value as object).map(([name, part]) => `${name}=${pythonLiteral(part)}`);
            return `${tool}(${pythonLiteral(value)})${isNamed ? `; ${tool}(${named.join(', ')})` : ''}`;
        });
        expect(calls.filter(call => call.includes('; ')).length).toBeGreaterThan(50);
        const files = { '__builtins__.pyi': declare(tools, 'python'), 'script.py': calls.join('\n') };
        const problems = (await pyright(files)).map(problem => ({ ...problem, sample: samples[problem.line - 1] }));
        expect(problems).toEqual([]);
    });

    test('compile when they make no sense', async () => {
        const list = Array.from({ length: 1000 }, (_, i) => {
            const schema = nonsense(random);
            return { server: 's', tool: { name: `t${String(i)}`, inputSchema: schema, outputSchema: schema } };
        });
        expect(typescript({ 'tools.d.ts': declare(list, 'typescript') })).toEqual([]);
        expect(await pyright({ '__builtins__.pyi': declare(list, 'python') })).toEqual([]);
    });

    test('are declared the same each time', () => {
        expect(declare(tools, 'typescript')).toBe(declare(structuredClone(tools), 'typescript'));
    });
});

/** The lines that a compiler finds wrong; everything that it says of another file. */
function wrongLines(problems: Problem[], file: string): unknown[] {
    const lines = problems.map(problem => (problem.file === file ? problem.line : problem));
    return [...new Set(lines)];
}

/** The lines of a script that say that they are wrong. */
function marked(script: string): number[] {
    return script.split('\n').flatMap((line, i) => (/(?:\/\/|#) wrong/.test(line) ? [i + 1] : []));
}

/** The script of a server that is a package. */
function main(name: string): string {
    const folder = dirname(require.resolve(`${name}/package.json`));
    return join(folder, 'dist/index.js');
}

function literal(value: unknown): string {
    return JSON.stringify(value).replaceAll('"__proto__":', '["__proto__"]:');
}

function pythonLiteral(value: unknown): string {
    if (value === null) return 'None';
    if (typeof value === 'boolean') return value ? 'True' : 'False';
    if (Array.isArray(value)) return `[${value.map(pythonLiteral).join(', ')}]`;
    if (typeof value !== 'object') return JSON.stringify(value);
    const members = Object.entries(value).map(([name, part]) => `${JSON.stringify(name)}: ${pythonLiteral(part)}`);
    return `{${members.join(', ')}}`;
}
