// Runs everything that `make test` promises, one step after the other, and ends with the line
// "N passed, N failed". Each test counts, and so does each step that is a check. A step that fails
// does not stop the others: one run shows all that is wrong.
//
// With CAISSON_WITHOUT it is all run without some optimisations (without.mjs).
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { OF_HOST, buildFolder, names, ofCore } from './without.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const total = { passed: 0, failed: 0 };
const failures = [];

function count(name, passed, failed) {
    total.passed += passed;
    total.failed += failed;
    if (failed > 0) failures.push(name);
}

function heading(name) {
    console.log(`\n── ${name}`);
    return Date.now();
}

function took(since) {
    console.log(`   ${((Date.now() - since) / 1000).toFixed(1)} s`);
}

/** A check: a command that must end with 0. */
function check(name, command, args, options = {}) {
    const since = heading(name);
    const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options });
    count(name, status === 0 ? 1 : 0, status === 0 ? 0 : 1);
    took(since);
    return status === 0;
}

function vitest(name, env) {
    const since = heading(name);
    const report = `${root}build/vitest.json`;
    rmSync(report, { force: true });
    const args = ['vitest', 'run', '--reporter=dot', '--reporter=json', `--outputFile.json=${report}`];
    const { status } = spawnSync('npx', args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } });
    try {
        const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(report, 'utf8'));
        // A suite that does not load has no tests to fail: the status tells.
        count(name, numPassedTests, numFailedTests || (status === 0 && numPassedTests > 0 ? 0 : 1));
    } catch {
        count(name, 0, 1);
    }
    took(since);
}

/** `go test -json`, counting tests; prints what failed, and a line for each package. */
async function goTest(name, args, env) {
    const since = heading(name);
    const child = spawn('go', ['-C', 'host-go', 'test', '-json', ...args], {
        cwd: root,
        env: { ...process.env, ...env },
        stdio: ['ignore', 'pipe', 'inherit']
    });
    const closed = new Promise(resolve => child.on('close', resolve));
    const output = new Map();
    let passed = 0;
    let failed = 0;
    for await (const line of createInterface({ input: child.stdout })) {
        let event;
        try {
            event = JSON.parse(line);
        } catch {
            console.log(line);
            continue;
        }
        const key = `${event.Package ?? event.ImportPath} ${event.Test ?? ''}`;
        if (event.Action === 'output' || event.Action === 'build-output') {
            output.set(key, (output.get(key) ?? '') + event.Output);
        }
        if (event.Action === 'build-fail' || event.Action === 'fail') {
            console.log(output.get(key) ?? '');
            output.delete(key);
            // What its tests said that never ended: a crash, or a test that hung.
            if (event.Action === 'fail' && event.Test === undefined)
                for (const [of, text] of output) if (of.startsWith(`${event.Package} `)) console.log(text);
            // A package that fails by itself: it did not build, or it crashed.
            if (event.Test !== undefined || event.Action === 'build-fail') failed++;
        }
        if (event.Action === 'pass' && event.Test !== undefined) passed++;
        if (event.Test === undefined && ['pass', 'fail'].includes(event.Action)) {
            console.log(`   ${event.Action} ${event.Package} ${event.Elapsed ?? ''}`);
        }
        if (event.Test !== undefined && ['pass', 'skip'].includes(event.Action)) output.delete(key);
    }
    const status = await closed;
    count(name, passed, failed || (status === 0 && passed > 0 ? 0 : 1));
    took(since);
}

/** The official conformance suite, without what is about authorization: one test a scenario. */
function conformance() {
    const name = 'conformance';
    const since = heading(name);
    const report = `${root}build/conformance.json`;
    rmSync(report, { force: true });
    const { status } = spawnSync('make', ['--silent', 'conformance', `ARGS=--no-authorization --report=${report}`], {
        cwd: root,
        stdio: 'inherit'
    });
    try {
        const { passed, failed } = JSON.parse(readFileSync(report, 'utf8'));
        count(name, passed, failed || (status === 0 && passed > 0 ? 0 : 1));
    } catch {
        count(name, 0, 1);
    }
    took(since);
}

const linkedWithout = names => `-ldflags=-X=github.com/caisson-dev/caisson/host-go/internal/without.names=${names}`;

/**
 * Has Go build programs without what is left out: with another core in the embedded one's place, and
 * with the names, for the host and the tests.
 */
function leaveOut() {
    const flags = [linkedWithout(names)];
    if (ofCore.length > 0) {
        const folder = root + buildFolder;
        check('embed the component', 'go', [
            '-C',
            'host-go',
            'run',
            './internal/core/pack',
            '-force',
            '-to',
            folder,
            folder
        ]);
        const replaced = ['core.pack', 'inputs.json'].map(name => [
            `${root}host-go/internal/core/${name}`,
            folder + name
        ]);
        writeFileSync(`${folder}overlay.json`, JSON.stringify({ Replace: Object.fromEntries(replaced) }));
        flags.push(`-overlay=${folder}overlay.json`);
    }
    process.env.GOFLAGS = flags.join(' ');
}

const npm = script => ['run', '--silent', script];
const cgoOff = { CGO_ENABLED: '0' };
const built = check('build the component from source', 'npm', npm('build'));
check('build the hostile core from source', 'node', ['scripts/build-hostile.mjs']);
check('generated types are fresh', 'npm', npm('check-generated'));
if (ofCore.length === 0) check('the embedded component is built from these sources', 'npm', npm('check-inputs'));
if (names.length > 0) leaveOut();
check('every requirement of the specification has a test', 'node', ['scripts/check-requirements.mjs']);
check('strict TypeScript', 'npx', ['tsc', '--noEmit']);
if (built) vitest('vitest');
else count('vitest: there is no component to test', 0, 1);
if (names.length === 0) vitest('vitest, without any optimisation', { CAISSON_WITHOUT: 'all' });
check('every platform builds without cgo', 'make', ['--silent', 'cross']);
check('the program is static, and the demo works', 'make', ['--silent', 'demo']);
conformance();
await goTest('go test, cgo off', ['./...'], cgoOff);
if (names.length === 0) {
    const packages = ['./caisson', './internal/engine', './internal/egress'];
    await goTest("go test, without the host's optimisations", packages, { ...cgoOff, GOFLAGS: linkedWithout(OF_HOST) });
}
const compiler = spawnSync('go', ['-C', 'host-go', 'env', 'CC'], { cwd: root, encoding: 'utf8' }).stdout.trim();
if (spawnSync(compiler, ['--version'], { stdio: 'ignore' }).status === 0) {
    await goTest('go test -race', ['-race', './...'], { CGO_ENABLED: '1' });
} else {
    console.log(`\n── go test -race: left out, there is no C compiler (${compiler})`);
}

if (failures.length > 0) console.log(`\nfailed:\n${failures.map(name => `  ${name}`).join('\n')}`);
console.log(`\n${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 ? 0 : 1;
