// The client of @modelcontextprotocol/client at work, in the newest revision that the server has: see work.mjs.
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';

import { work } from './work.mjs';

const client = new Client({ name: 'v2', version: '1' }, { versionNegotiation: { mode: 'auto' } });
await work(
    client,
    ({ url, command, args }) =>
        client.connect(
            url ? new StreamableHTTPClientTransport(new URL(url)) : new StdioClientTransport({ command, args })
        ),
    (params, options) => client.callTool(params, options)
);
