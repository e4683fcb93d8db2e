// Builds the core: src/ and the SDK into one script, and the script into a component.
//
//   build/core.bundle.js   the script; the same bytes for the same sources
//   build/core.wasm        the component; its bytes differ from build to build
//   build/inputs.json      what it was built from
//
// One that leaves something out lies in a folder of its own (without.mjs).
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { componentize } from '@bytecodealliance/componentize-js';

import { correctBaseline, options } from './baseline.mjs';
import { quicken } from './bindings.mjs';
import { bundle } from './bundle.mjs';
import { tuneCollector } from './collector.mjs';
import { inputs } from './inputs.mjs';
import { checkInternals } from './internals.mjs';
import { buildFolder, ofCore } from './without.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const out = root + buildFolder;

/** Replaces a file at once: others may be reading it. */
async function replace(name, content) {
    const temporary = `${out}.${name}.${process.pid}`;
    await writeFile(temporary, content);
    await rename(temporary, out + name);
}

const kilobytes = content => `${Math.round(content.length / 1000)} kB`;

await checkInternals(root);
if (!ofCore.includes('bindings')) quicken();
const { text } = await bundle(root);
const { component } = await componentize(text, {
    sourceName: 'core.js',
    witPath: `${root}wit`,
    worldName: 'core',
    // The core has its own way out: `egress`.
    disableFeatures: ['http', 'fetch-event'],
    env: ofCore.includes('baseline') ? {} : options
});
const corrected = ofCore.includes('baseline') ? component : correctBaseline(component);
await mkdir(out, { recursive: true });
await replace('core.bundle.js', text);
await replace('core.wasm', ofCore.includes('collector') ? corrected : tuneCollector(corrected));
await replace('inputs.json', `${JSON.stringify(await inputs(root, text), null, 2)}\n`);
console.log(`core.bundle.js ${kilobytes(text)}, core.wasm ${kilobytes(component)}`);
