// Makes the .wasm beside each .wat, with the wasm-tools in jco: node host-go/caisson/plugin/testdata/generate.mjs
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parse } from '@bytecodealliance/jco';

const folder = fileURLToPath(new URL('.', import.meta.url));
for (const name of await readdir(folder)) {
    if (name.endsWith('.wat')) {
        await writeFile(folder + name.replace(/\.wat$/, '.wasm'), await parse(await readFile(folder + name, 'utf8')));
    }
}
