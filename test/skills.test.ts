// The skills of servers (SEP-2640): what is listed, and what is read and verified.
import { createHash } from 'node:crypto';

import { describe, expect, test, vi } from 'vitest';

import type { FakeHost } from './host/host.js';
import type { Handler } from './host/peer.js';
import { LEGACY, MODERN, Peer, RpcError } from './host/peer.js';
import { onPipe } from './host/servers.js';
import { CONFIGS, connected } from './host/sessions.js';

const ID = 'io.modelcontextprotocol/skills';
const MANIFEST = 'skill://pdf/SKILL.md';
const FORMS = 'skill://pdf/references/FORMS.md';
const PICTURE = 'skill://pdf/logo.png';
const MARKDOWN = '---\nname: pdf\ndescription: Fills forms.\n---\nRead the forms.\n';
const PNG = new Uint8Array([0, 255, 1, 254]);
const TEXTS: Record<string, string> = { [MANIFEST]: MARKDOWN, [FORMS]: 'Forms, é.\n' };

const entryOf = (uri: string, bytes: string | Uint8Array) => ({
    uri,
    digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`,
    size: Buffer.byteLength(bytes)
});

const SKILL = {
    uri: MANIFEST,
    frontmatter: { name: 'pdf', description: 'Fills forms.' },
    resources: [entryOf(MANIFEST, MARKDOWN), entryOf(FORMS, TEXTS[FORMS] ?? ''), entryOf(PICTURE, PNG)]
};

const ERAS = ['legacy', 'modern'] as const;
const CACHE = { ttlMs: 0, cacheScope: 'private' };

/** A server with the extension, in either era. */
function serving(
    era: 'legacy' | 'modern',
    handlers: Record<string, Handler> = {},
    extensions: object = { [ID]: {} }
): Peer {
    const capabilities = { resources: {}, extensions };
    return new Peer(era, {
        initialize: () => ({ protocolVersion: LEGACY, capabilities, serverInfo: { name: 'p', version: '1' } }),
        'server/discover': () => ({ supportedVersions: [MODERN], capabilities, ...CACHE }),
        'skills/list': () => ({ skills: [SKILL], ...CACHE }),
        'skills/get': () => ({ skill: SKILL, ...CACHE }),
        'resources/read': ({ params }) => {
            const uri = params?.['uri'] as string;
            const content =
                uri === PICTURE ? { uri, blob: Buffer.from(PNG).toString('base64') } : { uri, text: TEXTS[uri] };
            return { contents: [content], ...CACHE };
        },
        ...handlers
    });
}

/** A digest takes the engine a moment, which is no event of the host's. */
const settled = (host: FakeHost, call: number) => vi.waitFor(() => host.outcome(call));

async function read(peer: Peer, params: object): Promise<{ host: FakeHost; session: number; call: number }> {
    const { host, session } = await connected(onPipe(peer), era(peer));
    const call = host.call((client, call) => client.readSkill(call, session, JSON.stringify(params)));
    await settled(host, call);
    return { host, session, call };
}

function era(peer: Peer) {
    return { ...CONFIGS.stdio, protocolVersions: [peer.era === 'modern' ? MODERN : LEGACY] };
}

describe.each(ERAS)('skills in the %s era', kind => {
    test('are listed, page by page, as the server sent them', async () => {
        const peer = serving(kind, {
            'skills/list': ({ params }) =>
                params?.['cursor'] === 'b'
                    ? '{"resultType":"complete","skills":[],"ttlMs":0,"cacheScope":"private","new":1.0}'
                    : { skills: [SKILL], nextCursor: 'b', ...CACHE }
        });
        const { host, session } = await connected(onPipe(peer), era(peer));
        const first = host.call((client, call) => client.listSkills(call, session, '{"_meta":{"progressToken":7}}'));
        expect(host.ok(first)).toMatchObject({ skills: [SKILL], invalid: [], nextCursor: 'b' });
        const second = host.call((client, call) => client.listSkills(call, session, '{"cursor":"b"}'));
        expect(host.text(second)).toContain('"new":1.0');
        const sent = peer.requests('skills/list').map(({ params }) => params);
        expect(sent).toMatchObject([{ _meta: { progressToken: 7 } }, { cursor: 'b' }]);
        expect(sent[0]).not.toHaveProperty('cursor');
    });

    test('that are not valid are left out of a list, with the reason', async () => {
        const twice = { ...SKILL, uri: 'skill://twice/SKILL.md', resources: 'dynamic' };
        const named = { ...twice, frontmatter: { name: 'twice', description: 'd' } };
        const bad = { ...SKILL, resources: [{ uri: MANIFEST, digest: 'md5:1', size: 1 }] };
        const peer = serving(kind, {
            'skills/list': () => ({ skills: [bad, named, 5, named, { ...SKILL, uri: 'x' }], ...CACHE })
        });
        const { host, session } = await connected(onPipe(peer), era(peer));
        const call = host.call((client, call) => client.listSkills(call, session, '{}'));
        const { skills, invalid } = host.ok(call) as {
            skills: unknown[];
            invalid: { index: number; reason: string }[];
        };
        expect(skills).toEqual([]);
        expect(invalid.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4]);
        expect(invalid[0]?.reason).toContain('digest');
        expect(invalid[1]?.reason).toContain('more than once');
    });

    test('are had one by one', async () => {
        const { host, session } = await connected(onPipe(serving(kind)), era(serving(kind)));
        const call = host.call((client, call) => client.getSkill(call, session, JSON.stringify({ uri: MANIFEST })));
        expect(host.ok(call)).toMatchObject({ skill: SKILL });
        const other = host.call((client, call) => client.getSkill(call, session, '{"uri":"skill://other/SKILL.md"}'));
        expect(host.err(other).failure).toMatchObject({ tag: 'protocol' });
        const none = host.call((client, call) => client.getSkill(call, session, '{}'));
        expect(host.err(none).failure).toMatchObject({ tag: 'invalid-argument' });
    });

    test('have a SKILL.md that is read and verified', async () => {
        const { host, call } = await read(serving(kind), { skill: SKILL });
        expect(host.ok(call)).toEqual({
            uri: MANIFEST,
            text: MARKDOWN,
            verified: true,
            frontmatter: SKILL.frontmatter,
            body: 'Read the forms.\n'
        });
    });

    test.each([
        ['references/FORMS.md', { uri: FORMS, text: TEXTS[FORMS], verified: true }],
        [FORMS, { uri: FORMS, text: TEXTS[FORMS], verified: true }],
        ['logo.png', { uri: PICTURE, blob: 'AP8B/g==', verified: true }]
    ])('have files: %s', async (path, want) => {
        const { host, call } = await read(serving(kind), { skill: SKILL, path });
        expect(host.ok(call)).toEqual(want);
    });

    const served = (text: string) => ({ 'resources/read': () => ({ contents: [{ uri: MANIFEST, text }], ...CACHE }) });
    const evil = MARKDOWN.replace('Read', 'Burn');
    const renamed = MARKDOWN.replace('Fills', 'Steals');
    test.each([
        ['digest', SKILL, undefined, served(evil)],
        ['size', SKILL, undefined, served(`${MARKDOWN}more`)],
        ['unlisted', SKILL, 'other.md', {}],
        ['unlisted', SKILL, '../other/SKILL.md', {}],
        ['unlisted', SKILL, 'http://server.test/SKILL.md', {}],
        ['frontmatter', { ...SKILL, resources: [entryOf(MANIFEST, renamed)] }, undefined, served(renamed)],
        ['frontmatter', { ...SKILL, resources: 'dynamic' }, undefined, served(renamed)],
        ['frontmatter', { ...SKILL, resources: 'dynamic' }, undefined, served('no frontmatter')]
    ])('fail by their %s', async (reason, skill, path, handlers) => {
        const peer = serving(kind, handlers);
        const { host, call } = await read(peer, { skill, path });
        expect(host.err(call)).toMatchObject({ step: 'skills/read', failure: { tag: 'unverified', val: { reason } } });
        expect(peer.requests('resources/read').length).toBe(reason === 'unlisted' ? 0 : 1);
    });

    test('are not verified where the server says that they change', async () => {
        const { host, call } = await read(serving(kind), {
            skill: { ...SKILL, resources: 'dynamic' },
            path: 'references/FORMS.md'
        });
        expect(host.ok(call)).toMatchObject({ uri: FORMS, verified: false });
    });

    test.each([[{}], [{ skill: 5 }], [{ skill: { uri: MANIFEST } }], [{ skill: SKILL, path: 5 }]])(
        'are not read by what is no entry: %j',
        async params => {
            const peer = serving(kind);
            const { host, call } = await read(peer, params);
            expect(host.err(call).failure).toMatchObject({ tag: 'invalid-argument' });
            expect(peer.requests('resources/read')).toEqual([]);
        }
    );

    test('fail with what the server answers', async () => {
        const peer = serving(kind, { 'resources/read': () => new RpcError(-32002, 'gone', { uri: MANIFEST }) });
        const { host, call } = await read(peer, { skill: SKILL });
        expect(host.err(call).failure).toMatchObject({ tag: 'rpc', val: { code: -32002, message: 'gone' } });
    });

    test('have folders where the server says so', async () => {
        const resources = [{ uri: FORMS, name: 'FORMS.md' }];
        const handlers = { 'resources/directory/read': () => ({ resources, nextCursor: 'b', ...CACHE }) };
        for (const [directoryRead, tag] of [
            [true, 'ok'],
            [false, 'err']
        ] as const) {
            const peer = serving(kind, handlers, { [ID]: { directoryRead } });
            const { host, session } = await connected(onPipe(peer), era(peer));
            const params = JSON.stringify({ uri: 'skill://pdf/references', cursor: 'a' });
            const call = host.call((client, call) => client.readSkillDirectory(call, session, params));
            expect(host.outcome(call).tag).toBe(tag);
            if (directoryRead) expect(host.ok(call)).toMatchObject({ resources, nextCursor: 'b' });
            else expect(host.err(call).failure.tag).toBe('invalid-argument');
            expect(peer.requests('resources/directory/read').map(({ params }) => params?.['cursor'])).toEqual(
                directoryRead ? ['a'] : []
            );
        }
    });

    test('are none where the server does not declare the extension', async () => {
        const peer = serving(kind, {}, {});
        const { host, session } = await connected(onPipe(peer), era(peer));
        const list = host.call((client, call) => client.listSkills(call, session, '{}'));
        expect(host.ok(list)).toEqual({ skills: [], invalid: [] });
        const get = host.call((client, call) => client.getSkill(call, session, JSON.stringify({ uri: MANIFEST })));
        expect(host.err(get).failure.tag).toBe('invalid-argument');
        expect(peer.requests('skills/list')).toEqual([]);
        // Any request goes out by its name.
        const any = host.call((client, call) => client.request(call, session, 'skills/list', '{}'));
        expect(host.ok(any)).toMatchObject({ skills: [SKILL] });
    });
});

test('a file that is kept and is not as its entry says is read once more', async () => {
    const texts = [MARKDOWN.replace('Read', 'Burn'), MARKDOWN];
    const peer = serving('modern', {
        'resources/read': () => ({
            contents: [{ uri: MANIFEST, text: texts.shift() }],
            ttlMs: 60_000,
            cacheScope: 'private'
        })
    });
    const { host, session, call } = await read(peer, { skill: SKILL });
    expect(host.err(call).failure.tag).toBe('unverified');
    const again = host.call((client, call) => client.readSkill(call, session, JSON.stringify({ skill: SKILL })));
    await settled(host, again);
    expect(host.ok(again)).toMatchObject({ verified: true });
    const kept = host.call((client, call) => client.readSkill(call, session, JSON.stringify({ skill: SKILL })));
    await settled(host, kept);
    expect(host.ok(kept)).toMatchObject({ verified: true });
    expect(peer.requests('resources/read').length).toBe(2);
});
