// Holds servers that nobody here wrote to the loopback: `node --import` it before them. A server that
// names no address to listen on, or every address, listens on 127.0.0.1, and says so on standard
// error. One that listens beyond the loopback all the same ends.
import net from 'node:net';
import process from 'node:process';

const EVERYWHERE = new Set([null, undefined, '', '::', '0.0.0.0']);

/** Node's own: it binds and listens before `listen` returns, which servers rely on. */
const bind = net.Server.prototype._listen2;

net.Server.prototype._listen2 = function (address, port, family, ...rest) {
    const isPipe = port === -1;
    if (!isPipe && EVERYWHERE.has(address)) [address, family] = ['127.0.0.1', 4];
    return bind.call(this, address, port, family, ...rest);
};

const emit = net.Server.prototype.emit;

net.Server.prototype.emit = function (event, ...args) {
    const at = event === 'listening' ? this.address() : null;
    if (at !== null && typeof at === 'object') {
        if (!/^(127\.|::1$|::ffff:127\.)/.test(at.address)) {
            process.stderr.write(`loopback.mjs: a server listens on ${at.address}, port ${at.port}\n`);
            process.exit(70);
        }
        process.stderr.write(`loopback.mjs: listening on http://${at.address}:${at.port}\n`);
    }
    return emit.call(this, event, ...args);
};
