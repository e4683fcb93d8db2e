// Finds the sockets on which a process and its children listen beyond the loopback. Linux tells who
// listens where, in /proc; elsewhere nothing is found.
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

const LISTENS = '0A';
/** 127.0.0.0/8, ::1, and 127.0.0.0/8 as an address of IPv6, as the kernel writes them: words of the machine's order. */
const LOOPBACK = [/^[0-9A-F]{6}7F$/, /^0{24}01000000$/, /^0{16}FFFF0000[0-9A-F]{6}7F$/];

/** Reads what may be gone by now. */
function attempt(read, otherwise) {
    try {
        return read();
    } catch {
        return otherwise;
    }
}

function tree(pid) {
    const threads = attempt(() => readdirSync(`/proc/${pid}/task`), []);
    const children = threads.flatMap(thread =>
        attempt(() => readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8'), '')
            .split(' ')
            .filter(Boolean)
    );
    return [pid, ...children.flatMap(tree)];
}

/** The sockets' numbers in the kernel that a process has open. */
function sockets(pid) {
    const files = attempt(() => readdirSync(`/proc/${pid}/fd`), []);
    return files.flatMap(file => {
        const [, inode] = /^socket:\[(\d+)\]$/.exec(attempt(() => readlinkSync(`/proc/${pid}/fd/${file}`), '')) ?? [];
        return inode === undefined ? [] : [inode];
    });
}

/** What a process and its children listen on: one text for each socket beyond the loopback, how many there are in all, and at which ports. */
export function listeners(pid) {
    const beyond = [];
    const own = new Set(tree(pid).flatMap(sockets));
    let all = 0;
    const ports = [];
    for (const table of ['tcp', 'tcp6']) {
        const [, ...rows] = attempt(() => readFileSync(`/proc/net/${table}`, 'utf8'), '')
            .trim()
            .split('\n');
        for (const row of rows) {
            const [, local, , state, , , , , , inode] = row.trim().split(/\s+/);
            if (state !== LISTENS || !own.has(inode)) continue;
            all++;
            const [address, port] = local.split(':');
            ports.push(parseInt(port, 16));
            if (!LOOPBACK.some(form => form.test(address))) beyond.push(`${address}, port ${parseInt(port, 16)}`);
        }
    }
    return { all, beyond, ports };
}
