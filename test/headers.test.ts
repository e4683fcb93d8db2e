// A request that goes past the SDK's fetch has the header that the SDK gives it.
import { expect, test } from 'vitest';

import { Peer } from './host/peer.js';
import { onHttp } from './host/servers.js';
import { CONFIGS, connected } from './host/sessions.js';

async function posted(era: 'legacy' | 'modern') {
    const { host, session } = await connected(onHttp(new Peer(era), { sessionId: 'abc' }), CONFIGS.http);
    host.callTool(session, 'a');
    return host.exchanges
        .filter(({ request }) => request.method === 'POST')
        .map(({ request }) => ({
            method: (JSON.parse(request.body ?? '') as { method: string }).method,
            headers: request.headers
        }));
}

test('as a notification has, in the revisions with a handshake', async () => {
    const requests = await posted('legacy');
    const headers = (method: string) => requests.find(request => request.method === method)?.headers;
    expect(headers('tools/call')).toEqual(headers('notifications/initialized'));
    expect(headers('tools/call')?.map(([name]) => name)).toEqual([
        'accept',
        'content-type',
        'mcp-protocol-version',
        'mcp-session-id'
    ]);
});

test('with what it repeats of the message, in those without', async () => {
    const requests = await posted('modern');
    const call = requests.find(({ method }) => method === 'tools/call');
    expect(Object.fromEntries(call?.headers ?? [])).toMatchObject({
        accept: 'application/json, text/event-stream',
        'content-type': 'application/json',
        'mcp-method': 'tools/call',
        'mcp-name': 'a',
        'mcp-protocol-version': '2026-07-28'
    });
    expect(call?.headers.map(([name]) => name)).toEqual(call?.headers.map(([name]) => name).sort());
});
