// How a server on @modelcontextprotocol/sdk is reached.
import { randomUUID } from 'node:crypto';

import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';

import { end, listen, run } from './listen.mjs';

/** One transport for each session, found by the id that it gave. */
function stateful(createServer, { accepts = () => true, transportOptions = () => ({}) }) {
    const sessions = new Map();
    listen('/mcp', async (request, response) => {
        if (!accepts(request)) return end(response, 403);
        const id = request.headers['mcp-session-id'];
        let transport = sessions.get(id);
        if (!transport) {
            if (id !== undefined) return end(response, 404);
            transport = new StreamableHTTPServerTransport({
                ...transportOptions(),
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
function stateless(createServer) {
    listen('/mcp', async (request, response) => {
        const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
        const server = createServer();
        response.on('close', () => void server.close());
        await server.connect(transport);
        await transport.handleRequest(request, response);
    });
}

/** The transport of revision 2024-11-05. */
function sse(createServer) {
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

/** Serves in the way that the program's argument names. The options are for HTTP with sessions. */
export function serve(createServer, options = {}) {
    return run({
        stdio: () => createServer().connect(new StdioServerTransport()),
        http: () => stateful(createServer, options),
        'http-stateless': () => stateless(createServer),
        sse: () => sse(createServer)
    });
}
