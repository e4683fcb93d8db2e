// Builds the Python component: python/ and CPython into one component of the world `script`.
//
//   build/python.wasm   the component; its bytes differ from build to build
//   build/python.json   what it was built from
//
// Its tool comes from pip, into build/python/: `make python` installs it.
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const source = `${root}python/`;
const tool = `${root}build/python/bin/componentize-py`;

/** The files that the component is made of, in the order of their names. */
const files = readdirSync(source, { recursive: true }).filter(name => /\.(py|txt)$/.test(name)).sort();
const wit = readdirSync(`${root}wit`).filter(name => name.endsWith('.wit')).sort();

function sha256(folder, names) {
    const hash = createHash('sha256');
    for (const name of names) hash.update(name).update('\0').update(readFileSync(folder + name)).update('\0');
    return hash.digest('hex');
}

const temporary = `${root}build/.python.${process.pid}.wasm`;
const args = ['-q', '-d', `${root}wit`, '-w', 'script', 'componentize', '-p', source, '-o', temporary, 'component'];
// What is in the environment of the build must not be in the component.
const built = spawnSync(tool, args, { stdio: 'inherit', env: { PATH: process.env.PATH, PYTHONDONTWRITEBYTECODE: '1' } });
if (built.status !== 0) {
    console.error(built.error ? `${tool}: ${built.error.message}: run make python` : 'the Python component was not built');
    process.exit(1);
}
renameSync(temporary, `${root}build/python.wasm`);
const inputs = {
    note: 'What the Python component is built from. make python writes.',
    sources: sha256(source, files),
    wit: sha256(`${root}wit/`, wit),
    tools: readFileSync(`${source}requirements.txt`, 'utf8').split('\n').filter(line => line.includes('=='))
};
writeFileSync(`${root}build/python.json`, `${JSON.stringify(inputs, null, 4)}\n`);
console.log(`python.wasm ${Math.round(readFileSync(`${root}build/python.wasm`).length / 1000)} kB`);
