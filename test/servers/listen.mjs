import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** Serves HTTP on a free port of the loopback, and prints the URL of `path` as the first line. */
export function listen(path, handle) {
    const server = createServer((request, response) => {
        Promise.resolve(handle(request, response)).catch(error => {
            console.error(error);
            if (!response.headersSent) response.writeHead(500);
            response.end();
        });
    });
    server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}${path}`));
}

/** Serves so what handles the web's requests and not Node's. */
export function listenWeb(path, fetch) {
    listen(path, async (request, response) => {
        const gone = new AbortController();
        response.on('close', () => gone.abort());
        const { status, headers, body } = await fetch(
            new Request(new URL(request.url, `http://${request.headers.host}`), {
                method: request.method,
                headers: request.headers,
                body: request.method === 'POST' ? Readable.toWeb(request) : undefined,
                duplex: 'half',
                signal: gone.signal
            })
        );
        response.writeHead(status, Object.fromEntries(headers));
        // A stream that is open is one from its start, though nothing has been said on it.
        response.flushHeaders();
        // A client that goes away ends the stream before its end: that is how it cancels.
        if (body) await pipeline(Readable.fromWeb(body), response).catch(() => {});
        else response.end();
    });
}

/** Ends a response with a status and nothing else. */
export function end(response, status) {
    response.writeHead(status).end();
}

/** The way to a program by the name that it is given as argument. */
export function run(ways) {
    const way = ways[process.argv[2]];
    if (!way) {
        console.error(`usage: ${process.argv[1]} ${Object.keys(ways).join('|')}`);
        process.exit(2);
    }
    return way();
}
