// The host in Python, examples/embedding, and docs/embedding.md, which explains it. The host runs where
// wasmtime's Python package is: CAISSON_WASMTIME names such a Python, and `make differential` makes one.
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { describe, expect, test } from 'vitest';

import { buildFolder } from '../scripts/without.mjs';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../', import.meta.url));
const folder = `${root}examples/embedding/`;
const core = `${root}${buildFolder}core.wasm`;
const made = `${root}build/wasmtime/bin/python`;
const python = process.env['CAISSON_WASMTIME'] ?? (existsSync(made) ? made : undefined);
const MINUTES = 4 * 60_000; // wasmtime compiles the core when its cache has none of it

const conversation = (revision: string) => `${revision} with greeter over stdio
  tools: add, greet
  add: 5
  the server asks: elicitation/create: Who is there?
  greet: Hello, Ada.
  closed
`;

describe.skipIf(python === undefined)('the host in Python', () => {
    const options = { env: { ...process.env, CORE: core, PYTHONDONTWRITEBYTECODE: '1' }, timeout: MINUTES };

    test('has the same conversation in two revisions', { timeout: 2 * MINUTES }, async () => {
        const { stdout } = await run(python as string, [`${folder}main.py`, core], options);
        expect(stdout).toBe(conversation('2025-11-25') + conversation('2026-07-28'));
    });

    test('tells what goes wrong', { timeout: 2 * MINUTES }, async () => {
        const { stderr } = await run(python as string, ['-m', 'unittest', 'discover', '-s', folder], options);
        expect(stderr).toMatch(/Ran [1-9]\d* tests in .*\n\nOK\n$/);
    });
});

describe('docs/embedding.md', () => {
    const text = readFileSync(`${root}docs/embedding.md`, 'utf8');

    test("the code that it quotes is the files'", () => {
        const names = readdirSync(folder).filter(name => name.endsWith('.py'));
        const files = names.map(name => readFileSync(folder + name, 'utf8'));
        const quoted = [...text.matchAll(/^```python\n(.*?)^```$/gms)].map(([, code]) => code as string);
        expect(quoted.length).toBeGreaterThan(0);
        for (const code of quoted) expect(files.some(file => file.includes(code))).toBe(true);
    });

    test('the version that it speaks of is the one that is installed', () => {
        const requirements = readFileSync(`${root}host-go/component/testdata/corpus/requirements.txt`, 'utf8');
        const version = /^wasmtime==(\S+)$/m.exec(requirements)?.[1];
        expect(text).toContain(`package (${version})`);
    });

    test.each(['egress', 'authorization', 'timers', 'host', 'ingress'])('it names all of wit/%s.wit', name => {
        const wit = readFileSync(`${root}wit/${name}.wit`, 'utf8');
        const functions = [...wit.matchAll(/^ {2}([a-z-]+): func/gm)];
        const cases = [...(/variant event \{(.*?)^ {2}\}/ms.exec(wit)?.[1] ?? '').matchAll(/^ {4}([a-z-]+)\(/gm)];
        const names = [...functions, ...cases].map(([, item]) => item as string);
        expect(names).not.toEqual([]);
        expect(names.filter(item => !text.includes(`\`${item}\``))).toEqual([]);
    });
});
