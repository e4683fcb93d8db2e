// The official conformance suite, as a program that plays one scenario.
import { spawn } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

import { listeners } from '../scripts/listeners.mjs';

export const here = fileURLToPath(new URL('.', import.meta.url));
export const root = join(here, '..');
const suite = join(here, 'node_modules/@modelcontextprotocol/conformance');
/** The suite's servers listen on every interface; this holds them to the loopback. */
export const loopback = new URL('../test/servers/loopback.mjs', import.meta.url).href;
const LOOK_MS = 50;

export const REVISIONS = ['2025-11-25', '2026-07-28'];

/** The scenarios of a revision for one side: those that its set requires, and those that it only reports. */
export function scenariosOf(side, revision) {
    const set = parse(readFileSync(join(suite, `requirements/${revision}.yaml`), 'utf8'));
    const reported = set.not_scored.filter(({ leg }) => leg === side).map(({ scenario }) => scenario);
    return [...set[side], ...reported];
}

/** Runs one scenario. Gives its checks, and what the suite and what it tests said. */
export async function play(args, force = []) {
    const folder = mkdtempSync(join(tmpdir(), 'conformance-'));
    try {
        const program = ['--import', loopback, join(suite, 'dist/index.js'), ...args, ...force, '-o', folder];
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
export function faults({ status, beyond, checks }, mayBeSkipped) {
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
