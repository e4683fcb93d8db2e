import { readFile } from 'node:fs/promises';

import { componentWit } from '@bytecodealliance/jco';
import { expect, test } from 'vitest';

import { buildFolder } from '../scripts/without.mjs';

const core = new URL(`../${buildFolder}core.wasm`, import.meta.url);

test('the component has the world of wit/, and imports of WASI only what its host answers', async () => {
    // The declarations of jco lead to a package that is not there.

    const wit = (await componentWit(new Uint8Array(await readFile(core)))) as string;
    const world = wit.slice(wit.indexOf('world root'), wit.indexOf('}', wit.indexOf('world root')));
    const named = (kind: string) =>
        [...world.matchAll(new RegExp(`${kind} (\\S+);`, 'g'))].map(([, name]) => name ?? '');
    const ours = (names: string[]) => names.filter(name => name.startsWith('caisson:')).sort();
    const [imports, exports] = [named('import'), named('export')];
    expect(ours(imports)).toEqual(
        ['authorization', 'egress', 'host', 'script-host', 'timers', 'types'].map(name => `caisson:mcp/${name}@0.1.0`)
    );
    expect(exports.sort()).toEqual(
        ['catalog', 'client', 'ingress', 'scripts'].map(name => `caisson:mcp/${name}@0.1.0`)
    );
    const wasi = imports.filter(name => !name.startsWith('caisson:'));
    for (const name of wasi) {
        expect(name).toMatch(
            /^wasi:(cli\/(std|terminal-)\w+|clocks\/\w+-clock|random\/random|io\/\w+|filesystem\/(preopens|types))@0\.2\.\d+$/
        );
    }
});
