// Runs the official conformance suite for MCP clients against the public Go API: the scenarios of
// each frozen requirement set, one after the other. A scenario passes when it has checks, and every
// one of them succeeds: a warning is a failure, and so is a check that was skipped without a reason
// in expected-failures.yaml. What that file has and what happened must agree, both ways.
//
//   node conformance/run.mjs [--verbose] [--report=FILE] [scenario...]
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

import { REVISIONS, faults, here, play, root, scenariosOf } from './suite.mjs';

const client = join(root, 'bin', process.platform === 'win32' ? 'conformance.exe' : 'conformance');

/** The scenarios of extensions that no set names, since the suite got them later. The suite runs them in any revision. */
const EXTENSIONS = [
    'sep-2640-client-no-prefetch',
    'sep-2640-client-verify-digest',
    'sep-2640-client-verify-size',
    'sep-2640-client-verify-frontmatter'
];

/** The scenarios for clients of a revision, and those of extensions. */
const scenariosOfClients = revision => [...new Set([...scenariosOf('client', revision), ...EXTENSIONS])];

const args = process.argv.slice(2);
const has = flag => args.includes(flag);
const report = args.find(arg => arg.startsWith('--report='))?.slice('--report='.length);
const only = args.filter(arg => !arg.startsWith('--'));
const expected = parse(readFileSync(join(here, 'expected-failures.yaml'), 'utf8'));
const total = { passed: 0, failed: 0 };

function settle(good, line) {
    total[good ? 'passed' : 'failed']++;
    console.log(`   ${good ? 'pass' : 'FAIL'} ${line}`);
}

/** Whether this run is about a scenario. */
function chosen(scenario) {
    return only.length === 0 || only.includes(scenario);
}

/**
 * The faults by which a scenario may fail by chance. This one takes the first GET for the resumption of a call, and
 * the stream of the session, which resumes nothing, may come later than the call on a busy machine: before the call's
 * stream has ended, too, and then the time between is negative.
 */
const BY_CHANCE = {
    'sse-retry': [/^WARNING ClientSendsLastEventId/, /^FAILURE ClientRespectsRetryField: .* \(-\d+ms instead/]
};

/** Whether a scenario has failed, and by nothing but chance. */
function byChance(scenario, faults) {
    const known = BY_CHANCE[scenario] ?? [];
    return faults.length > 0 && faults.every(fault => known.some(one => one.test(fault)));
}

/** A scenario that is expected to fail does what it should by failing. */
async function judge(scenario, revision) {
    const since = Date.now();
    let outcome;
    let found;
    for (let plays = 0; plays < 3; plays++) {
        const args = ['client', '--command', client, '--scenario', scenario, '--spec-version', revision];
        outcome = await play(args, ['--force']);
        found = faults(outcome, expected.skipped[revision]?.[scenario] ?? {});
        if (!byChance(scenario, found)) break;
    }
    const reason = expected.failures[revision]?.[scenario];
    const line = `${revision} ${scenario} (${((Date.now() - since) / 1000).toFixed(1)} s)`;
    if (reason === undefined) settle(found.length === 0, line);
    else if (found.length > 0) settle(true, `${line}: fails, as expected: ${reason}`);
    else settle(false, `${line}: stale: it is expected to fail, and passes`);
    const wrong = found.length > 0 && reason === undefined;
    if (wrong) for (const fault of found) console.log(`        ${fault}`);
    if (wrong || has('--verbose')) console.log(outcome.said);
}

for (const revision of REVISIONS) {
    const scenarios = scenariosOfClients(revision);
    for (const name of Object.keys({ ...expected.failures[revision], ...expected.skipped[revision] }))
        if (!scenarios.includes(name)) settle(false, `${revision} ${name}: stale: there is no such scenario`);
    for (const scenario of scenarios) if (chosen(scenario)) await judge(scenario, revision);
}
console.log(`\nconformance: ${total.passed} as they should be, ${total.failed} not`);
if (report) writeFileSync(report, JSON.stringify(total));
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
