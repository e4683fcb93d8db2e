// What is found without a parser, against what acorn finds.
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { parse } from 'acorn';
import { describe, expect, test } from 'vitest';

import { lastExpression } from '../src/scripts/last-expression.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const { constructor: AsyncFunction } = Object.getPrototypeOf(async () => {}) as {
    constructor: new (text: string) => unknown;
};

function compiles(text: string): boolean {
    try {
        return new AsyncFunction(text) instanceof Function;
    } catch {
        return false;
    }
}

/** Where acorn finds it. */
function expected(source: string): number {
    const { body } = parse(source, {
        ecmaVersion: 'latest',
        allowReturnOutsideFunction: true,
        allowAwaitOutsideFunction: true
    });
    const last = body.findLast(({ type }) => type !== 'EmptyStatement');
    return last?.type === 'ExpressionStatement' ? last.start : -1;
}

const SOURCES = [
    '1',
    ' 1 + 1 ;; ',
    'a\n(b)',
    'a\n[b]',
    'a\n`b`',
    'a\n/b/g',
    'a\n+ b',
    'a\n++\nb',
    'a\n++b',
    'a;\n(b)',
    'a;[b]',
    'if (a) {}\n(b)',
    'if (a) {}\n[b]',
    'x = {}\n(b)',
    'x = {}\nb',
    'x = function () {}\n(b)',
    'class A {}\n(b)',
    'let x\n(b)',
    'let\nx',
    'async\nfunction f() {}',
    'x // a; b',
    'x // a\n// b',
    'x /* a; */ ; /* b */ y /* c; */',
    '`a;\n${b}\nc`',
    '"a; b"',
    '/a;b/',
    'a +\nb',
    'a ||\n// why\nb',
    'a\n|| b',
    'foo(\n  a,\n  b\n)',
    'x\n  .map(y => {\n    const z = y;\n    z\n  })\n  .filter(Boolean)',
    'const f = () => {\n  a\n  b\n}',
    'function f() {\n  return (\n    1 + 2\n  )\n}',
    'for (let i = 0; i < 3; i++) foo(i)',
    'if (x)\n  y',
    'if (x) y\nelse z',
    'if (x) {\n  y\n} else {\n  z\n}',
    'while (x)\n  y',
    'do x\nwhile (y)\nz',
    'label:\n  y',
    'f = () =>\n  y',
    'switch (x) { case 1: y; default: z }',
    'try { a } catch { b }',
    'try { a } catch { b }\nc',
    '{ a }',
    '{ a }\nb',
    '({ a })',
    'return a\nb',
    'throw a',
    'foo()\nif (a)\n{ b }',
    'a; b, c',
    'await Promise.all([\n  a(),\n  b()\n]);',
    '`x\nfoo` // `',
    'var a = 1; a',
    "'use strict'",
    'a ? b : {\n  c\n}.d',
    'new A\n(b)',
    'a\nin b',
    'a\ninstanceof b',
    'a?.b\n?.c',
    'a => a\n',
    'async () => {\n  await x\n}\n',
    '// only\n/* comments */',
    'a;// x\n/* y */;',
    'yield\nx',
    '<!-- x\ny'
];

test.each(SOURCES)('%j', source => {
    expect(compiles(source)).toBe(true);
    expect(lastExpression(source, compiles)).toBe(expected(source));
});

// A value that is lost is better than a wrong one.
test.each(['async\nx', 'do { x } while (y) z'])('%j is not found', source => {
    expect(lastExpression(source, compiles)).toBe(-1);
});

describe('the statements of real files', () => {
    const folders = [
        'node_modules/acorn/dist',
        'node_modules/zod/v4/core',
        'node_modules/@modelcontextprotocol/server/dist',
        'scripts'
    ];
    const files = folders.flatMap(folder =>
        readdirSync(root + folder)
            .filter(name => /\.(?:mjs|js)$/.test(name))
            .map(name => `${root}${folder}/${name}`)
    );

    test('there are some', () => expect(files.length).toBeGreaterThan(20));

    test.each(files)('%s', file => {
        // Each function's body is a source, and so is each beginning of one.
        for (const source of bodies(readFileSync(file, 'utf8'))) {
            if (!compiles(source)) continue;
            const found = lastExpression(source, compiles);
            if (found !== undefined && found !== expected(source)) expect.fail(`${String(found)} in ${source}`);
        }
    });
});

/** The bodies of functions of a module, and their beginnings. */
function* bodies(text: string): Generator<string> {
    const found: { start: number; body: { start: number; end: number }[] }[] = [];
    const visit = (node: unknown): void => {
        if (typeof node !== 'object' || node === null) return;
        const { type, body } = node as { type?: string; body?: { start: number; end: number }[] };
        if (type === 'BlockStatement' && Array.isArray(body)) found.push({ start: body[0]?.start ?? 0, body });
        for (const value of Object.values(node)) visit(value);
    };
    visit(parse(text, { ecmaVersion: 'latest', sourceType: 'module', allowHashBang: true }));
    for (const { start, body } of found.slice(0, 400))
        for (const { end } of body.slice(0, 8)) if (end - start < 4000) yield text.slice(start, end);
}
