import type {
    OAuthClientMetadata,
    OAuthDiscoveryState,
    StoredOAuthClientInformation,
    StoredOAuthTokens
} from '@modelcontextprotocol/client';

/** How a token is asked for. */
export type Grant = 'authorization_code' | 'client_credentials' | 'assertion' | 'enterprise';

/** What the host tells of a session's authorization at the beginning of a turn. A secret is its name. */
export interface Knowledge {
    /** There is a token now that the server has not refused. Nothing else is told then. */
    readonly granted?: boolean;
    readonly grant: Grant;
    /** Where a person's browser comes back to; absent where no person is asked. */
    readonly redirectUrl?: string;
    /** A person may enter a code on another device, where the authorization server has that (RFC 8628). */
    readonly device?: boolean;
    readonly clientMetadata: OAuthClientMetadata;
    readonly clientMetadataUrl?: string;
    readonly client?: StoredOAuthClientInformation;
    /** The client was registered for another redirect: it refreshes, and who asks a person registers anew. */
    readonly clientRefreshes?: boolean;
    readonly tokens?: StoredOAuthTokens;
    /** What was found out before, or is configured: nothing is asked for then. */
    readonly discovery?: OAuthDiscoveryState;
    /** How the client proves who it is, where that does not follow from the client and the metadata. */
    readonly authentication?: 'private-key-jwt';
    /** The scopes to ask for, and the most that is ever asked for. */
    readonly scope?: string;
    /** The parameter `resource`, in place of the server's own word; '' for none. */
    readonly resource?: string;
    /** The scopes are repeated when a token is refreshed. */
    readonly scopeOnRefresh?: boolean;
    /** The identity provider that vouches for the user, for `enterprise`. */
    readonly identityProvider?: {
        readonly issuer?: string;
        readonly tokenEndpoint?: string;
        readonly clientId: string;
    };
}
