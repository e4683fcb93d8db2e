import { readFile, readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { beforeAll, describe, expect, test } from 'vitest';

import { bundle } from '../scripts/bundle.mjs';
import { ofCore } from '../scripts/without.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Which file of the core calls what of the host: each effect has one place, each report its own. */
const CALLS: Record<string, string[]> = {
    'caisson:mcp/egress@0.1.0': [
        'fast-path/template.ts',
        'transport/exchange.ts',
        'transport/fetch.ts',
        'transport/pipe.ts'
    ],
    'caisson:mcp/timers@0.1.0': ['platform/timers.ts'],
    'caisson:mcp/host@0.1.0': [
        'connection/connect.ts',
        'connection/connection.ts',
        'connection/reconnect.ts',
        'operations/asks.ts',
        'operations/calls.ts',
        'session/listen.ts',
        'session/session.ts',
        'tasks/followed-task.ts',
        'transport/observer.ts'
    ]
};

describe('the script of the component', () => {
    let text = '';
    let imports: string[] = [];
    beforeAll(async () => {
        const { text: script, metafile } = await bundle(root);
        text = script;
        imports = Object.values(metafile.outputs).flatMap(output => output.imports.map(({ path }) => path));
    });

    test('imports the contract, and nothing of Node or anything else', () => {
        expect([...new Set(imports)].sort()).toEqual(Object.keys(CALLS).sort());
    });

    test('is the same wherever it is built', async () => {
        expect((await bundle(root)).text).toBe(text);
        expect(text).not.toContain(root);
        expect(text).not.toContain('node_modules');
    });

    // What the engine looks up for each `#name` costs a call a seventh of its time.
    test.skipIf(ofCore.includes('names'))('has no private names', () => {
        expect(text).not.toMatch(/[.,{;]#[a-zA-Z_$]/);
    });
});

describe('the sources of the core', () => {
    let sources: [name: string, text: string][] = [];
    beforeAll(async () => {
        const names = (await readdir(`${root}src`, { recursive: true }))
            .map(name => name.replaceAll('\\', '/'))
            .filter(name => name.endsWith('.ts') && !name.startsWith('generated/'))
            .sort();
        sources = await Promise.all(
            names.map(async name => [name, await readFile(`${root}src/${name}`, 'utf8')] as [string, string])
        );
    });

    test.each(Object.keys(CALLS))('call %s from where they should', specifier => {
        const value = new RegExp(`^import \\{[^}]*\\} from '${specifier}'`, 'm');
        expect(sources.filter(([, text]) => value.test(text)).map(([name]) => name)).toEqual(CALLS[specifier]);
    });

    test('take types from what is generated, and make none of their own for the contract', () => {
        const specifiers = sources.flatMap(([, text]) =>
            [...text.matchAll(/from '(caisson:[^']*)'/g)].map(([, path]) => path)
        );
        expect(specifiers.length).toBeGreaterThan(10);
        for (const specifier of specifiers) expect(specifier).toMatch(/^caisson:mcp\/[a-z]+@0\.1\.0$/);
        for (const [name, text] of sources) expect(text, name).not.toMatch(/from '[./]*\/generated/);
    });

    test('stay small', () => {
        for (const [name, text] of sources) expect(text.split('\n').length, name).toBeLessThan(300);
    });
});
