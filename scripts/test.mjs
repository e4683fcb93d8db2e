// Runs everything that `make test` promises, and ends with the line "N passed, N failed". Each test
// counts, and so does each step that is a check.
//
// Two rows of steps run beside each other, where there are two cores: what Node does alone leaves
// one idle, and so does a Go package that waits for its last test. Each step's output is one block.
//
// With CAISSON_WITHOUT it is all run without some optimisations (without.mjs).
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

import { goTest } from './go-test.mjs';
import { races, unraced } from './raced.mjs';
import { check, finish, reported, root, run, step } from './steps.mjs';
import { OF_HOST, buildFolder, names, ofCore } from './without.mjs';

const all = names.length === 0;
const npm = script => ['run', '--silent', script];
/** One platform for each system and each processor. The others have no file that none of these has. */
const DIFFERENT = 'linux/amd64 linux/arm64 darwin/arm64 windows/amd64';
const cgoOff = { CGO_ENABLED: '0' };
const seen = new Set();

/**
 * The tests of what goes through an optimisation: calls, messages and results. How a server is reached,
 * waited for and left is the same code with and without them.
 */
const OPTIMISED = [
    ...['asks', 'calls', 'cancel', 'faults', 'json', 'fast-path', 'mended', 'notifications', 'odd', 'proxy'],
    ...['recovery', 'results', 'tasks', 'validator', 'values', 'wire']
].map(name => `test/${name}.test.ts`);

/**
 * The same for the host, by the names of tests: how sessions and scripts start, live and end, and what they carry. Each
 * has its memory to itself then, and the tests of logins, policies and groups hold hundreds of sessions at once.
 */
const OPTIMISED_OF_HOST = [
    ...[
        'Whole.*',
        'Results',
        'ManyValues',
        'Arguments.*',
        'Request',
        'UTF8',
        'Pages',
        'UntouchedPages',
        'NumbersAreWhole'
    ],
    ...['OddNumbers', '.*Faults', 'Resumed.*', 'Renewed.*', 'Record.*', 'Replay.*', 'Golden.*', 'Session.*', 'Close.*'],
    ...['NothingIsLeft', 'Many.*', 'Context.*', 'Connect.*', 'Slow.*', 'Ping.*', 'Queued.*', '.*BeforeTheHandshake'],
    ...['Notification.*', 'OlderServers', 'RealServers', 'Progress.*', 'Tasks?[A-Z].*', 'Script.*', 'Module.*'],
    ...['RunFunction.*', 'Max.*', 'NothingOfAnotherSession', 'ListIsBounded', '(Stuck|Broken)Transport', 'Trap.*'],
    ...[
        'Questions?[A-Z].*',
        'Sleep(GoesOn|Claims|Hostile|Tools|Errors|Processes|Limits|Time|NotNow|Cancelled|Translated)'
    ]
];

function vitest(name, env = {}, files = []) {
    const report = `${root}build/vitest${env.CAISSON_WITHOUT ? '-without' : ''}.json`;
    const args = ['vitest', 'run', '--reporter=dot', '--reporter=json', `--outputFile.json=${report}`, ...files];
    const counts = ({ numPassedTests, numFailedTests }) => ({ passed: numPassedTests, failed: numFailedTests });
    return step(name, say => reported(report, counts, () => run('npx', args, say, { env })));
}

/** The official conformance suite, for clients or for the gateway: one test a scenario. */
function conformance(target) {
    const report = `${root}build/${target}.json`;
    const args = ['--silent', target, `ARGS=--report=${report}`];
    return step(target, say =>
        reported(
            report,
            found => found,
            () => run('make', args, say)
        )
    );
}

const linkedWithout = names => `-ldflags=-X=github.com/caisson-dev/caisson/host-go/internal/without.names=${names}`;

/**
 * Has Go build programs without what is left out: with another core in the embedded one's place, and
 * with the names, for the host and the tests.
 */
async function leaveOut() {
    const flags = [linkedWithout(names)];
    if (ofCore.length > 0) {
        const folder = root + buildFolder;
        const args = ['-C', 'host-go', 'run', './internal/core/pack', '-force', '-to', folder, folder];
        await check('embed the component', 'go', args);
        const replaced = ['core.pack', 'inputs.json'].map(name => [
            `${root}host-go/internal/core/${name}`,
            folder + name
        ]);
        writeFileSync(`${folder}overlay.json`, JSON.stringify({ Replace: Object.fromEntries(replaced) }));
        flags.push(`-overlay=${folder}overlay.json`);
    }
    process.env.GOFLAGS = flags.join(' ');
}

/** The core, as it is built and in Node; what needs a program of Go's waits for it. */
async function ofTheCore(built, program) {
    await check('generated types are fresh', 'npm', npm('check-generated'));
    if (ofCore.length === 0)
        await check('the embedded component is built from these sources', 'npm', npm('check-inputs'));
    await check('every requirement of the specification has a test', 'node', ['scripts/check-requirements.mjs']);
    await check('strict TypeScript', 'npx', ['tsc', '--noEmit']);
    if (built) await vitest('vitest');
    else await step('vitest', say => (say('there is no component to test'), { passed: 0, failed: 1 }));
    if (all) {
        const env = { CAISSON_WITHOUT: 'all', CAISSON_FAULT_RUNS: '200' };
        await vitest('vitest, without any optimisation', env, OPTIMISED);
    }
    await program;
    await conformance('conformance');
    await conformance('conformance-serve');
    await check('every platform builds without cgo', 'make', ['--silent', 'cross', `TARGETS=${DIFFERENT}`]);
    await check('no other platform has files of its own', 'node', ['scripts/check-platforms.mjs', DIFFERENT]);
    if (all) await ofTheHostWithout();
}

/** The host without what only makes it quicker. It is the core's row that has the time for it. */
async function ofTheHostWithout() {
    // `go vet` has seen the same files in the step before; and how messages come does not depend on
    // who wrote the server (one in Python takes seconds to start, eighteen times), nor do the bounds.
    const args = [
        '-vet=off',
        '-skip=^TestWhole(ThroughGateway)?$/^FastMCP$',
        `-run=^Test(${OPTIMISED_OF_HOST.join('|')})$`,
        './caisson'
    ];
    const whole = ['-vet=off', './internal/engine', './internal/egress'];
    const env = { ...cgoOff, GOFLAGS: linkedWithout(OF_HOST) };
    await step("go test, without the host's optimisations", async say => {
        const first = await goTest(say, args, env);
        const second = await goTest(say, whole, env);
        return { passed: first.passed + second.passed, failed: first.failed + second.failed };
    });
}

/** The host. The demo is first: it leaves the compiled core in the user's cache, for all that follow. */
async function ofTheHost(program) {
    await program;
    await step('go test, cgo off', say => goTest(say, ['./...'], cgoOff, seen));
    await step('go test of the daemon, cgo off', say => goTest(say, ['./...'], cgoOff, new Set(), 'daemon'));
    const compiler = spawnSync('go', ['-C', 'host-go', 'env', 'CC'], { cwd: root, encoding: 'utf8' }).stdout.trim();
    if (spawnSync(compiler, ['--version'], { stdio: 'ignore' }).status !== 0) {
        console.log(`\n── go test -race: left out, there is no C compiler (${compiler})`);
        return;
    }
    await step('go test -race', async say => {
        const stale = Object.keys(unraced).filter(name => !seen.has(name));
        if (stale.length > 0) say(`scripts/raced.mjs names tests that there are not: ${stale.join(', ')}\n`);
        const total = { passed: 0, failed: stale.length };
        for (const { packages, only } of races()) {
            const args = ['-race', '-vet=off', `-skip=^(${Object.keys(unraced).join('|')})$`, ...packages];
            if (only) args.push(`-run=${only}`);
            const { passed, failed } = await goTest(say, args, { CGO_ENABLED: '1' });
            total.passed += passed;
            total.failed += failed;
        }
        return total;
    });
    await step('go test -race of the daemon', say => {
        // What packs an image, and what installs the program, is done by other programs; and clients in
        // other languages are some.
        const args = [
            '-race',
            '-vet=off',
            '-skip=^Test(Install|Python|TypeScript)$',
            './client/...',
            './cmd/...',
            './internal/...'
        ];
        return goTest(say, args, { CGO_ENABLED: '1' }, new Set(), 'daemon');
    });
}

const [built] = await Promise.all([
    check('build the component from source', 'npm', npm('build')),
    check('build the hostile core from source', 'node', ['scripts/build-hostile.mjs'])
]);
// Without what it embeds the package of Python does not compile: then its tests fail, and are not left out.
await check('the embedded Python is built from these sources', 'node', ['scripts/check-python.mjs']);
if (!all) await leaveOut();
const demo = () => check('the program is static, and the demo works', 'make', ['--silent', 'demo']);
if (availableParallelism() > 1) {
    const program = demo();
    await Promise.all([ofTheCore(built, program), ofTheHost(program)]);
} else {
    await demo();
    await ofTheCore(built);
    await ofTheHost();
}
finish();
