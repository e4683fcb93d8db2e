// The whole server on @modelcontextprotocol/sdk: revisions up to 2025-11-25.
//
//   node test/servers/whole-v1.mjs stdio|http|sse
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import * as types from '@modelcontextprotocol/sdk/types.js';

import { serve } from './serve-v1.mjs';
import { ANSWERS, CAPABILITIES, INFO } from './whole.mjs';

const REQUESTS = {
    'tools/list': types.ListToolsRequestSchema,
    'tools/call': types.CallToolRequestSchema,
    'resources/list': types.ListResourcesRequestSchema,
    'resources/templates/list': types.ListResourceTemplatesRequestSchema,
    'resources/read': types.ReadResourceRequestSchema,
    'resources/subscribe': types.SubscribeRequestSchema,
    'resources/unsubscribe': types.UnsubscribeRequestSchema,
    'prompts/list': types.ListPromptsRequestSchema,
    'prompts/get': types.GetPromptRequestSchema,
    'completion/complete': types.CompleteRequestSchema
};

function createServer() {
    const server = new Server(INFO, { capabilities: CAPABILITIES });
    const asks = {
        'sampling/createMessage': (params, options) => server.createMessage(params, options),
        'elicitation/create': (params, options) => server.elicitInput(params, options),
        'roots/list': (params, options) => server.listRoots(params, options)
    };
    for (const [method, schema] of Object.entries(REQUESTS)) {
        server.setRequestHandler(schema, ({ params }, { requestId, sessionId, signal, sendNotification }) =>
            ANSWERS[method](params, {
                signal,
                progressToken: params?._meta?.progressToken,
                notify: sendNotification,
                ask: async (question, answered) =>
                    answered(await asks[question.method](question.params, { relatedRequestId: requestId })),
                log: message => server.sendLoggingMessage(message, sessionId),
                toolsChanged: () => server.sendToolListChanged(),
                resourceUpdated: uri => server.sendResourceUpdated({ uri })
            })
        );
    }
    return server;
}

await serve(createServer);
