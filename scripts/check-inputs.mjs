// Checks that the embedded component is built from these sources: component bytes differ from
// build to build, so it compares what went in. Needs a build of now (npm run build).
import { readFile } from 'node:fs/promises';

const BUILT = 'build/inputs.json';
const EMBEDDED = 'host-go/internal/core/inputs.json';

async function read(path) {
    return JSON.parse(await readFile(new URL(`../${path}`, import.meta.url), 'utf8'));
}

const [built, embedded] = await Promise.all([read(BUILT), read(EMBEDDED)]);
// What the runtime makes of a component is the pack program's to check, and its tests do.
delete embedded.prepared;
const names = new Set([...Object.keys(built), ...Object.keys(embedded)]);
const stale = [...names].filter(name => JSON.stringify(built[name]) !== JSON.stringify(embedded[name]));
for (const name of stale) {
    console.error(`${name}: built ${JSON.stringify(built[name])}, embedded ${JSON.stringify(embedded[name])}`);
}
if (stale.length > 0) {
    console.error(`the embedded component is not built from these sources (${stale.join(', ')}): run make component`);
    process.exitCode = 1;
}
