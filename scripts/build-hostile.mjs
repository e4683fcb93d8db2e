// Builds build/hostile.wasm, for the tests of the host: a core that attacks it.
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { componentEmbed, componentNew, parse } from '@bytecodealliance/jco';

const root = fileURLToPath(new URL('..', import.meta.url));
const source = `${root}host-go/internal/engine/testdata/hostile/hostile.wat`;

const binary = await parse(await readFile(source, 'utf8'));
const embedded = await componentEmbed({ binary, witPath: `${root}wit`, world: 'core', stringEncoding: 'utf8' });
const component = await componentNew(embedded, []);
await mkdir(`${root}build`, { recursive: true });
const temporary = `${root}build/.hostile.${process.pid}`;
await writeFile(temporary, component);
await rename(temporary, `${root}build/hostile.wasm`);
