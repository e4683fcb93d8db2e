import type {
    OAuthClientMetadata,
    OAuthClientProvider,
    OAuthDiscoveryState,
    StoredOAuthClientInformation,
    StoredOAuthTokens
} from '@modelcontextprotocol/client';
import {
    discoverAndRequestJwtAuthGrant,
    requestJwtAuthorizationGrant,
    selectClientAuthMethod
} from '@modelcontextprotocol/client';

import { failure } from '../operations/errors.js';
import type { AuthorizationFetch } from './fetch.js';
import { CLIENT_AUTHENTICATION } from './fetch.js';
import type { Knowledge } from './knowledge.js';
import type { Callback, Turn } from './turn.js';

const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code';
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

/** How the host proves who the client is, by the SDK's word for it. */
const METHODS = { client_secret_basic: 'basic', client_secret_post: 'post', none: 'none' } as const;

/** What the SDK asks about a client, and tells it, in one turn. The host keeps all that outlives the turn. */
export class Provider implements OAuthClientProvider {
    /** What the person came back with, once one was asked. */
    callback: Callback | undefined;
    /** What was found out in this turn. */
    discovery: OAuthDiscoveryState | undefined;
    readonly clientMetadataUrl?: string;
    #client: StoredOAuthClientInformation | undefined;
    #tokens: StoredOAuthTokens | undefined;
    /** The name of the code that a person enters on another device. */
    #device: string | undefined;
    #verifier = '';
    #issuer = '';
    #resource: string | undefined;
    /** Only where the user has another word for the resource than the server: the SDK checks the server's. */
    readonly validateResourceURL?: () => Promise<URL | undefined>;
    readonly #knowledge: Knowledge;

    constructor(
        private readonly turn: Turn,
        private readonly fetch: AuthorizationFetch,
        /** Whether an operation waits for it. */
        private readonly awaited: () => boolean,
        /** A person is asked, and nothing is refreshed. */
        asks: boolean
    ) {
        const { knowledge } = turn;
        this.#knowledge = knowledge;
        if (!asks || !knowledge.clientRefreshes) this.#client = knowledge.client;
        this.#tokens = knowledge.tokens;
        this.discovery = knowledge.discovery;
        if (knowledge.clientMetadataUrl !== undefined) this.clientMetadataUrl = knowledge.clientMetadataUrl;
        const { resource } = knowledge;
        // The SDK sends a text as it is, and would write a URL anew.
        if (resource !== undefined)
            this.validateResourceURL = async () => (resource === '' ? undefined : (resource as unknown as URL));
    }

    get redirectUrl(): string | undefined {
        return this.#knowledge.redirectUrl;
    }

    get clientMetadata(): OAuthClientMetadata {
        return this.#knowledge.clientMetadata;
    }

    clientInformation(at?: { issuer: string }): StoredOAuthClientInformation | undefined {
        if (this.callback && !this.#client)
            throw failure(
                'unauthorized',
                'the authorization server does not take the client that a person has logged in with: check its identifier and its secret, or log in again'
            );
        const known = this.#client && (at === undefined || (this.#client.issuer ?? at.issuer) === at.issuer);
        // The SDK would register a client, which is of no use before a person has logged in.
        if (!known) this.#checkAwaited();
        return this.#client;
    }

    saveClientInformation(client: StoredOAuthClientInformation): void {
        this.#client = client;
    }

    tokens(): StoredOAuthTokens | undefined {
        return this.#tokens;
    }

    saveTokens(tokens: StoredOAuthTokens): void {
        this.#tokens = tokens;
    }

    discoveryState(): OAuthDiscoveryState | undefined {
        return this.discovery;
    }

    saveDiscoveryState(state: OAuthDiscoveryState): void {
        this.discovery = state;
    }

    saveAuthorizationServerUrl(issuer: string): void {
        this.#issuer = issuer;
    }

    saveResourceUrl(resource: string): void {
        this.#resource = resource;
    }

    saveCodeVerifier(verifier: string): void {
        this.#verifier = verifier;
    }

    codeVerifier(): string {
        return this.#verifier;
    }

    invalidateCredentials(scope: 'all' | 'client' | 'tokens' | 'verifier' | 'discovery'): void {
        if (scope === 'all' || scope === 'client') {
            this.#client = undefined;
            this.turn.forget('client');
        }
        if (scope === 'all' || scope === 'client' || scope === 'tokens') {
            this.#tokens = undefined;
            if (this.#knowledge.clientRefreshes && this.#client === this.#knowledge.client) this.#client = undefined;
            this.turn.forget('tokens');
        }
    }

    scopeForRefresh(tokens: StoredOAuthTokens): string | undefined {
        return this.#knowledge.scopeOnRefresh ? tokens.scope : undefined;
    }

    async redirectToAuthorization(url: URL): Promise<void> {
        // The SDK goes on to ask a person when a token could not be refreshed, whatever the reason was.
        this.fetch.check();
        this.#checkAwaited();
        if (this.#knowledge.device && (await this.#enterElsewhere(url))) return;
        this.callback = await this.turn.ask(url);
    }

    /** What goes on by itself, such as a stream or the end of a session, is worth no login. */
    #checkAwaited(): void {
        if (this.#knowledge.grant === 'authorization_code' && !this.awaited())
            throw failure('unauthorized', 'a person would have to log in, and nothing waits for it');
    }

    addClientAuthentication = (
        ...[headers, , , metadata]: Parameters<NonNullable<OAuthClientProvider['addClientAuthentication']>>
    ): void => {
        const client = this.#client;
        const method = client && selectClientAuthMethod(client, metadata?.token_endpoint_auth_methods_supported ?? []);
        const by = this.#knowledge.authentication ?? METHODS[method ?? 'none'];
        headers.set(CLIENT_AUTHENTICATION, by);
    };

    async prepareTokenRequest(scope?: string): Promise<URLSearchParams | undefined> {
        const params = await this.#grant(scope);
        if (params && scope) params.set('scope', scope);
        return params;
    }

    async #grant(scope: string | undefined): Promise<URLSearchParams | undefined> {
        if (this.#device) return new URLSearchParams({ grant_type: DEVICE_CODE, device_code: this.#device });
        switch (this.#knowledge.grant) {
            case 'authorization_code':
                return undefined;
            case 'client_credentials':
                return new URLSearchParams({ grant_type: 'client_credentials' });
            case 'assertion':
                return new URLSearchParams({ grant_type: JWT_BEARER, assertion: 'secret:assertion' });
            case 'enterprise':
                return new URLSearchParams({ grant_type: JWT_BEARER, assertion: await this.#vouchedFor(scope) });
        }
    }

    /** Has a person enter a code on another device. False where the authorization server does not have that. */
    async #enterElsewhere(url: URL): Promise<boolean> {
        const metadata = this.discovery?.authorizationServerMetadata;
        const endpoint = (metadata as { device_authorization_endpoint?: unknown } | undefined)
            ?.device_authorization_endpoint;
        if (typeof endpoint !== 'string') return false;
        const body = new URLSearchParams();
        for (const name of ['scope', 'resource'])
            if (url.searchParams.has(name)) body.set(name, url.searchParams.get(name) ?? '');
        const headers = new Headers({ 'content-type': 'application/x-www-form-urlencoded' });
        this.addClientAuthentication(headers, body, endpoint, metadata);
        const response = await this.fetch.fetch(endpoint, { method: 'POST', headers, body });
        const answer = (await response.json()) as {
            device_code?: string;
            interval?: number;
            expires_in?: number;
            error?: string;
        };
        if (answer.device_code === undefined)
            throw failure(
                'unauthorized',
                `the authorization server gives no code to enter: ${answer.error ?? 'no reason'}`
            );
        this.#device = answer.device_code;
        this.fetch.poll(answer.interval, answer.expires_in);
        // There is no redirect, and so no answer of another server's that could be taken for it.
        this.callback = { code: answer.device_code, ...(metadata && { iss: metadata.issuer }) };
        return true;
    }

    /** The name of the assertion that the identity provider gives for the user. */
    async #vouchedFor(scope: string | undefined): Promise<string> {
        const { identityProvider } = this.#knowledge;
        if (!identityProvider) throw failure('internal', 'there is no identity provider');
        if (this.#resource === undefined)
            throw failure('unauthorized', 'the server has no protected resource metadata, which this flow needs');
        const { issuer, tokenEndpoint, clientId } = identityProvider;
        const options = {
            audience: this.#issuer,
            resource: this.#resource,
            idToken: 'secret:subject_token',
            clientId,
            fetchFn: this.fetch.fetch,
            ...(scope !== undefined && { scope })
        };
        const { jwtAuthGrant } =
            tokenEndpoint === undefined
                ? await discoverAndRequestJwtAuthGrant({ ...options, idpUrl: issuer ?? '' })
                : await requestJwtAuthorizationGrant({ ...options, tokenEndpoint });
        return jwtAuthGrant;
    }
}
