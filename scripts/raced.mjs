// What `go test -race` runs. The race detector finds two goroutines that use the same memory without
// having agreed on it, and makes a test five to twenty times slower. Each test runs without it too.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

import { root } from './steps.mjs';

const SHARES = /^\s*go (func\b|\w+[.(])|"sync(\/atomic)?"|\.Parallel\(|\.RunParallel\(/m;

/**
 * Packages of which only some tests are raced, by their names. Their others run one program or one guest after the
 * other, whose goroutines are those of packages that are raced whole.
 */
const partly = {
    // What the command line starts goroutines for: the terminal, signals, files that change, and `serve`.
    'host-go/cmd/caisson':
        'Serve.*|RunAgain|RunWatch|Watch.*|Interrupt|ComponentInterrupt|PipeIsInterrupted|SleepSignal|Elicitation|AuthPaste|AuthDeviceCode|TokenAtTerminal|ProjectNeedsYes|Timeout'
};

/** Packages that start no goroutines themselves: what they run has those of internal/script. */
const quiet = ['host-go/caisson/python'];

/** The runs of the race detector: packages, and which of their tests. */
export function races() {
    const packages = raced().filter(name => !quiet.some(one => name.endsWith(`/${one}`)));
    const ofPart = name => Object.keys(partly).find(part => name.endsWith(`/${part}`));
    return [
        { packages: packages.filter(name => !ofPart(name)) },
        ...packages.filter(ofPart).map(name => ({ packages: [name], only: `^Test(${partly[ofPart(name)]})$` }))
    ];
}

/** The packages whose code or tests start goroutines or share memory between them; others have one goroutine. */
function raced() {
    const format =
        '{{.ImportPath}} {{.Dir}}{{range .GoFiles}} {{.}}{{end}}{{range .TestGoFiles}} {{.}}{{end}}{{range .XTestGoFiles}} {{.}}{{end}}';
    const { stdout } = spawnSync('go', ['-C', 'host-go', 'list', '-f', format, './...'], {
        cwd: root,
        encoding: 'utf8'
    });
    const packages = stdout
        .trim()
        .split('\n')
        .map(line => line.split(' '));
    return packages
        .filter(([, folder, ...files]) => files.some(name => SHARES.test(readFileSync(`${folder}/${name}`, 'utf8'))))
        .map(([path]) => path);
}

/** Tests that would show the detector nothing, or what another test shows it in less time, each with the reason. */
export const unraced = {
    TestIsolatedAttacks: "in processes of their own; TestHostileInstance has the host's goroutines",
    TestWorkerHasNoSecrets: 'looks through the memory of processes; TestWorkerKilled has the goroutines',
    TestWorkersEndWithTheirParent: 'ends processes; nothing of them is shared',
    TestHostileServers:
        'minutes of floods; TestPingStorm, TestQueuedBytes and TestBeforeTheHandshake have the same goroutines',
    FuzzServer: 'hundreds of small sessions, one after the other; TestFaults has the same goroutines',
    TestNothingIsLeft: 'counts what is left of a thousand sessions; TestClose and TestCloseWhileConnecting race',
    TestLargeCallAwaitsCompiler: 'compiles, for a minute; TestFirstRun has the move, TestMoveFails the waiting',
    TestUsageErrors: 'runs one program after the other, which ends at its words',
    TestWordsAreNotRepeated: 'runs one program after the other, which ends at its words',
    TestHostile: 'bounds the memory of processes, which the detector multiplies',
    TestHostileCode: 'bounds the memory and time of the compiler, which the detector multiplies',
    TestStatic: 'builds the program, without the detector',
    TestComponentInspect: 'reads components, in one goroutine',
    TestDissect: 'reads a component, in one goroutine',
    TestComponentRun: 'runs one program after the other; the tests of component/wasi have its goroutines',
    TestAuthorizationServers: "servers in processes of their own; TestGroupLogsInOnce has the client's goroutines",
    TestProcessesLogInOnce: 'processes, which share a file and no memory',
    TestServeRealClients: 'programs in processes of their own; the tests of caisson/gateway have its goroutines',
    TestReplayOnFirstRun:
        'interprets, a hundred times slower; TestFirstRun has the move, TestRecordAndReplay the replay',
    TestDifferential: 'carries values, in one goroutine',
    TestWithout: 'starts that have less beside each other than the one of TestFirstRun',
    TestUnusableCacheDir: 'a start as that of TestFirstRun',
    TestDamagedCache: 'files that are wrong, read in one goroutine',
    TestNoSecretInTheBox: "logins one after the other; TestGroupLogsInOnce has the client's goroutines",
    TestSleepRepeated: 'a thousand runs, one after the other; TestSleepGoesOn has the same goroutines',
    TestScriptLimits: 'attacks one after the other, bounded in time, which the detector multiplies',
    TestSleepLimits: 'as TestScriptLimits',
    TestSleepSealedWrong: 'opens what is sealed, in one goroutine, and a bomb of 300 MB',
    TestHostileGuest: 'attacks one after the other, bounded in time, which the detector multiplies',
    TestSetups: 'the examples of a document, each a program; TestServeHTTP has its goroutines'
};
