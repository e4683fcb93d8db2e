// What the servers that want authorization have in common.
import { once } from 'node:events';
import { createServer } from 'node:http';

import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';

/** A listener on a free port of the loopback, and its origin: what it answers has to know that. */
export async function free() {
    const listener = createServer().listen(0, '127.0.0.1');
    await once(listener, 'listening');
    return [listener, `http://127.0.0.1:${listener.address().port}`];
}

const now = Date.now;
let ahead = 0;
Date.now = () => now() + ahead;

/** Moves this process's clock forward by the seconds in the query. */
export function advance(request, response) {
    ahead += Number(request.query.seconds) * 1000;
    response.sendStatus(204);
}

/** A server with one tool, which says whom its token is for. */
export async function echo(request, response) {
    const server = new Server({ name: 'authorized', version: '1' }, { capabilities: { tools: {} } });
    server.setRequestHandler(ListToolsRequestSchema, () => ({
        tools: [{ name: 'whoami', inputSchema: { type: 'object' } }]
    }));
    server.setRequestHandler(CallToolRequestSchema, (_, { authInfo }) => ({
        content: [{ type: 'text', text: authInfo.scopes.join(' ') }]
    }));
    const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
    response.on('close', () => void server.close());
    await server.connect(transport);
    await transport.handleRequest(request, response);
}
