// The steps of `make test`: what each of them found, and the line at the end. Steps may run beside
// each other: what one says is kept, and printed as one block when it ends.
import { spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

const total = { passed: 0, failed: 0 };
const failures = [];
const underway = new Set();

/** A command whose output goes to `say`, line by line or piece by piece. Gives its exit code. */
export function run(command, args, say, { env, onStdout = say } = {}) {
    const child = spawn(command, args, {
        cwd: root,
        env: { ...process.env, ...env },
        stdio: ['ignore', 'pipe', 'pipe']
    });
    for (const [stream, take] of [
        [child.stdout, onStdout],
        [child.stderr, say]
    ]) {
        stream.setEncoding('utf8');
        stream.on('data', take);
    }
    return new Promise(resolve => {
        child.on('error', error => {
            say(`${command}: ${error.message}\n`);
            resolve(-1);
        });
        child.on('close', resolve);
    });
}

/**
 * Takes one step: `work` gives how many tests passed and failed, and gets a function to say things
 * with. A step that fails does not stop the others: one run shows all that is wrong. Gives whether
 * nothing failed.
 */
export async function step(name, work) {
    const since = Date.now();
    let said = '';
    const say = text => (said += text);
    underway.add(name);
    let found;
    try {
        found = await work(say);
    } catch (error) {
        say(`${error.stack}\n`);
        found = { passed: 0, failed: 1 };
    }
    underway.delete(name);
    total.passed += found.passed;
    total.failed += found.failed;
    if (found.failed > 0) failures.push(name);
    if (said !== '' && !said.endsWith('\n')) said += '\n';
    console.log(`\n── ${name}\n${said}   ${((Date.now() - since) / 1000).toFixed(1)} s`);
    return found.failed === 0;
}

/** A check: a command that must end with 0. */
export function check(name, command, args, options) {
    return step(name, async say => {
        const good = (await run(command, args, say, options)) === 0;
        return { passed: good ? 1 : 0, failed: good ? 0 : 1 };
    });
}

/** What a report of a command's says of its tests; a command that fails without a failed test has failed. */
export async function reported(file, counts, command) {
    rmSync(file, { force: true });
    const code = await command();
    try {
        const { passed, failed } = counts(JSON.parse(readFileSync(file, 'utf8')));
        return { passed, failed: failed || (code === 0 && passed > 0 ? 0 : 1) };
    } catch {
        return { passed: 0, failed: 1 };
    }
}

/** Prints the end, and sets the exit code. */
export function finish() {
    if (failures.length > 0) console.log(`\nfailed:\n${failures.map(name => `  ${name}`).join('\n')}`);
    console.log(`\n${total.passed} passed, ${total.failed} failed`);
    process.exitCode = total.failed === 0 ? 0 : 1;
}

// Who is tired of waiting is told for what.
for (const signal of ['SIGINT', 'SIGTERM'])
    process.once(signal, () => {
        console.log(`\nended while this was underway: ${[...underway].join(', ')}`);
        process.kill(process.pid, signal);
    });
