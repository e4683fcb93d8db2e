// A server on @modelcontextprotocol/sdk, and oidc-provider, a whole OpenID provider, as its authorization
// server: at another origin, with metadata of OpenID's form alone, and with its own pages to log in at.
//
//   node test/servers/auth-oidc.mjs
import express from 'express';
import { InvalidTokenError } from '@modelcontextprotocol/sdk/server/auth/errors.js';
import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js';
import {
    getOAuthProtectedResourceMetadataUrl,
    mcpAuthMetadataRouter
} from '@modelcontextprotocol/sdk/server/auth/router.js';
import Provider from 'oidc-provider';

import { advance, echo, free } from './auth.mjs';

const [authorizes, issuer] = await free();
const [serves, origin] = await free();
const resource = new URL('/mcp', origin);

const provider = new Provider(issuer, {
    cookies: { keys: ['of a test'] },
    scopes: ['openid', 'offline_access', 'mcp'],
    features: {
        registration: { enabled: true },
        revocation: { enabled: true },
        deviceFlow: { enabled: true },
        resourceIndicators: {
            enabled: true,
            getResourceServerInfo: () => ({ scope: 'mcp', audience: resource.href, accessTokenTTL: 3600 })
        }
    },
    findAccount: (_, accountId) => ({ accountId, claims: () => ({ sub: accountId }) })
});
authorizes.on('request', provider.callback());

const verifier = {
    async verifyAccessToken(text) {
        const token = await provider.AccessToken.find(text);
        if (!token?.isValid || token.aud !== resource.href)
            throw new InvalidTokenError('it is none, or not for this server');
        return { token: text, clientId: token.clientId, scopes: [...token.scopes], expiresAt: token.exp };
    }
};
const app = express();
app.post('/test/advance', advance);
app.use(
    mcpAuthMetadataRouter({
        oauthMetadata: {
            issuer,
            authorization_endpoint: `${issuer}/auth`,
            token_endpoint: `${issuer}/token`,
            response_types_supported: ['code']
        },
        resourceServerUrl: resource,
        scopesSupported: ['mcp']
    })
);
const resourceMetadataUrl = getOAuthProtectedResourceMetadataUrl(resource);
app.all('/mcp', requireBearerAuth({ verifier, requiredScopes: ['mcp'], resourceMetadataUrl }), echo);
serves.on('request', app);
console.log(resource.href);
