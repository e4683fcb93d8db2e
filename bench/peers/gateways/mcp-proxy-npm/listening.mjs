// Says on standard error where a program of Node listens: mcp-proxy takes any free port, and does not say which.
//
//   node --import listening.mjs PROGRAM
import { subscribe } from 'node:diagnostics_channel';

subscribe('tracing:net.server.listen:asyncEnd', ({ server }) => {
    const { address, port } = server.address();
    console.error(`http://${address}:${port}`);
});
