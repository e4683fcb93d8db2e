// The client of the TypeScript SDK, version 2, on Node: what Caisson's core is made of, in the
// engine that it was written for. See ../../internal/wire for what it reads and writes.
import { createInterface } from 'node:readline';

import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';

const LINE = 'The tool was done after 0.25 s, and wrote /srv/data/report.txt\n';
const now = () => performance.now() * 1000;

async function connect({ command, args = [], url }) {
    const client = new Client({ name: 'bench', version: '1' }, { versionNegotiation: { mode: 'auto' } });
    const transport = command
        ? new StdioClientTransport({ command, args, stderr: 'ignore' })
        : new StreamableHTTPClientTransport(new URL(url));
    await client.connect(transport);
    return client;
}

function task({ do: what, size, times, tools }) {
    if (what === 'list')
        return async session => {
            const listed = await session.listTools();
            if (listed.tools.length !== tools)
                throw new Error(`${listed.tools.length} tools were listed, not ${tools}`);
        };
    const message = LINE.repeat(size / LINE.length + 1).slice(0, size);
    return async session => {
        const result = await session.callTool({ name: 'echo', arguments: { message, times } });
        const { text } = result.content[0];
        if (text.length !== size * times || text.slice(0, size) !== message)
            throw new Error(`the echo has ${text.length} characters, and is not the message ${times} times`);
    };
}

async function run(sessions, work) {
    const act = task(work);
    const samples = [];
    const began = now();
    let count = 0;
    const more = () =>
        (++count <= work.most || work.most === 0) && (count <= work.least || now() - began < work.seconds * 1e6);
    const worker = async session => {
        while (more()) {
            const t = now();
            await act(session);
            samples.push(now() - t);
        }
    };
    const workers = sessions
        .slice(0, work.sessions)
        .flatMap(session => Array.from({ length: work.in_flight }, () => worker(session)));
    await Promise.all(workers);
    return { samples, elapsed: now() - began };
}

const sessions = [];

async function answer(request) {
    switch (request.op) {
        case 'connect': {
            const samples = [];
            for (let i = 0; i < request.count; i++) {
                const t = now();
                sessions.push(await connect(request.server));
                samples.push(now() - t);
            }
            return { samples, revision: sessions.at(-1).getNegotiatedProtocolVersion() };
        }
        case 'run':
            return run(sessions, request.work);
        case 'close':
            for (const session of sessions.splice(0)) await session.close();
            return {};
        default:
            throw new Error(`no operation ${request.op}`);
    }
}

const reply = value => process.stdout.write(`${JSON.stringify(value)}\n`);

reply({ ready: true });
for await (const line of createInterface({ input: process.stdin })) {
    reply(await answer(JSON.parse(line)).catch(error => ({ error: String(error) })));
}
await answer({ op: 'close' });
