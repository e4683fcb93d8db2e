// Runs the official conformance suite for MCP servers against `caisson serve`, in front of servers of others. A
// scenario passes when it passes through the gateway, or when the server does not pass it by itself either: what
// expected-failures.yaml has under "gateway" is the difference, and both ways must agree with it. Each server is
// served alone, at /servers/NAME, where names are its own.
//
//   node conformance/serve.mjs [--verbose] [--report=FILE] [scenario...]
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'yaml';

import { listeners } from '../scripts/listeners.mjs';
import { REVISIONS, faults, here, loopback, play, root, scenariosOf } from './suite.mjs';

const exe = process.platform === 'win32' ? '.exe' : '';
const LOOK_MS = 20;
const START_MS = 60_000;

const servers = join(root, 'test/servers');
const everything = join(root, 'node_modules/@modelcontextprotocol/server-everything/dist/index.js');

/** The servers, and how each serves a revision. */
const SERVERS = {
    'go-sdk': revision => ({
        command: join(root, 'bin', `everything-server${exe}`),
        args: ['-http', '127.0.0.1:0', `-stateless=${revision >= '2026'}`],
        path: '/'
    }),
    'typescript-sdk': revision => ({
        command: process.execPath,
        args: [join(servers, `conformance-${revision < '2026' ? 'v1' : 'v2'}.mjs`), 'http'],
        path: '/mcp'
    }),
    'server-everything': revision =>
        revision < '2026' && {
            command: process.execPath,
            args: ['--import', loopback, everything, 'streamableHttp'],
            env: { PORT: '0' },
            path: '/mcp'
        }
};

const running = [];

/** Starts a server, and gives its URL once it listens. */
async function start({ command, args, env, path }) {
    const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe'] });
    running.push(child);
    let said = '';
    child.stderr.on('data', text => (said += text));
    for (const until = Date.now() + START_MS; Date.now() < until && child.exitCode === null; await sleep(LOOK_MS)) {
        const [port] = listeners(child.pid).ports;
        if (port !== undefined) return `http://127.0.0.1:${port}${path}`;
    }
    throw new Error(`${command} does not listen: ${said}`);
}

const args = process.argv.slice(2);
const verbose = args.includes('--verbose');
const report = args.find(arg => arg.startsWith('--report='))?.slice('--report='.length);
const only = args.filter(arg => !arg.startsWith('--'));
const expected = parse(readFileSync(join(here, 'expected-failures.yaml'), 'utf8')).gateway ?? {};
const total = { passed: 0, failed: 0 };

function settle(good, line) {
    total[good ? 'passed' : 'failed']++;
    console.log(`   ${good ? 'pass' : 'FAIL'} ${line}`);
}

const at = (url, scenario, revision) =>
    play(['server', '--url', url, '--scenario', scenario, '--spec-version', revision], ['--force']);

/** The names of the checks that have not succeeded. */
const failed = found => new Set(found.map(fault => fault.split(':')[0]));

/** Plays a scenario through the gateway, and when it does not pass, with the server itself. */
async function judge(name, revision, scenario, direct, through) {
    const since = Date.now();
    const outcome = await at(through, scenario, revision);
    const found = faults(outcome, {});
    let line = `${revision} ${name} ${scenario}`;
    const reason = expected[revision]?.[name]?.[scenario];
    let wrong = [];
    if (found.length > 0) {
        // What fails by chance excuses nothing.
        let own = failed(faults(await at(direct, scenario, revision), {}));
        if (own.size > 0) own = own.intersection(failed(faults(await at(direct, scenario, revision), {})));
        wrong = found.filter(fault => !own.has(fault.split(':')[0]));
        if (wrong.length === 0) line += ': as by itself, it does not pass';
    }
    line += ` (${((Date.now() - since) / 1000).toFixed(1)} s)`;
    if (reason === undefined) settle(wrong.length === 0, line);
    else if (wrong.length > 0) settle(true, `${line}: differs, as expected: ${reason}`);
    else settle(false, `${line}: stale: it is expected to differ, and does not`);
    if (wrong.length > 0 && reason === undefined) for (const fault of wrong) console.log(`        ${fault}`);
    if (verbose) console.log(outcome.said);
    return found.length === 0;
}

const folder = mkdtempSync(join(tmpdir(), 'conformance-'));
try {
    for (const revision of REVISIONS) {
        const direct = {};
        for (const [name, how] of Object.entries(SERVERS)) {
            const server = how(revision);
            if (server) direct[name] = await start(server);
        }
        const config = join(folder, `${revision}.json`);
        const mcpServers = Object.fromEntries(Object.entries(direct).map(([name, url]) => [name, { url }]));
        writeFileSync(config, JSON.stringify({ mcpServers }));
        const gateway = await start({
            command: join(root, 'bin', `caisson${exe}`),
            args: ['serve', '--config', config, '--http', '127.0.0.1:0'],
            path: '/servers/'
        });
        for (const name of Object.keys(direct)) {
            let passed = 0;
            for (const scenario of scenariosOf('server', revision)) {
                if (only.length > 0 && !only.includes(scenario)) continue;
                if (await judge(name, revision, scenario, direct[name], gateway + name)) passed++;
            }
            if (only.length === 0 && passed === 0)
                settle(false, `${revision} ${name}: nothing passes through the gateway`);
        }
    }
} finally {
    for (const child of running) child.kill();
    await Promise.all(
        running.map(child => child.exitCode === null && child.signalCode === null && once(child, 'exit'))
    );
    rmSync(folder, { recursive: true, force: true });
}
console.log(`\nconformance of the gateway: ${total.passed} as they should be, ${total.failed} not`);
if (report) writeFileSync(report, JSON.stringify(total));
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
