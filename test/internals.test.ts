// The private members of the SDK and of zod: one file names them, and the build finds one that is gone.
import { readFile, readdir } from 'node:fs/promises';

import * as sdk from '@modelcontextprotocol/client';
import { expect, test } from 'vitest';

import { samples } from '../scripts/internals.mjs';
import { MEMBERS, missing } from '../src/sdk/internals.js';

const src = new URL('../src/', import.meta.url);
const FILE = 'sdk/internals.ts';

/** A name that begins like a private member and is none: the protocol's, and parameters that are not used. */
const OTHERS = new Set(['_meta', '_key', '_request', '_prepared']);

/** The names in a source that begin like private members. */
function named(text: string): string[] {
    const code = text.replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, '');
    return [...code.matchAll(/(?<![\w$])_[a-zA-Z]\w*/g)].map(([name]) => name).filter(name => !OTHERS.has(name));
}

test('one file names private members', async () => {
    const names = (await readdir(src, { recursive: true })).map(name => name.replaceAll('\\', '/'));
    for (const name of names.filter(name => name.endsWith('.ts') && !name.startsWith('generated/')))
        if (name !== FILE) expect(named(await readFile(new URL(name, src), 'utf8')), name).toEqual([]);
});

test('every member that it names is looked for', async () => {
    const text = await readFile(new URL(FILE, src), 'utf8');
    const looked = new Set(MEMBERS.flatMap(({ path }) => path.split('.')));
    expect(named(text).filter(name => !looked.has(name))).toEqual([]);
});

test('all of them are there', () => {
    expect(missing(samples())).toEqual([]);
});

test('one that is gone is missed, and what it was for is said', () => {
    class Client extends sdk.Client {}
    Object.assign(Client.prototype, { _getRequestHandler: undefined });
    expect(missing(samples({ ...sdk, Client }))).toEqual([
        "client: _getRequestHandler (so that a task's questions are answered)"
    ]);
});

test.each(MEMBERS.map(({ of, path, use }) => [`${of}: ${path}`, of, use]))(
    '%s is missed where it is not',
    (_, of, use) => {
        expect(missing({ ...samples(), [of]: {} })).toContainEqual(expect.stringContaining(use));
        expect(missing({ ...samples(), [of]: undefined })).toContainEqual(expect.stringContaining(use));
    }
);
