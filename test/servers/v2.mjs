// A server on the SDK of revision 2026-07-28 (@modelcontextprotocol/server), of that revision alone.
//
//   node test/servers/v2.mjs stdio|http
import { Server, createMcpHandler } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';

import { listenWeb, run } from './listen.mjs';
import { INFO, TOOLS, callTool } from './tools.mjs';

function createServer() {
    const server = new Server(INFO, { capabilities: { tools: {} }, instructions: 'Call a tool.' });
    server.setRequestHandler('tools/list', () => ({ tools: TOOLS }));
    server.setRequestHandler('tools/call', ({ params }, { mcpReq: { signal, notify, _meta } }) => {
        const progressToken = _meta?.progressToken;
        const progress = async step => {
            if (progressToken === undefined) return;
            await notify({ method: 'notifications/progress', params: { progressToken, ...step } });
        };
        return callTool(params, { signal, progress });
    });
    return server;
}

function http() {
    const handler = createMcpHandler(createServer, { legacy: 'reject', onerror: error => console.error(error) });
    listenWeb('/mcp', handler.fetch);
}

await run({
    stdio: () => serveStdio(createServer, { legacy: 'reject', onerror: error => console.error(error) }),
    http
});
