// A server on the SDK that most servers run on (@modelcontextprotocol/sdk): revisions up to
// 2025-11-25.
//
//   node test/servers/v1.mjs stdio|http|http-stateless|sse
import { randomUUID } from 'node:crypto';

import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';

import { end, listen, run } from './listen.mjs';
import { INFO, TOOLS, callTool } from './tools.mjs';

function createServer() {
    const server = new Server(INFO, { capabilities: { tools: {} }, instructions: 'Call a tool.' });
    server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: TOOLS }));
    server.setRequestHandler(CallToolRequestSchema, ({ params }, { signal, sendNotification }) => {
        const progressToken = params._meta?.progressToken;
        const progress = async step => {
            if (progressToken === undefined) return;
            await sendNotification({ method: 'notifications/progress', params: { progressToken, ...step } });
        };
        return callTool(params, { signal, progress });
    });
    return server;
}

/** One transport for each session, found by the id that it gave. */
function stateful() {
    const sessions = new Map();
    listen('/mcp', async (request, response) => {
        const id = request.headers['mcp-session-id'];
        let transport = sessions.get(id);
        if (!transport) {
            if (id !== undefined) return end(response, 404);
            transport = new StreamableHTTPServerTransport({
                sessionIdGenerator: randomUUID,
                onsessioninitialized: given => sessions.set(given, transport)
            });
            transport.onclose = () => sessions.delete(transport.sessionId);
            await createServer().connect(transport);
        }
        await transport.handleRequest(request, response);
    });
}

/** One server for each request. */
function stateless() {
    listen('/mcp', async (request, response) => {
        const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
        const server = createServer();
        response.on('close', () => void server.close());
        await server.connect(transport);
        await transport.handleRequest(request, response);
    });
}

/** The transport of revision 2024-11-05. */
function sse() {
    const sessions = new Map();
    listen('/sse', async (request, response) => {
        const url = new URL(request.url, 'http://localhost');
        if (url.pathname === '/sse' && request.method === 'GET') {
            const transport = new SSEServerTransport('/message', response);
            sessions.set(transport.sessionId, transport);
            response.on('close', () => sessions.delete(transport.sessionId));
            return createServer().connect(transport);
        }
        const transport = sessions.get(url.searchParams.get('sessionId'));
        if (url.pathname !== '/message' || request.method !== 'POST' || !transport) return end(response, 404);
        return transport.handlePostMessage(request, response);
    });
}

await run({
    stdio: () => createServer().connect(new StdioServerTransport()),
    http: stateful,
    'http-stateless': stateless,
    sse
});
