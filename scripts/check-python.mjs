// Checks that the embedded Python component is there, and built from these sources: a component's bytes differ from
// build to build, so it compares what went in.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { pythonInputs } from './python-inputs.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = `${root}host-go/internal/python/`;

if (!existsSync(`${folder}python.pack`) || !existsSync(`${folder}inputs.json`)) {
    console.error('host-go/internal/python/python.pack is not there: run make python');
    process.exit(1);
}
const embedded = JSON.parse(readFileSync(`${folder}inputs.json`, 'utf8'));
const now = pythonInputs(root);
const stale = Object.keys(now).filter(name => JSON.stringify(now[name]) !== JSON.stringify(embedded[name]));
if (stale.length > 0) {
    console.error(`the embedded Python is not built from these sources (${stale.join(', ')}): run make python`);
    process.exit(1);
}
