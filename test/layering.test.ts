import { readFile, readdir } from 'node:fs/promises';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';

import { beforeAll, describe, expect, test } from 'vitest';

import { bundle } from '../scripts/bundle.mjs';
import { ofCore } from '../scripts/without.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Which file of the core calls what of the host: each effect has one place, each report its own. */
const CALLS: Record<string, string[]> = {
    'caisson:mcp/authorization@0.1.0': ['authorization/fetch.ts', 'authorization/turn.ts'],
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
        'skills/skills.ts',
        'tasks/followed-task.ts',
        'transport/observer.ts'
    ],
    'caisson:mcp/script-host@0.1.0': ['scripts/host.ts']
};

/** The folders of the core, the lowest first: a file imports from its own and from those before it. */
const ORDER = [
    'platform',
    'sdk',
    'operations',
    'protocol',
    'declarations',
    'search',
    'extensions',
    'transport',
    'authorization',
    'connection',
    'skills',
    'tasks',
    'session',
    'scripts',
    'fast-path'
];

/** What puts all of it together. */
const ROOT = 'component.ts';

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
            .filter(name => name.endsWith('.ts') && !name.endsWith('.d.ts') && !name.startsWith('generated/'))
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
        for (const specifier of specifiers) expect(specifier).toMatch(/^caisson:mcp\/[a-z-]+@0\.1\.0$/);
        for (const [name, text] of sources) expect(text, name).not.toMatch(/from '[./]*\/generated/);
    });

    test('import what lies below them, and no folder that is not in the order', () => {
        const wrong = imports(sources).flatMap(([from, to]) => {
            const [above, below] = [level(from), level(to)];
            if (above < 0) return [`${from} is in no folder of the order`];
            return below > above ? [`${from} imports ${to}, which lies above it`] : [];
        });
        expect(wrong).toEqual([]);
    });

    test('import each other in no circle, not even for types', () => {
        const left = new Map(sources.map(([name]) => [name, new Set<string>()]));
        for (const [from, to] of imports(sources)) left.get(from)?.add(to);
        // What imports nothing that is left, or what nothing that is left imports, is in no circle.
        for (let before = -1; before !== left.size;) {
            before = left.size;
            for (const [name, imported] of left) {
                const below = [...imported].some(one => left.has(one));
                const above = [...left.values()].some(others => others.has(name));
                if (!below || !above) left.delete(name);
            }
        }
        expect([...left.keys()]).toEqual([]);
    });

    test('know of the fast path only where it is plugged in', () => {
        const wrong = imports(sources).filter(
            ([from, to]) => to.startsWith('fast-path/') && !from.startsWith('fast-path/') && from !== ROOT
        );
        expect(wrong).toEqual([]);
    });
});

/** What every file of the core imports of the core, for values or for types. */
function imports(sources: [name: string, text: string][]): [from: string, to: string][] {
    return sources.flatMap(([name, text]) =>
        [...text.matchAll(/(?:from|import) '(\.[^']*)\.js'/g)].map(
            ([, path]) => [name, posix.join(posix.dirname(name), `${String(path)}.ts`)] as [string, string]
        )
    );
}

function level(name: string): number {
    return name === ROOT ? ORDER.length : ORDER.indexOf(name.split('/')[0] ?? '');
}
