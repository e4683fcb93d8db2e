import type { SessionConfig } from 'caisson:mcp/client@0.1.0';
import type { CallId, Json, SessionId } from 'caisson:mcp/types@0.1.0';

import { begin } from './calls.js';
import { failure } from './errors.js';
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
        const session = new Session(id);
        sessions.set(id, session);
        try {
            return await session.connect(call, config);
        } catch (error) {
            sessions.delete(id);
            throw error;
        }
    });
}

/** `tools/list`. */
export function listTools(call: CallId, session: SessionId, params: Json): void {
    begin(call, session, 'tools/list', async call => find(session).listTools(call, params));
}

/** `tools/call`. */
export function callTool(call: CallId, session: SessionId, params: Json): void {
    begin(call, session, 'tools/call', async call => find(session).callTool(call, params));
}

/** `ping`. */
export function ping(call: CallId, session: SessionId): void {
    begin(call, session, 'ping', async call => find(session).ping(call));
}

/** Any request. */
export function request(call: CallId, session: SessionId, method: string, params: Json): void {
    begin(call, session, method, async call => find(session).request(call, method, params));
}

/** Ends a session. */
export function close(call: CallId, id: SessionId): void {
    begin(call, id, 'close', async call => {
        await sessions.get(id)?.close(call);
        sessions.delete(id);
        return '{}';
    });
}
