// A server on the SDK of revision 2026-07-28 (@modelcontextprotocol/server), of that revision alone.
//
//   node test/servers/v2.mjs stdio|http
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { Server, createMcpHandler } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';

import { listen, run } from './listen.mjs';
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

/** Node's request and response as the web's, which the SDK speaks. */
function http() {
    const handler = createMcpHandler(createServer, { legacy: 'reject', onerror: error => console.error(error) });
    listen('/mcp', async (request, response) => {
        const gone = new AbortController();
        response.on('close', () => gone.abort());
        const { status, headers, body } = await handler.fetch(
            new Request(new URL(request.url, `http://${request.headers.host}`), {
                method: request.method,
                headers: request.headers,
                body: request.method === 'POST' ? Readable.toWeb(request) : undefined,
                duplex: 'half',
                signal: gone.signal
            })
        );
        response.writeHead(status, Object.fromEntries(headers));
        // A client that goes away ends the stream before its end: that is how it cancels.
        if (body) await pipeline(Readable.fromWeb(body), response).catch(() => {});
        else response.end();
    });
}

await run({
    stdio: () => serveStdio(createServer, { legacy: 'reject', onerror: error => console.error(error) }),
    http
});
