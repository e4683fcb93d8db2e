import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

import { expect, test } from 'vitest';

import { listeners } from '../scripts/listeners.mjs';

/** Each way to listen on a free port of every interface; `listen(8080)` is what most servers do. */
const EVERYWHERE = ['0', '"0"', '{ port: 0 }', '0, undefined', '', '0, "0.0.0.0"', '{ port: 0, host: "::" }'];
const BESIDE = ['0, "127.0.0.1"', '{ port: 0, host: "localhost" }'];

/** Runs a script that listens in each of the ways and then says so; gives where it listens. */
async function listening(ways: string[], ...flags: string[]) {
    const script = `
        const servers = [${ways.map(way => `require("node:http").createServer().listen(${way})`).join()}];
        Promise.all(servers.map(server => require("node:events").once(server, "listening"))).then(() => console.log("ready"));`;
    const child = spawn(process.execPath, [...flags, '--eval', script], { stdio: ['ignore', 'pipe', 'ignore'] });
    try {
        await once(createInterface({ input: child.stdout }), 'line');
        return listeners(child.pid ?? 0);
    } finally {
        child.kill();
    }
}

test.runIf(process.platform === 'linux')('a server of others is held to the loopback, however it listens', async () => {
    const held = ['--import', new URL('servers/loopback.mjs', import.meta.url).href];
    const all = [...EVERYWHERE, ...BESIDE];
    expect(await listening(all, ...held)).toMatchObject({ all: all.length, beyond: [] });
});

test.runIf(process.platform === 'linux')(
    'what listens on one address alone is not found to listen on more',
    async () => {
        expect(await listening(BESIDE)).toMatchObject({ all: BESIDE.length, beyond: [] });
    }
);
