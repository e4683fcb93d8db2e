import {
    AuthorizationServerMismatchError,
    auth,
    computeScopeUnion,
    extractWWWAuthenticateParams,
    isStrictScopeSuperset,
    validateAuthorizationResponseIssuer
} from '@modelcontextprotocol/client';
import type { Header, SessionId } from 'caisson:mcp/types@0.1.0';

import { AuthorizationFailure, failure, refusal, toFailure } from '../operations/errors.js';
import type { Attempt, Authorizer } from '../transport/authorizer.js';
import type { Observer } from '../transport/observer.js';
import { toHeaders } from '../transport/response.js';
import { AuthorizationFetch } from './fetch.js';
import { Provider } from './provider.js';
import { Turn } from './turn.js';

/** How often one request is answered by 401, and by a demand for more scopes, before that counts. */
const MOST_REFUSALS = 2;
const MOST_STEP_UPS = 2;

/** The failures that say that an authorization server cannot answer. */
const UNAVAILABLE: ReadonlySet<string> = new Set(['connect', 'transport']);

/** How long nothing is tried again after them for what no operation waits for. */
const QUIET_MS = 10_000;

/** What a server says of a request that it did not take for want of authorization. */
interface Challenge {
    readonly status: number;
    readonly scope?: string;
    readonly error?: string;
    readonly resourceMetadataUrl?: URL;
}

/** The authorization of one session: however many requests are refused at once, it happens once. */
export class SessionAuthorizer {
    /** Counts the tokens: a request that was refused with an older one goes out again with this one. */
    token = 0;
    #turn: Promise<void> | undefined;
    /** Whether an operation waits for the turn. */
    #awaited = false;
    /** Why an authorization server could not answer in the last turn, and when. */
    #failed: { failed: AuthorizationFailure; at: number } | undefined;
    /** Nothing is begun any more. */
    #closed = false;
    /** Called when it begins, and when it ends: a person may take their time. */
    onbusy: (busy: boolean) => void = () => {};

    constructor(
        private readonly session: SessionId,
        private readonly url: string
    ) {}

    /** The session ends: a request that takes leave of the server is worth no token. */
    close(): void {
        this.#closed = true;
    }

    /** Until it is not at work any more. Never fails. */
    async idle(): Promise<void> {
        await this.#turn?.catch(() => {});
    }

    get busy(): boolean {
        return this.#turn !== undefined;
    }

    /** For the exchanges of one connection. */
    of(observer: Observer): Authorizer {
        return new ConnectionAuthorizer(this, observer);
    }

    challenged(observer: Observer, status: number, headers: Header[], attempt: Attempt): Promise<void> | undefined {
        if (this.#closed) return undefined;
        const challenge = { status, ...extractWWWAuthenticateParams({ headers: toHeaders(headers) } as Response) };
        if (status === 403 && challenge.error !== 'insufficient_scope') return undefined;
        if (status === 401 ? ++attempt.refusals > MOST_REFUSALS : ++attempt.stepUps > MOST_STEP_UPS) return undefined;
        if (attempt.token !== this.token) return Promise.resolve();
        // What goes on by itself, such as a stream, does not ask an authorization server again and again.
        const { failed, at } = this.#failed ?? { at: 0 };
        if (failed && !this.#turn && !attempt.awaited && Date.now() - at < QUIET_MS) return Promise.reject(failed);
        this.#awaited ||= attempt.awaited;
        this.#turn ??= this.#authorize(observer, challenge, attempt.refusals > 1).finally(() => {
            this.#turn = undefined;
            this.#awaited = false;
            this.onbusy(false);
        });
        return this.#turn;
    }

    async #authorize(observer: Observer, challenge: Challenge, anew: boolean): Promise<void> {
        this.onbusy(true);
        const { status, scope, error } = challenge;
        const turn = await Turn.begin(this.session, {
            status,
            ...(scope !== undefined && { scope }),
            ...(error !== undefined && { error })
        });
        try {
            if (!turn.knowledge.granted) await this.#take(turn, observer, challenge, anew);
            this.token++;
            this.#failed = undefined;
        } catch (error) {
            // What the SDK finds wrong with a server it often says in words alone.
            const cause = toFailure(error);
            const inWords = cause.failure.tag === 'internal' && error instanceof Error;
            const failed = new AuthorizationFailure(inWords ? failure('unauthorized', error.message) : cause);
            if (UNAVAILABLE.has(failed.failure.tag)) this.#failed = { failed, at: Date.now() };
            throw failed;
        } finally {
            turn.end();
        }
    }

    async #take(turn: Turn, observer: Observer, challenge: Challenge, anew: boolean): Promise<void> {
        const { knowledge } = turn;
        const fetch = new AuthorizationFetch(observer);
        const stepsUp = challenge.status === 403;
        const demanded = stepsUp ? computeScopeUnion(knowledge.tokens?.scope, challenge.scope) : challenge.scope;
        const scope = knowledge.scope ?? demanded;
        const forceReauthorization = anew || (stepsUp && isStrictScopeSuperset(scope, knowledge.tokens?.scope));
        const provider = new Provider(turn, fetch, () => this.#awaited && !this.#closed, forceReauthorization);
        const options = {
            serverUrl: this.url,
            fetchFn: fetch.fetch,
            ...(challenge.resourceMetadataUrl && { resourceMetadataUrl: challenge.resourceMetadataUrl }),
            ...(scope !== undefined && { scope }),
            forceReauthorization
        };
        if ((await auth(provider, options)) === 'AUTHORIZED') return;
        const { callback, discovery } = provider;
        const metadata = discovery?.authorizationServerMetadata;
        if (callback?.code === undefined) {
            // Who speaks for another issuer is not quoted.
            validateAuthorizationResponseIssuer({
                iss: callback?.iss,
                expectedIssuer: metadata?.issuer,
                issParameterSupported: metadata?.['authorization_response_iss_parameter_supported'] === true
            });
            throw failure('unauthorized', refusal(callback?.error, callback?.error_description));
        }
        const { code, iss } = callback;
        const done = { ...options, authorizationCode: code, ...(iss !== undefined && { iss }) };
        if ((await auth(provider, done)) !== 'AUTHORIZED') throw new AuthorizationServerMismatchError('', '');
    }
}

/** A session's authorization, for one connection. Each request asks it for the token, so it is plain. */
class ConnectionAuthorizer implements Authorizer {
    constructor(
        private readonly session: SessionAuthorizer,
        private readonly observer: Observer
    ) {}

    get token(): number {
        return this.session.token;
    }

    challenged(status: number, headers: Header[], attempt: Attempt): Promise<void> | undefined {
        return this.session.challenged(this.observer, status, headers, attempt);
    }
}
