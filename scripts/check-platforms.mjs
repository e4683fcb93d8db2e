// Checks that some platforms stand for all: each file of this module that is compiled for any platform is
// compiled for one of these. What it depends on is built for all of them elsewhere.
//
//   node scripts/check-platforms.mjs 'linux/amd64 windows/amd64'
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const all = /^TARGETS := (.*)$/m.exec(readFileSync(`${root}Makefile`, 'utf8'))[1].split(' ');
const built = process.argv[2].split(' ');

/** The files that are compiled for a platform. */
function files(platform) {
    const [GOOS, GOARCH] = platform.split('/');
    const format = '{{$p := .ImportPath}}{{range .GoFiles}}{{$p}}/{{.}}\n{{end}}{{range .SFiles}}{{$p}}/{{.}}\n{{end}}';
    const env = { ...process.env, GOOS, GOARCH, CGO_ENABLED: '0' };
    const text = execFileSync('go', ['-C', 'host-go', 'list', '-f', format, './...'], {
        cwd: root,
        env,
        encoding: 'utf8',
        maxBuffer: 1 << 26
    });
    return text.split('\n').filter(line => line !== '');
}

const seen = new Set(built.flatMap(files));
let wrong = seen.size === 0;
for (const platform of all.filter(platform => !built.includes(platform)))
    for (const file of files(platform).filter(file => !seen.has(file))) {
        wrong = true;
        console.error(
            `${platform} compiles ${file}, and none of ${built.join(', ')} does: build it too (scripts/test.mjs)`
        );
    }
if (wrong) process.exitCode = 1;
