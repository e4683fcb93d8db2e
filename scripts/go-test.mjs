// `go test -json`: counts tests, and says what failed, with a line for each package.
import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';

import { run } from './steps.mjs';

/** Runs it, in the folder of a module. `seen` gets the name of each test at the top of a package that was run. */
export async function goTest(say, args, env, seen = new Set(), module = 'host-go') {
    const stdout = new PassThrough();
    // Two rows of steps share the machine: a package takes minutes of it, and one that hangs must leave time for the others.
    const ended = run('go', ['-C', module, 'test', '-json', '-timeout=30m', ...args], say, {
        env,
        onStdout: text => stdout.write(text)
    });
    void ended.then(() => stdout.end());
    const output = new Map();
    let passed = 0;
    let failed = 0;
    for await (const line of createInterface({ input: stdout })) {
        let event;
        try {
            event = JSON.parse(line);
        } catch {
            say(`${line}\n`);
            continue;
        }
        const key = `${event.Package ?? event.ImportPath} ${event.Test ?? ''}`;
        if (event.Action === 'output' || event.Action === 'build-output') {
            output.set(key, (output.get(key) ?? '') + event.Output);
        }
        if (event.Action === 'run' && !event.Test.includes('/')) seen.add(event.Test);
        if (event.Action === 'build-fail' || event.Action === 'fail') {
            say(output.get(key) ?? '');
            output.delete(key);
            // What its tests said that never ended: a crash, or a test that hung.
            if (event.Action === 'fail' && event.Test === undefined)
                for (const [of, text] of output) if (of.startsWith(`${event.Package} `)) say(text);
            // A package that fails by itself: it did not build, or it crashed.
            if (event.Test !== undefined || event.Action === 'build-fail') failed++;
        }
        if (event.Action === 'pass' && event.Test !== undefined) passed++;
        if (event.Test === undefined && ['pass', 'fail'].includes(event.Action)) {
            say(`   ${event.Action} ${event.Package} ${event.Elapsed ?? ''}\n`);
        }
        if (event.Test !== undefined && ['pass', 'skip'].includes(event.Action)) output.delete(key);
    }
    const code = await ended;
    return { passed, failed: failed || (code === 0 && passed > 0 ? 0 : 1) };
}
