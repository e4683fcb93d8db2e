// The whole server on @modelcontextprotocol/server: 2026-07-28, and the revisions before it.
//
//   node test/servers/whole-v2.mjs stdio|http
import { randomUUID } from 'node:crypto';

import {
    Server,
    WebStandardStreamableHTTPServerTransport,
    createMcpHandler,
    inputRequired,
    isLegacyRequest
} from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';

import { listenWeb, run } from './listen.mjs';
import { ANSWERS, CAPABILITIES, INFO } from './whole.mjs';

const STATE = 'as it was';

const onerror = error => console.error(error);

/** Makes a server. What changes is told through `notifier`, or else by the server itself. */
function createServer(notifier) {
    const server = new Server(INFO, { capabilities: CAPABILITIES });
    for (const [method, answer] of Object.entries(ANSWERS)) {
        server.setRequestHandler(method, ({ params }, { mcpReq }) =>
            answer(params, {
                signal: mcpReq.signal,
                progressToken: mcpReq._meta?.progressToken,
                notify: mcpReq.notify,
                // Before 2026-07-28 the SDK asks the client itself, and calls again with the answer.
                ask: (question, answered) => {
                    const given = mcpReq.inputResponses?.q;
                    if (!given) return inputRequired({ inputRequests: { q: question }, requestState: STATE });
                    if (mcpReq.requestState() !== STATE) throw new Error(`the state is ${mcpReq.requestState()}`);
                    return answered(given);
                },
                log: ({ level, data, logger }) => mcpReq.log(level, data, logger),
                toolsChanged: () => (notifier ? notifier.toolsChanged() : server.sendToolListChanged()),
                resourceUpdated: uri => (notifier ? notifier.resourceUpdated(uri) : server.sendResourceUpdated({ uri }))
            })
        );
    }
    return server;
}

/** The revisions before 2026-07-28, which have sessions: one transport for each. */
function sessions() {
    const transports = new Map();
    return async request => {
        const id = request.headers.get('mcp-session-id');
        let transport = transports.get(id);
        if (!transport) {
            if (id !== null) return new Response(null, { status: 404 });
            transport = new WebStandardStreamableHTTPServerTransport({
                sessionIdGenerator: randomUUID,
                onsessioninitialized: given => transports.set(given, transport)
            });
            transport.onclose = () => transports.delete(transport.sessionId);
            await createServer().connect(transport);
        }
        return transport.handleRequest(request);
    };
}

function http() {
    const modern = createMcpHandler(() => createServer(modern.notify), { legacy: 'reject', onerror });
    const legacy = sessions();
    listenWeb('/mcp', async request => ((await isLegacyRequest(request)) ? legacy(request) : modern.fetch(request)));
}

await run({ stdio: () => serveStdio(() => createServer(), { onerror }), http });
