// Tidies daemon/go.mod. It has no `replace`, since a module with one cannot be installed; and until a version of
// host-go is released, `go mod tidy` cannot find it. So a copy is tidied that has one. With --check it changes
// nothing, and fails when there is something to tidy.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const host = 'github.com/caisson-dev/caisson/host-go';
const copy = `${root}build/daemon/`;

function go(...args) {
    const { status } = spawnSync('go', ['-C', `${root}daemon`, ...args], {
        stdio: 'inherit',
        env: { ...process.env, GOWORK: 'off' }
    });
    if (status !== 0) process.exit(1);
}

mkdirSync(copy, { recursive: true });
for (const file of ['go.mod', 'go.sum'])
    if (existsSync(`${root}daemon/${file}`)) copyFileSync(`${root}daemon/${file}`, copy + file);
go('mod', 'edit', `-replace=${host}=${root}host-go`, `${copy}go.mod`);
go('mod', 'tidy', `-modfile=${copy}go.mod`);
go('mod', 'edit', `-dropreplace=${host}`, `${copy}go.mod`);

const untidy = ['go.mod', 'go.sum'].filter(
    file => readFileSync(copy + file, 'utf8') !== readFileSync(`${root}daemon/${file}`, 'utf8')
);
if (process.argv.includes('--check')) {
    if (untidy.length > 0) {
        console.error(`daemon/${untidy.join(' and daemon/')} are not tidy: make format`);
        process.exit(1);
    }
} else {
    for (const file of untidy) writeFileSync(`${root}daemon/${file}`, readFileSync(copy + file));
}
