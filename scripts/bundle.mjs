// Bundles the core: src/ and the SDK into one script that imports nothing but the contract. The
// same sources give the same bytes, wherever they lie.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { build } from 'esbuild';
import ts from 'typescript';

import { define, ofCore } from './without.mjs';

/** How a private name begins once it is plain. esbuild gives each a short one, which no other property has. */
const PRIVATE = '$private_';

/** Where private names are made plain: in the core, and in the one part of the SDK that has some. */
const RENAMED = ['src/', 'node_modules/@modelcontextprotocol/client/dist/ext/'];

/**
 * Makes private names plain ones, which TypeScript alone keeps private: this engine looks a `#name`
 * up in each object anew, and marks every object that has one.
 */
const plainNames = {
    name: 'plain-names',
    setup({ onLoad, initialOptions: { absWorkingDir } }) {
        onLoad({ filter: /\.(ts|mjs)$/ }, async ({ path }) => {
            if (!RENAMED.some(folder => path.startsWith(join(absWorkingDir, folder)))) return undefined;
            return { loader: 'ts', contents: withPlainNames(path, await readFile(path, 'utf8')) };
        });
    }
};

function withPlainNames(path, text) {
    const source = ts.createSourceFile(path, text, ts.ScriptTarget.ESNext);
    let renamed = '';
    let end = 0;
    const visit = node => {
        if (ts.isPrivateIdentifier(node)) {
            const start = node.getStart(source);
            renamed += `${text.slice(end, start)}${PRIVATE}${node.text.slice(1)}`;
            end = node.end;
        }
        ts.forEachChild(node, visit);
    };
    visit(source);
    return renamed + text.slice(end);
}

/** Returns the text of the script, and esbuild's account of what went into it. */
export async function bundle(root) {
    const plain = !ofCore.includes('names');
    const { outputFiles, metafile } = await build({
        absWorkingDir: root,
        entryPoints: ['src/component.ts'],
        bundle: true,
        write: false,
        metafile: true,
        outfile: 'build/core.bundle.js',
        format: 'esm',
        target: 'es2023',
        // `neutral` knows no conditions of its own. `workerd` picks the JSON Schema validator that
        // needs no eval; pkce-challenge has a `browser` entry and a Node one.
        platform: 'neutral',
        mainFields: ['module', 'main'],
        conditions: ['workerd', 'browser', 'import'],
        external: ['caisson:*'],
        ...(plain && { plugins: [plainNames], mangleProps: new RegExp(`^\\${PRIVATE}`) }),
        define: { 'self.location': 'undefined', ...define },
        minify: true,
        // Fields of a class are set like any others: to define them takes this engine several times as long.
        tsconfigRaw: { compilerOptions: { useDefineForClassFields: !plain } },
        legalComments: 'none',
        logLevel: 'warning'
    });
    return { text: outputFiles[0].text, metafile };
}
