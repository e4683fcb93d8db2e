import type { ExchangeEnd, World } from './host.js';
import type { Peer } from './peer.js';

/** A command that speaks MCP's stdio. */
export function onPipe(peer: Peer): World {
    return {
        pipe: end => ({
            line: line => {
                const answer = peer.answer(line);
                if (answer !== undefined) end.write(answer);
            }
        })
    };
}

export interface HttpOptions {
    /** Whether requests are answered by an event stream. */
    events?: boolean;
    /** The session id that the server gives, in the older revisions. */
    sessionId?: string;
    /** Whether GET opens a stream, in the older revisions. */
    stream?: boolean;
}

/** A server that speaks Streamable HTTP at any path. */
export function onHttp(peer: Peer, { events = false, sessionId, stream = false }: HttpOptions = {}): World {
    return {
        http: exchange => {
            const { method, body } = exchange.request;
            if (method === 'DELETE') return reply(exchange, 200);
            if (method === 'GET' && stream) return exchange.head(200, { 'content-type': 'text/event-stream' });
            if (method !== 'POST') return reply(exchange, 405);
            const request = (JSON.parse(body ?? 'null') as { id?: unknown }).id !== undefined;
            const answer = peer.answer(body ?? '');
            if (!request) return reply(exchange, 202);
            if (answer === undefined) return;
            const headers = sessionId === undefined ? undefined : { 'mcp-session-id': sessionId };
            if (events) replyEvents(exchange, [answer], headers);
            else replyJson(exchange, answer, headers);
        }
    };
}

/** A server of revision 2024-11-05: the stream at any path, and messages posted to /message. */
export function onSse(peer: Peer): World {
    let stream: ExchangeEnd | undefined;
    return {
        http: exchange => {
            const { method, url, body } = exchange.request;
            if (method === 'GET') {
                stream = exchange;
                exchange.head(200, { 'content-type': 'text/event-stream' });
                return exchange.body('event: endpoint\ndata: /message?session=1\n\n');
            }
            if (method !== 'POST' || new URL(url).pathname !== '/message') return reply(exchange, 404, 'Cannot POST');
            const answer = peer.answer(body ?? '');
            reply(exchange, 202, 'Accepted');
            if (answer !== undefined) stream?.body(event(answer));
        }
    };
}

export function reply(exchange: ExchangeEnd, status: number, text = '', type = 'text/plain'): void {
    exchange.head(status, { 'content-type': type });
    if (text) exchange.body(text);
    exchange.end();
}

export function replyJson(exchange: ExchangeEnd, text: string, headers?: Record<string, string>): void {
    exchange.head(200, { 'content-type': 'application/json', ...headers });
    exchange.body(text);
    exchange.end();
}

export function replyEvents(exchange: ExchangeEnd, texts: string[], headers?: Record<string, string>): void {
    exchange.head(200, { 'content-type': 'text/event-stream', ...headers });
    for (const text of texts) exchange.body(event(text));
    exchange.end();
}

/** A message as a server-sent event. */
export function event(text: string, id?: string): string {
    return `${id === undefined ? '' : `id: ${id}\n`}event: message\ndata: ${text}\n\n`;
}
