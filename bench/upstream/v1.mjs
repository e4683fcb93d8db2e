// A server on @modelcontextprotocol/sdk with the tools of a file: see ../serve_servers.go.
//
//   node v1.mjs TOOLS.json
import { readFileSync } from 'node:fs';

import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';

const tools = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const server = new Server({ name: 'bench-v1', version: '1' }, { capabilities: { tools: {} } });
server.setRequestHandler(ListToolsRequestSchema, () => ({ tools }));
server.setRequestHandler(CallToolRequestSchema, ({ params }) => {
    const { message, times } = params.arguments;
    return { content: [{ type: 'text', text: message.repeat(times) }] };
});
await server.connect(new StdioServerTransport());
