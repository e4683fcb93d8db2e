// A server on @modelcontextprotocol/sdk behind the SDK's own authorization router. The SDK's demo provider
// gives no refresh tokens and revokes nothing: both are added here.
//
//   node test/servers/auth-v1.mjs
import { randomUUID } from 'node:crypto';

import express from 'express';
import { DemoInMemoryAuthProvider } from '@modelcontextprotocol/sdk/examples/server/demoInMemoryOAuthProvider.js';
import { InvalidGrantError, InvalidTokenError } from '@modelcontextprotocol/sdk/server/auth/errors.js';
import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js';
import { getOAuthProtectedResourceMetadataUrl, mcpAuthRouter } from '@modelcontextprotocol/sdk/server/auth/router.js';

import { advance, echo, free } from './auth.mjs';

/** The demo provider, with refresh tokens that are good once: the second use of one ends its grant. */
class Provider extends DemoInMemoryAuthProvider {
    /** What a person has granted, by each refresh token that there ever was for it. */
    grants = new Map();

    async exchangeAuthorizationCode(client, code, verifier) {
        const given = await super.exchangeAuthorizationCode(client, code, verifier);
        return this.#rotate({ client: client.client_id, access: given.access_token }, given);
    }

    async exchangeRefreshToken(client, refresh) {
        const grant = this.grants.get(refresh);
        if (!grant || grant.client !== client.client_id) throw new InvalidGrantError('no such refresh token');
        const last = this.tokens.get(grant.access);
        this.tokens.delete(grant.access);
        if (grant.refresh !== refresh || !last) {
            this.#end(grant);
            throw new InvalidGrantError('the refresh token was used before');
        }
        const token = randomUUID();
        this.tokens.set(token, { ...last, token, expiresAt: Date.now() + 3600_000 });
        grant.access = token;
        return this.#rotate(grant, {
            access_token: token,
            token_type: 'bearer',
            expires_in: 3600,
            scope: last.scopes.join(' ')
        });
    }

    async revokeToken(_client, { token }) {
        const grant = this.grants.get(token) ?? [...this.grants.values()].find(({ access }) => access === token);
        if (grant) this.#end(grant);
    }

    async verifyAccessToken(token) {
        return super.verifyAccessToken(token).catch(error => {
            throw new InvalidTokenError(error.message);
        });
    }

    #end(grant) {
        this.tokens.delete(grant.access);
        for (const [refresh, of] of this.grants) if (of === grant) this.grants.delete(refresh);
    }

    #rotate(grant, given) {
        grant.refresh = randomUUID();
        this.grants.set(grant.refresh, grant);
        return { ...given, refresh_token: grant.refresh };
    }
}

const [listener, origin] = await free();
const resource = new URL('/mcp', origin);
const provider = new Provider();
const app = express();
app.post('/test/advance', advance);
app.use(
    mcpAuthRouter({
        provider,
        issuerUrl: new URL(origin),
        baseUrl: new URL(origin),
        scopesSupported: ['mcp'],
        resourceServerUrl: resource
    })
);
const resourceMetadataUrl = getOAuthProtectedResourceMetadataUrl(resource);
app.all('/mcp', requireBearerAuth({ verifier: provider, requiredScopes: ['mcp'], resourceMetadataUrl }), echo);
listener.on('request', app);
console.log(resource.href);
