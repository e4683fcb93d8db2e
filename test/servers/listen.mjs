import { createServer } from 'node:http';

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
