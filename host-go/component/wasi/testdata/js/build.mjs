// Builds app.js with the componentize-js of the repository: node build.mjs OUT.
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { componentize } from '@bytecodealliance/componentize-js';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const { component } = await componentize(await readFile(here('app.js'), 'utf8'), {
  witPath: here('app.wit'),
  worldName: 'app',
});
await writeFile(process.argv[2], component);
