import type { StandardSchemaV1 } from '@modelcontextprotocol/client';
import type { Skill } from '@modelcontextprotocol/client/ext/skills';
import { SkillsClient } from '@modelcontextprotocol/client/ext/skills';
import type { Json, SessionId } from 'caisson:mcp/types@0.1.0';
import { log } from 'caisson:mcp/host@0.1.0';

import type { Connection } from '../connection/connection.js';
import type { Call } from '../operations/calls.js';
import { IoFailure, failure } from '../operations/errors.js';
import { exact, isObject, parseObject } from '../protocol/json.js';
import type { Answer, Params } from '../protocol/requests.js';
import { clientForSkills } from '../sdk/internals.js';

/** The parts of a session that its skills use. */
export interface SkillsSession {
    /** The current connection. */
    current(): Promise<Connection>;
    /** Sends a request of an operation, and again when that is necessary and does no harm. */
    send(call: Call, method: string, params: Params, schema: StandardSchemaV1): Promise<Answer>;
    /** Reads a resource; a `fresh` one is not taken from the cache. */
    read(call: Call, params: Params, fresh: boolean): Promise<{ result: unknown; cached: boolean }>;
}

/** The longest reason why an entry is refused, in characters. */
const LONGEST_REASON = 1000;

/** How many bytes become text at once: the engine allows no more arguments. */
const SLICE = 0x2000;

/**
 * The skills of one server (SEP-2640). The SDK's own client of skills checks every entry and every file.
 * This class makes it read one page at a time, over the session.
 */
export class Skills {
    constructor(
        private readonly id: SessionId,
        private readonly session: SkillsSession
    ) {}

    /** A page of the skills: the valid entries as the server sent them, and why the others are refused. */
    async list(call: Call, given: Params): Promise<Json> {
        const { client, answer } = await this.#client(call, given);
        if (!client.supported) return JSON.stringify({ skills: [], invalid: [] });
        const { invalid } = await client.list();
        const text = answer().result;
        const page = exact(parseObject(text), text);
        const refused = new Set(invalid.map(({ index }) => index));
        const skills = (page['skills'] as unknown[]).filter((_, index) => !refused.has(index));
        if (refused.size > 0)
            log(this.id, 'warn', `skills/list: ${refused.size} entries are left out: they are not valid`);
        return JSON.stringify({
            ...page,
            skills,
            invalid: invalid.map(entry => ({ ...entry, reason: entry.reason.slice(0, LONGEST_REASON) }))
        });
    }

    /** The entry of one skill. */
    async get(call: Call, given: Params): Promise<Json> {
        const { client, answer } = await this.#client(call, given);
        await client.get(text(given, 'uri'));
        return answer().result;
    }

    /** One file of a skill, verified against the skill's entry. */
    async read(call: Call, given: Params): Promise<Json> {
        const { skill, path } = given;
        if (!isObject(skill)) throw failure('invalid-argument', 'params have no skill');
        if (path !== undefined && typeof path !== 'string') throw failure('invalid-argument', 'the path is no text');
        const { client } = await this.#client(call, given);
        try {
            const { bytes, ...file } = await client.read(skill as unknown as Skill, path);
            return JSON.stringify(file.text === undefined ? { ...file, blob: base64(bytes) } : file);
        } catch (error) {
            // The SDK refuses the entry that the caller gave. Nothing was sent.
            const refused = error instanceof TypeError && !(error instanceof IoFailure);
            throw refused ? failure('invalid-argument', error.message.slice(0, LONGEST_REASON)) : error;
        }
    }

    /** A page of the files and folders directly in a folder of a skill. */
    async readDirectory(call: Call, given: Params): Promise<Json> {
        const { client, answer } = await this.#client(call, given);
        await client.readDirectory(text(given, 'uri'));
        return answer().result;
    }

    /** The SDK's client for one operation, and the server's answer to its last request. */
    async #client(call: Call, given: Params): Promise<{ client: SkillsClient; answer: () => Answer }> {
        const { client } = await this.session.current();
        const { _meta, cursor } = given;
        if (cursor !== undefined && typeof cursor !== 'string')
            throw failure('invalid-argument', 'the cursor is no text');
        const withMeta = (params: Params) => (_meta === undefined ? params : { ...params, _meta });
        let answered: Answer | undefined;
        const peer = clientForSkills({
            client,
            cursor,
            request: async (method, params, schema) => {
                answered = await this.session.send(call, method, withMeta(params), schema);
                return answered.value;
            },
            read: (params, fresh) => this.session.read(call, withMeta(params), fresh)
        });
        return {
            client: new SkillsClient(peer, { skipInvalid: true }),
            answer: () => {
                if (!answered) throw failure('internal', 'the answer was not observed');
                return answered;
            }
        };
    }
}

function text(given: Params, name: string): string {
    const value = given[name];
    if (typeof value !== 'string') throw failure('invalid-argument', `params have no ${name}`);
    return value;
}

function base64(bytes: Uint8Array): string {
    let binary = '';
    for (let at = 0; at < bytes.length; at += SLICE) binary += String.fromCharCode(...bytes.subarray(at, at + SLICE));
    return btoa(binary);
}
