// Generates the TypeScript types of wit/ into src/generated/. With --check, writes nothing and
// fails when they are stale.
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { types } from '@bytecodealliance/jco';

const wit = fileURLToPath(new URL('../wit', import.meta.url));
const folder = new URL('../src/generated/', import.meta.url);

async function generate() {
    const files = await types(wit, { worldName: 'core', guest: true });
    const name = path => path.replaceAll('\\', '/');
    return new Map(Object.entries(files).map(([path, bytes]) => [name(path), Buffer.from(bytes).toString()]));
}

async function committed() {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const files = entries.filter(entry => entry.isFile()).map(entry => `${entry.parentPath}/${entry.name}`);
    const name = path => path.slice(fileURLToPath(folder).length).replaceAll('\\', '/').replace(/^\//, '');
    return new Map(await Promise.all(files.map(async path => [name(path), await readFile(path, 'utf8')])));
}

const fresh = await generate();
if (process.argv.includes('--check')) {
    const found = await committed();
    const stale = [...new Set([...fresh.keys(), ...found.keys()])].filter(name => fresh.get(name) !== found.get(name));
    for (const name of stale) console.error(`src/generated/${name} is stale: run npm run generate`);
    process.exitCode = stale.length > 0 ? 1 : 0;
} else {
    await rm(folder, { recursive: true, force: true });
    for (const [name, text] of fresh) {
        const file = new URL(name, folder);
        await mkdir(new URL('.', file), { recursive: true });
        await writeFile(file, text);
    }
}
