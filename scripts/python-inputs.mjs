// What the Python component is built from. Its own bytes differ from build to build, so these stand for it.
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';

function sha256(folder, names) {
    const hash = createHash('sha256');
    for (const name of names.sort())
        hash.update(`${name}\0`)
            .update(readFileSync(folder + name))
            .update('\0');
    return hash.digest('hex');
}

/** The files of the contract that the world `script` has. */
const WIT = ['script-host.wit', 'scripts.wit', 'timers.wit', 'tool-search.wit', 'types.wit', 'waiting.wit'];

/** The inputs of a component that is built now. */
export function pythonInputs(root) {
    const source = `${root}python/`;
    const files = readdirSync(source, { recursive: true }).filter(name => name.endsWith('.py'));
    return {
        note: 'What the Python component is built from. scripts/check-python.mjs compares; make python writes.',
        sources: sha256(source, files),
        wit: sha256(`${root}wit/`, WIT),
        tools: readFileSync(`${source}requirements.txt`, 'utf8').match(/^[^#\n]+$/gm)
    };
}
