// A program that calls the daemon, in TypeScript: node client.js http://127.0.0.1:3285 TOKEN SERVER
import { readFileSync } from 'node:fs';
import process from 'node:process';

import { Code as Status, ConnectError, createClient, type Interceptor } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';

import { Code, ErrorSchema } from './gen/caisson/v1/error_pb.js';
import { McpService } from './gen/caisson/v1/mcp_pb.js';

const [url = 'http://127.0.0.1:3285', token = readFileSync('token', 'utf8').trim(), server = 'files'] =
    process.argv.slice(2);

const authorize: Interceptor = next => request => {
    request.header.set('Authorization', `Bearer ${token}`);
    return next(request);
};
const mcp = createClient(McpService, createGrpcTransport({ baseUrl: url, interceptors: [authorize] }));

// The protocol's values are JSON, in bytes.
const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const parse = (bytes: Uint8Array) => JSON.parse(new TextDecoder().decode(bytes));

const { session } = await mcp.connect({ of: { case: 'server', value: server } });
const target = { of: { case: 'session' as const, value: session!.id } };

const page = await mcp.listTools({ target });
console.log('tools', ...parse(page.result).tools.map((tool: { name: string }) => tool.name));

const call = await mcp.callTool({ target, name: 'echo', arguments: json({ text: 'hällo' }) });
console.log('result', parse(call.result).content[0].text);

for await (const message of mcp.callToolStream({ target, name: 'progress' })) {
    if (message.of.case === 'progress') console.log('progress', parse(message.of.value).progress);
    if (message.of.case === 'result') console.log('result', parse(message.of.value).content[0].text);
}

try {
    await mcp.callTool({ target, name: 'none' });
} catch (error) {
    const failure = ConnectError.from(error);
    for (const detail of failure.findDetails(ErrorSchema))
        console.log('error', Status[failure.code], Code[detail.code], detail.server, detail.step);
}

await mcp.disconnect({ session: session!.id });
