import { expect, test } from 'vitest';

import { Runner, Tally } from './proxy/run.js';

// Sessions through a proxy that delays, reorders, cuts, duplicates and corrupts, as a seed decides.
// CAISSON_FAULT_RUNS says how many (`make faults`: 10,000), CAISSON_FAULT_SEED which one alone, or
// which one first.
const { CAISSON_FAULT_RUNS, CAISSON_FAULT_SEED } = process.env;
const first = Number(CAISSON_FAULT_SEED ?? 1);
const runs = Number(CAISSON_FAULT_RUNS ?? (CAISSON_FAULT_SEED === undefined ? 600 : 1));
const last = first + runs - 1;

/** How many runs share an instance, and how many failures are enough. */
const SHARE = 100;
const ENOUGH = 5;

test(`seeds ${first} to ${last}: nothing hangs, nothing is sent twice, nothing is lost that could be kept`, async () => {
    const tally = new Tally();
    const failed: string[] = [];
    let runner = await Runner.start(tally);
    for (let seed = first; seed <= last && failed.length < ENOUGH; seed++) {
        const wrong = runner.run(seed);
        if (wrong !== undefined) {
            failed.push(wrong);
            console.error(wrong);
        }
        // What is left of a failure is not for the others.
        if (wrong !== undefined || seed % SHARE === 0) runner = await Runner.start(tally);
    }
    console.info(JSON.stringify(tally));
    expect(failed.map(wrong => wrong.split('\n')[0])).toEqual([]);
    // A proxy that stops everything, or nothing, shows nothing.
    if (runs >= SHARE) {
        expect(tally.served).toBeGreaterThan(tally.calls / 2);
        expect(tally.faults).toBeGreaterThan(tally.runs);
    }
}, 3_600_000);
