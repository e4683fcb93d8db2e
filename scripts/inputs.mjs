// What a component is built from. Its own bytes differ from build to build, so these stand for it.
import { createHash } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';

import { Client, PROTOCOL_VERSION_META_KEY, SUPPORTED_PROTOCOL_VERSIONS } from '@modelcontextprotocol/client';

const TOOLS = ['@bytecodealliance/componentize-js', '@bytecodealliance/jco', 'esbuild'];
const SDK = '@modelcontextprotocol/client';

const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest('hex');

async function version(root, name) {
    return JSON.parse(await readFile(`${root}node_modules/${name}/package.json`, 'utf8')).version;
}

/** The hash of wit/: names and contents, in the order of the names. */
async function witHash(root) {
    const names = (await readdir(`${root}wit`)).filter(name => name.endsWith('.wit')).sort();
    const parts = await Promise.all(names.map(async name => [name, '\0', await readFile(`${root}wit/${name}`), '\0']));
    return sha256(...parts.flat());
}

/** The hash of what makes a component of the script. */
async function buildHash(root) {
    const names = ['baseline.mjs', 'bindings.mjs', 'build-component.mjs', 'collector.mjs', 'snapshot.mjs'];
    return sha256(...(await Promise.all(names.map(name => readFile(`${root}scripts/${name}`)))));
}

/** The revision that the SDK offers first. Of those that have no handshake it exports no list: its probe names it. */
async function newestRevision() {
    const client = new Client({ name: 'build', version: '0' }, { versionNegotiation: { mode: 'auto' } });
    let probe;
    const transport = {
        async start() {},
        async send(message) {
            probe = message;
            throw new Error('nobody there');
        },
        async close() {}
    };
    await client.connect(transport).catch(() => {});
    return probe.params._meta[PROTOCOL_VERSION_META_KEY];
}

/** The inputs of a component built from this bundle. */
export async function inputs(root, bundle) {
    const tools = await Promise.all(TOOLS.map(async name => [name, await version(root, name)]));
    return {
        note: 'What the component is built from. scripts/check-inputs.mjs compares; make component writes.',
        bundle: sha256(bundle),
        wit: await witHash(root),
        build: await buildHash(root),
        tools: Object.fromEntries(tools),
        sdk: { name: SDK, version: await version(root, SDK) },
        revisions: [await newestRevision(), ...SUPPORTED_PROTOCOL_VERSIONS]
    };
}
