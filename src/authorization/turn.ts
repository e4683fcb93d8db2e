import type { Challenge, Credential } from 'caisson:mcp/authorization@0.1.0';
import {
    ask as askHost,
    begin as beginHost,
    end as endHost,
    forget as forgetHost
} from 'caisson:mcp/authorization@0.1.0';
import type { Authorized } from 'caisson:mcp/ingress@0.1.0';
import type { SessionId } from 'caisson:mcp/types@0.1.0';

import { ioFailure } from '../operations/errors.js';
import { parseObject } from '../protocol/json.js';
import type { Knowledge } from './knowledge.js';

/** What the person's browser came back with (RFC 6749, section 4.1.2; RFC 9207). */
export interface Callback {
    /** The name of the authorization code. */
    readonly code?: string;
    readonly iss?: string;
    readonly error?: string;
    readonly error_description?: string;
}

/** The turns that wait for the host, by their sessions: each waits for one thing at a time. */
const waiting = new Map<SessionId, PromiseWithResolvers<unknown>>();

/** A session's turn to authorize. No other session has it for the same server meanwhile, in no process. */
export class Turn {
    private constructor(
        private readonly session: SessionId,
        /** What the host knows. */
        readonly knowledge: Knowledge
    ) {}

    /** Waits for the turn. */
    static async begin(session: SessionId, challenge: Challenge): Promise<Turn> {
        const knowledge = await answer(session, () => beginHost(session, challenge));
        return new Turn(session, knowledge as Knowledge);
    }

    /** Has a person log in. */
    async ask(url: URL): Promise<Callback> {
        return (await answer(this.session, () => askHost(this.session, url.href))) as Callback;
    }

    forget(credential: Credential): void {
        forgetHost(this.session, credential);
    }

    end(): void {
        endHost(this.session);
    }
}

function answer(session: SessionId, ask: () => void): Promise<unknown> {
    const answered = Promise.withResolvers<unknown>();
    waiting.set(session, answered);
    ask();
    return answered.promise;
}

/** The host has answered. */
export function onAuthorized({ session, outcome }: Authorized): void {
    const answered = waiting.get(session);
    waiting.delete(session);
    if (outcome.tag === 'ok') answered?.resolve(parseObject(outcome.val));
    else answered?.reject(ioFailure(outcome.val));
}
