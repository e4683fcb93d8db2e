// A server on @modelcontextprotocol/server with the tools of a file: see ../serve_servers.go.
//
//   node v2.mjs TOOLS.json
import { readFileSync } from 'node:fs';

import { Server } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';

const tools = JSON.parse(readFileSync(process.argv[2], 'utf8'));

serveStdio(() => {
    const server = new Server({ name: 'bench-v2', version: '1' }, { capabilities: { tools: {} } });
    server.setRequestHandler('tools/list', () => ({ tools }));
    server.setRequestHandler('tools/call', ({ params }) => {
        const { message, times } = params.arguments;
        return { content: [{ type: 'text', text: message.repeat(times) }] };
    });
    return server;
});
