// Builds the Python component: python/ and CPython into one component of the world `script`.
//
//   build/python.wasm   the component; its bytes differ from build to build
//   build/python.json   what it was built from
//
// Its tool comes from pip, into build/python/: `make python` installs it.
import { spawnSync } from 'node:child_process';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { pythonInputs } from './python-inputs.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const tool = `${root}build/python/bin/componentize-py`;
const temporary = `${root}build/.python.${process.pid}.wasm`;

const args = ['-q', '-d', `${root}wit`, '-w', 'script', 'componentize', '-p', `${root}python`, '-o', temporary];
// What is in the environment of the build must not be in the component.
const env = { PATH: process.env.PATH, PYTHONDONTWRITEBYTECODE: '1' };
const built = spawnSync(tool, [...args, 'component'], { stdio: 'inherit', env });
if (built.status !== 0) {
    console.error(built.error ? `${tool}: ${built.error.message}: run make python` : 'Python was not built');
    process.exit(1);
}
renameSync(temporary, `${root}build/python.wasm`);
writeFileSync(`${root}build/python.json`, `${JSON.stringify(pythonInputs(root), null, 4)}\n`);
console.log(`python.wasm ${Math.round(readFileSync(`${root}build/python.wasm`).length / 1000)} kB`);
