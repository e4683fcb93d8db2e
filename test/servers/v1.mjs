// A server on the SDK that most servers run on (@modelcontextprotocol/sdk): revisions up to
// 2025-11-25.
//
//   node test/servers/v1.mjs stdio|http|http-stateless|sse
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';

import { serve } from './serve-v1.mjs';
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

await serve(createServer);
