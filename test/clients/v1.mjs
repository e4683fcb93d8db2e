// The client of @modelcontextprotocol/sdk at work: see work.mjs.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

import { work } from './work.mjs';

const client = new Client({ name: 'v1', version: '1' });
await work(
    client,
    ({ url, command, args }) =>
        client.connect(
            url ? new StreamableHTTPClientTransport(new URL(url)) : new StdioClientTransport({ command, args })
        ),
    (params, options) => client.callTool(params, undefined, options)
);
