// Makes a release of this platform twice, in two clones of the last commit at paths of different lengths, and fails when
// a checksum differs. VERSION and GORELEASER are those of the Makefile.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = `${root}build/release-check/`;

function run(command, args, options) {
    const { status, stdout } = spawnSync(command, args, {
        stdio: ['ignore', 'pipe', 'inherit'],
        encoding: 'utf8',
        ...options
    });
    if (status !== 0) {
        console.error(`${command} ${args.join(' ')} has failed\n${stdout}`);
        process.exit(1);
    }
    return stdout.trim();
}

/** The checksums of a release that is made in a clone. */
function release(at) {
    const config = readFileSync(`${at}/.goreleaser.yaml`, 'utf8');
    const one = config.replace(/targets: \[.*\]/, `targets: [${platform}]`);
    if (one === config) throw new Error('.goreleaser.yaml has no line of targets');
    mkdirSync(`${at}/build`);
    writeFileSync(`${at}/build/one.yaml`, one);
    const args = ['run', process.env.GORELEASER, 'release', '--snapshot', '--config', 'build/one.yaml'];
    run('go', args, { cwd: at, env: { ...process.env, ROOT: at } });
    return readFileSync(`${at}/build/release/SHA256SUMS`, 'utf8');
}

const platform = `${run('go', ['env', 'GOOS'])}_${run('go', ['env', 'GOARCH'])}`;
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
const clones = [`${folder}a`, `${folder}another/folder`];
for (const at of clones) run('git', ['clone', '--quiet', root, at]);
const [first, second] = clones.map(release);
if (first !== second) {
    console.error(`two releases of the same commit differ:\n${first}\n${second}`);
    process.exit(1);
}
console.log(`two releases of the same commit are the same:\n${first}`);
