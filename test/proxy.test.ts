import { expect, test } from 'vitest';

import { Runner } from './proxy/run.js';

/** How many runs share an instance. */
const SHARE = 100;

const runs = Number(process.env['CAISSON_FAULT_RUNS'] ?? 600);
const first = Number(process.env['CAISSON_FAULT_SEED'] ?? 1);
const last = process.env['CAISSON_FAULT_SEED'] === undefined ? first + runs - 1 : first;

test(`seeds ${first} to ${last}: nothing hangs, nothing is sent twice, nothing is lost that could be kept`, async () => {
    const failed: string[] = [];
    for (let seed = first; seed <= last && failed.length < 5; seed += SHARE) {
        let runner = await Runner.start();
        for (let i = seed; i <= Math.min(last, seed + SHARE - 1) && failed.length < 5; i++) {
            const wrong = runner.run(i);
            if (wrong === undefined) continue;
            failed.push(wrong);
            // What is left of it is not for the others.
            runner = await Runner.start();
        }
    }
    expect(failed.join('\n\n')).toBe('');
}, 3_600_000);
