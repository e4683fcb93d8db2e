// What runs often goes on in the engine's baseline interpreter (scripts/baseline.mjs), and must give the same there.
import { readFile } from 'node:fs/promises';

import { expect, test } from 'vitest';

import { ScriptInstance } from './host/script.js';

test('what a function gives is the same when it has run often', async () => {
    const program = await readFile(new URL('baseline/program.js', import.meta.url), 'utf8');
    const { outcome } = await (await ScriptInstance.start({})).run(program);
    expect(outcome).toMatchObject({ tag: 'ok' });
    const { functions, changed } = outcome.val as { functions: number; changed: string[] };
    expect(functions).toBeGreaterThan(5000);
    expect(changed).toEqual([]);
}, 300_000);
