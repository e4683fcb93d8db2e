import type { SessionConfig } from 'caisson:mcp/client@0.1.0';
import type { CallId, Json, SessionId } from 'caisson:mcp/types@0.1.0';

import type { Call } from '../operations/calls.js';
import { begin, open } from '../operations/calls.js';
import { failure } from '../operations/errors.js';
import type { Params } from '../protocol/requests.js';
import { parse } from '../protocol/requests.js';
import type { Skills } from '../skills/skills.js';
import { Session } from './session.js';

const sessions = new Map<SessionId, Session>();

function find(id: SessionId): Session {
    const session = sessions.get(id);
    if (!session) throw failure('invalid-argument', `there is no session ${id}`);
    return session;
}

/** Opens a session. */
export function connect(call: CallId, id: SessionId, config: SessionConfig): void {
    begin(call, id, 'connect', async call => {
        if (sessions.has(id)) throw failure('invalid-argument', `session ${id} exists already`);
        const session = new Session(id, config);
        sessions.set(id, session);
        try {
            return await session.connect(call);
        } catch (error) {
            sessions.delete(id);
            throw error;
        }
    });
}

/** Sends any request. Its result is the server's own, even when it is invalid. */
export function request(call: CallId, session: SessionId, method: string, params: Json): void {
    start(call, session, method, params, true);
}

function start(call: CallId, session: SessionId, method: string, params: Json, raw: boolean): void {
    const operation = open(call, session, method);
    if (!operation) return;
    operation.raw = raw;
    try {
        const outcome = find(session).request(operation, method, params);
        if (outcome) operation.follow(outcome);
    } catch (thrown) {
        operation.reject(thrown);
    }
}

/** The export for one method. */
const requestOf = (method: string) => (call: CallId, session: SessionId, params: Json) =>
    start(call, session, method, params, false);

export const listTools = requestOf('tools/list');
export const callTool = requestOf('tools/call');
export const listResources = requestOf('resources/list');
export const listResourceTemplates = requestOf('resources/templates/list');
export const readResource = requestOf('resources/read');
export const subscribe = requestOf('resources/subscribe');
export const unsubscribe = requestOf('resources/unsubscribe');
export const listPrompts = requestOf('prompts/list');
export const getPrompt = requestOf('prompts/get');
export const complete = requestOf('completion/complete');
export const setLoggingLevel = requestOf('logging/setLevel');
export const listen = requestOf('subscriptions/listen');
export const getTask = requestOf('tasks/get');
export const updateTask = requestOf('tasks/update');
export const cancelTask = requestOf('tasks/cancel');
export const listTasks = requestOf('tasks/list');

/** `tools/call`, without waiting for the task that it becomes. */
export function startTask(call: CallId, session: SessionId, params: Json): void {
    begin(call, session, 'tools/call', async call => find(session).startTask(call, params));
}

/** Waits for the end of a task. */
export function waitTask(call: CallId, session: SessionId, params: Json): void {
    begin(call, session, 'tasks/get', async call => find(session).waitTask(call, params));
}

/** The export for one operation on skills. Its params are Caisson's own, and not the protocol's. */
const skillsOf =
    (step: string, act: (skills: Skills, call: Call, params: Params) => Promise<Json>) =>
    (call: CallId, session: SessionId, params: Json) =>
        begin(call, session, step, async call => act(find(session).skills, call, parse(params)));

export const listSkills = skillsOf('skills/list', (skills, call, params) => skills.list(call, params));
export const getSkill = skillsOf('skills/get', (skills, call, params) => skills.get(call, params));
export const readSkill = skillsOf('skills/read', (skills, call, params) => skills.read(call, params));
export const readSkillDirectory = skillsOf('resources/directory/read', (skills, call, params) =>
    skills.readDirectory(call, params)
);

/** `ping`. */
export function ping(call: CallId, session: SessionId): void {
    request(call, session, 'ping', '{}');
}

/** A notification to the server. */
export function notify(call: CallId, session: SessionId, method: string, params: Json): void {
    begin(call, session, method, async () => find(session).notify(method, params));
}

/** Ends a session. */
export function close(call: CallId, id: SessionId): void {
    begin(call, id, 'close', async call => {
        await sessions.get(id)?.close(call);
        sessions.delete(id);
        return '{}';
    });
}
