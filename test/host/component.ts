import { readFile } from 'node:fs/promises';

import type * as Authorization from 'caisson:mcp/authorization@0.1.0';
import type * as Catalog from 'caisson:mcp/catalog@0.1.0';
import type * as Client from 'caisson:mcp/client@0.1.0';
import type * as Egress from 'caisson:mcp/egress@0.1.0';
import type * as Host from 'caisson:mcp/host@0.1.0';
import type * as Ingress from 'caisson:mcp/ingress@0.1.0';
import type * as ScriptHost from 'caisson:mcp/script-host@0.1.0';
import type * as Scripts from 'caisson:mcp/scripts@0.1.0';
import type * as Timers from 'caisson:mcp/timers@0.1.0';
import { WASIShim } from '@bytecodealliance/preview2-shim/instantiation';

import { buildFolder } from '../../scripts/without.mjs';

/** The exports of the world `core`. */
export interface Core {
    catalog: typeof Catalog;
    client: typeof Client;
    ingress: typeof Ingress;
    scripts: typeof Scripts;
}

/** The imports of the world `core`, and the clock behind WASI's. */
export interface Imports {
    timers: typeof Timers;
    /** What a session's instance has; a script's has none of them. */
    authorization?: typeof Authorization;
    egress?: typeof Egress;
    host?: typeof Host;
    /** What a script's instance has. */
    scriptHost?: typeof ScriptHost;
    now: () => number;
    /** What answers WASI's random, when it is not the machine. */
    random?: { getRandomBytes: (length: bigint) => Uint8Array; getRandomU64: () => bigint };
}

/** Where the test's set-up puts the component, transpiled by jco. */
export const transpiled = new URL(`../../${buildFolder}test/`, import.meta.url);

const modules = new Map<string, Promise<WebAssembly.Module>>();

/** A core module in a file, compiled once. */
export function loaded(file: URL): Promise<WebAssembly.Module> {
    let module = modules.get(file.href);
    if (!module) modules.set(file.href, (module = readFile(file).then(bytes => WebAssembly.compile(bytes))));
    return module;
}

/** An interface of the contract that an instance must not call. */
const refused = new Proxy(
    {},
    {
        get: (_, name) => () => {
            throw new Error(`${String(name)} is not for this instance`);
        }
    }
);

/** What of WASI an instance has: the clock of the test, and random bytes; no files, no environment, no network. */
export function wasi(now: () => number, random?: Imports['random']): Record<string, object> {
    const sandbox = { preopens: {}, env: {}, args: [], enableNetwork: false };
    const shim = new WASIShim({ sandbox }).getImportObject() as Record<string, object>;
    const nanoseconds = () => BigInt(Math.round(now() * 1e6));
    const none = () => {
        throw new Error('the instance waits, which it must not');
    };
    return {
        ...shim,
        'wasi:random/random': random ?? (shim['wasi:random/random'] as object),
        'wasi:clocks/monotonic-clock': {
            now: nanoseconds,
            resolution: () => 1_000_000n,
            subscribeDuration: none,
            subscribeInstant: none
        },
        'wasi:clocks/wall-clock': {
            now: () => ({
                seconds: nanoseconds() / 1_000_000_000n,
                nanoseconds: Number(nanoseconds() % 1_000_000_000n)
            }),
            resolution: () => ({ seconds: 0n, nanoseconds: 1_000_000 })
        },
        'wasi:io/poll': { ...shim['wasi:io/poll'], poll: none }
    };
}

/** A fresh instance of the component. */
export async function instantiate({ timers, now, random, ...own }: Imports): Promise<Core> {
    const { instantiate } = (await import(new URL('core.js', transpiled).href)) as {
        instantiate: (load: (path: string) => Promise<WebAssembly.Module>, imports: object) => Promise<Core>;
    };
    return instantiate(path => loaded(new URL(path, transpiled)), {
        ...wasi(now, random),
        'caisson:mcp/authorization': own.authorization ?? refused,
        'caisson:mcp/egress': own.egress ?? refused,
        'caisson:mcp/timers': timers,
        'caisson:mcp/host': own.host ?? refused,
        'caisson:mcp/script-host': own.scriptHost ?? refused
    });
}
