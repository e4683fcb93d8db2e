import { execFile } from 'node:child_process';
import { mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { transpile } from '@bytecodealliance/jco';

import { buildFolder } from '../scripts/without.mjs';

const run = promisify(execFile);
const root = new URL('../', import.meta.url);
const build = new URL(buildFolder, root);
const core = new URL('core.wasm', build);
const SOURCES = ['src/', 'wit/', 'scripts/', 'package-lock.json'];

/** Builds the component when what it is built from is newer, and transpiles it for Node. */
export default async function setup(): Promise<void> {
    if ((await newest(SOURCES)) > (await changed(core))) {
        await run(process.execPath, [fileURLToPath(new URL('scripts/build-component.mjs', root))]);
    }
    const out = new URL('test/', build);
    if ((await changed(new URL('core.js', out))) > (await changed(core))) return;
    const options = { name: 'core', instantiation: 'async' };
    // The declarations of jco lead to a package that is not there.
    // eslint-disable-next-line @typescript-eslint/no-unsafe-call
    const { files } = (await transpile(await readFile(core), options)) as { files: Record<string, Uint8Array> };
    await mkdir(out, { recursive: true });
    for (const [name, content] of Object.entries(files)) {
        if (!name.includes('/')) await writeFile(new URL(name, out), content);
    }
}

async function changed(file: URL): Promise<number> {
    return (await stat(file).catch(() => undefined))?.mtimeMs ?? 0;
}

async function newest(paths: string[]): Promise<number> {
    const times = await Promise.all(
        paths.map(async path => {
            const url = new URL(path, root);
            if (!path.endsWith('/')) return changed(url);
            const names = await readdir(url, { recursive: true });
            return Math.max(...(await Promise.all(names.map(name => changed(new URL(name, url))))));
        })
    );
    return Math.max(...times);
}
