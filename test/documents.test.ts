// What the documents lead to is there: links, the headings that they name, and the files of "Where is it decided".
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../', import.meta.url));
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const markdown = (folder: string) =>
    readdirSync(join(root, folder))
        .filter(name => name.endsWith('.md'))
        .map(name => join(folder, name));

/** What a site for repositories makes of a heading, to link to it. */
const anchor = (heading: string) =>
    heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-');

const anchors = (path: string) =>
    [...read(path).matchAll(/^#+ (.+)$/gm)].map(([, heading]) => anchor(heading as string));

test.each([...markdown('.'), ...markdown('docs')])('the links of %s lead somewhere', document => {
    const links = [...read(document).matchAll(/\]\((?![a-z]+:)([^)#\s]*)(?:#([^)\s]*))?\)/g)];
    const broken = links.filter(([, path, heading]) => {
        const target = path ? join(dirname(document), path) : document;
        if (!existsSync(join(root, target))) return true;
        return heading !== undefined && !anchors(target).includes(heading);
    });
    expect(broken.map(([link]) => link)).toEqual([]);
});

describe('"Where is it decided" of CONTRIBUTING.md', () => {
    const table = read('CONTRIBUTING.md').split('## Where is it decided')[1] ?? '';
    const rows = [...table.matchAll(/^\| (.+) \| (.+) \|$/gm)].slice(1);
    const core = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).map(name => basename(name));

    test('it has ten questions at least', () => expect(rows.length).toBeGreaterThanOrEqual(10));

    test.each(rows.map(([, question, files]) => [question, files] as [string, string]))('%s', (_, files) => {
        for (const file of files.split(', '))
            expect(file.includes('/') ? existsSync(join(root, file)) : core.includes(file), file).toBe(true);
    });
});

describe('docs/architecture.md', () => {
    const text = read('docs/architecture.md');
    const files = ['src', 'scripts', 'host-go', 'daemon', 'wit', 'test', 'docs', 'examples'].flatMap(folder =>
        readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map(name =>
            join(folder, name).replaceAll('\\', '/')
        )
    );
    const core = files.filter(name => /^src\/(?!generated\/).*\.ts$/.test(name));
    const go = files.filter(name => name.endsWith('.go') && !name.includes('/testdata/'));

    /** What the table of files names: each folder in bold, and below it what lies there. */
    const named = (text.split('## The files')[1]?.split('\n\n')[1] ?? '').split('\n').slice(2).flatMap(rows());
    function rows(): (row: string) => string[] {
        let folder = '';
        return row => {
            const names = row.split('|')[1]?.trim().split(', ') ?? [];
            if (!names[0]?.startsWith('**')) return names.map(name => join(folder, name));
            const folders = names.map(name => name.replaceAll('**', ''));
            folder = folders[0] ?? '';
            return folders;
        };
    }
    const pattern = (name: string) =>
        new RegExp(`^${name.replace(/\/$/, '').replaceAll('.', '\\.').replaceAll('*', '[^/]*')}$`);
    const isThere = (name: string) => existsSync(join(root, name)) || files.some(file => pattern(name).test(file));

    test.each(named)('has %s in its table, which is there', name => expect(isThere(name)).toBe(true));

    test('names nothing else that is not there', () => {
        const paths = [...text.matchAll(/(?<![\w./-])[\w-][\w./-]*\*?\.(?:ts|go|mjs|json)\b/g)].map(([path]) => path);
        expect(paths.length).toBeGreaterThan(100);
        const ends = (path: string) => new RegExp(`(^|/)${pattern(path).source.slice(1)}`);
        expect(paths.filter(path => !files.some(file => ends(path).test(file)))).toEqual([]);
    });

    test('leaves out no file of the core', () => expect(core.filter(name => !named.includes(name))).toEqual([]));

    test('leaves out no folder of the core, and no package of Go', () => {
        const folders = new Set([...core, ...go].map(name => dirname(name)));
        const there = named.map(name => name.replace(/\/$/, ''));
        expect([...folders].filter(folder => !there.includes(folder))).toEqual([]);
    });
});
