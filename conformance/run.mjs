// Runs the official conformance suite for MCP clients against the public Go API: the scenarios of
// each frozen requirement set, one after the other. A scenario passes when it has checks, and every
// one of them succeeds: a warning is a failure, and so is a check that was skipped without a reason
// in expected-failures.yaml. What that file has and what happened must agree, both ways.
//
//   node conformance/run.mjs [--verbose] [--report=FILE] [scenario...]
import { spawn } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

import { listeners } from '../scripts/listeners.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = join(here, '..');
const suite = join(here, 'node_modules/@modelcontextprotocol/conformance');
const client = join(root, 'bin', process.platform === 'win32' ? 'conformance.exe' : 'conformance');
/** The suite's servers listen on every interface; this holds them to the loopback. */
const loopback = new URL('../test/servers/loopback.mjs', import.meta.url).href;
const LOOK_MS = 50;

const REVISIONS = ['2025-11-25', '2026-07-28'];

/** The scenarios of extensions that no set names, since the suite got them later. The suite runs them in any revision. */
const EXTENSIONS = [
    'sep-2640-client-no-prefetch',
    'sep-2640-client-verify-digest',
    'sep-2640-client-verify-size',
    'sep-2640-client-verify-frontmatter'
];

/** The scenarios for clients of a revision: those its set requires, those it only reports, and those of extensions. */
function scenariosOf(revision) {
    const set = parse(readFileSync(join(suite, `requirements/${revision}.yaml`), 'utf8'));
    const reported = set.not_scored.filter(({ leg }) => leg === 'client').map(({ scenario }) => scenario);
    return [...new Set([...set.client, ...reported, ...EXTENSIONS])];
}

/** Runs one scenario. Gives its checks, and what the suite and the client said. */
async function play(scenario, revision) {
    const folder = mkdtempSync(join(tmpdir(), 'conformance-'));
    try {
        const args = ['client', '--command', client, '--scenario', scenario, '--spec-version', revision];
        const program = ['--import', loopback, join(suite, 'dist/index.js'), ...args, '--force', '-o', folder];
        const child = spawn(process.execPath, program);
        let said = '';
        for (const stream of [child.stdout, child.stderr]) stream.on('data', text => (said += text));
        const beyond = new Set();
        const look = setInterval(() => {
            for (const socket of listeners(child.pid).beyond) beyond.add(socket);
        }, LOOK_MS);
        const status = await new Promise(resolve => child.on('close', resolve));
        clearInterval(look);
        const [file] = globSync('**/checks.json', { cwd: folder });
        return { status, said, beyond, checks: file ? JSON.parse(readFileSync(join(folder, file), 'utf8')) : [] };
    } finally {
        rmSync(folder, { recursive: true, force: true });
    }
}

/** What is wrong with a scenario that ran, by the strictest reading. */
function faults({ status, beyond, checks }, mayBeSkipped) {
    const found = [...beyond].map(socket => `it listens beyond the loopback: ${socket}`);
    const skipped = new Set();
    for (const { name, status, errorMessage, description } of checks) {
        if (status === 'SKIPPED') skipped.add(name);
        if (status === 'FAILURE' || status === 'WARNING')
            found.push(`${status} ${name}: ${errorMessage ?? description}`);
    }
    for (const name of skipped) if (!(name in mayBeSkipped)) found.push(`SKIPPED ${name}`);
    for (const name of Object.keys(mayBeSkipped))
        if (!skipped.has(name)) found.push(`stale: ${name} is expected to be skipped, and is not`);
    if (!checks.some(({ status }) => status === 'SUCCESS')) found.push('no check succeeded: the scenario is empty');
    if (status !== 0 && found.length === 0) found.push(`the suite ended with ${status}`);
    return found;
}

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
 * A fault by which a scenario may fail by chance. This one takes the first GET for the resumption of a call, and
 * the stream of the session, which resumes nothing, may come later than the call on a busy machine.
 */
const BY_CHANCE = { 'sse-retry': 'WARNING ClientSendsLastEventId' };

/** A scenario that is expected to fail does what it should by failing. */
async function judge(scenario, revision) {
    const since = Date.now();
    let outcome;
    let found;
    for (let plays = 0; plays < 3; plays++) {
        outcome = await play(scenario, revision);
        found = faults(outcome, expected.skipped[revision]?.[scenario] ?? {});
        if (found.length !== 1 || !(scenario in BY_CHANCE) || !found[0].startsWith(BY_CHANCE[scenario])) break;
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
    const scenarios = scenariosOf(revision);
    for (const name of Object.keys({ ...expected.failures[revision], ...expected.skipped[revision] }))
        if (!scenarios.includes(name)) settle(false, `${revision} ${name}: stale: there is no such scenario`);
    for (const scenario of scenarios) if (chosen(scenario)) await judge(scenario, revision);
}
console.log(`\nconformance: ${total.passed} as they should be, ${total.failed} not`);
if (report) writeFileSync(report, JSON.stringify(total));
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
