// Python under jco: CPython's component, transpiled for Node. `make python` builds it.
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';

import { transpile } from '@bytecodealliance/jco';
import type * as ScriptHost from 'caisson:mcp/script-host@0.1.0';
import type * as Scripts from 'caisson:mcp/scripts@0.1.0';
import type * as Timers from 'caisson:mcp/timers@0.1.0';

import { pythonInputs } from '../../scripts/python-inputs.mjs';
import { loaded, wasi } from './component.js';

/** The imports of the world `script`, and the clock behind WASI's. */
export interface Imports {
    timers: typeof Timers;
    scriptHost: typeof ScriptHost;
    toolSearch: { search: (text: string, limit: number) => string };
    waiting: { wait: () => ScriptHost.ScriptEvent[] };
    now: () => number;
}

// Node 20 knows sums in constant expressions, which the component has, but only when it is asked to.
setFlagsFromString('--experimental-wasm-extended-const');

const root = new URL('../../', import.meta.url);
const component = new URL('build/python.wasm', root);
const transpiled = new URL('build/python-test/', root);

/** Whether the component is there, and built from these sources. */
export function isPythonBuilt(): boolean {
    const record = new URL('build/python.json', root);
    if (!existsSync(component) || !existsSync(record)) return false;
    return readFileSync(record, 'utf8') === `${JSON.stringify(pythonInputs(fileURLToPath(root)), null, 4)}\n`;
}

/** Transpiles the component, unless it is transpiled already. It takes some ten seconds. */
export async function transpilePython(): Promise<void> {
    const changed = async (file: URL) => (await stat(file).catch(() => undefined))?.mtimeMs ?? 0;
    if ((await changed(new URL('python.js', transpiled))) > (await changed(component))) return;
    const options = { name: 'python', instantiation: 'async' };
    // The declarations of jco lead to a package that is not there.
    // eslint-disable-next-line @typescript-eslint/no-unsafe-call
    const { files } = (await transpile(await readFile(component), options)) as { files: Record<string, Uint8Array> };
    // In a folder of its own first: a run that is ended in the middle leaves nothing half.
    const temporary = new URL(`build/.python-test.${String(process.pid)}/`, root);
    await mkdir(temporary, { recursive: true });
    for (const [name, content] of Object.entries(files)) {
        if (!name.includes('/')) await writeFile(new URL(name, temporary), content);
    }
    await rm(transpiled, { recursive: true, force: true });
    await rename(temporary, transpiled);
}

/** A fresh instance of the component: without files, an environment and a network. */
export async function instantiatePython(own: Imports): Promise<{ scripts: typeof Scripts }> {
    const { instantiate } = (await import(new URL('python.js', transpiled).href)) as {
        instantiate: (
            load: (path: string) => Promise<WebAssembly.Module>,
            imports: object
        ) => Promise<{ scripts: typeof Scripts }>;
    };
    return instantiate(path => loaded(new URL(path, transpiled)), {
        ...wasi(own.now),
        'caisson:mcp/timers': own.timers,
        'caisson:mcp/script-host': own.scriptHost,
        'caisson:mcp/tool-search': own.toolSearch,
        'caisson:mcp/waiting': own.waiting
    });
}
