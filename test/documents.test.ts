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
