import type { Header } from 'caisson:mcp/types@0.1.0';

/** How a request has fared with the server's authorization. */
export interface Attempt {
    /** Whether an operation waits for it. Otherwise no person is asked to log in for it. */
    awaited: boolean;
    /** Which token it went out with. */
    token: number;
    /** How often it was refused, and how often for want of scopes. */
    refusals: number;
    stepUps: number;
}

/** What authorizes requests, as exchanges see it. */
export interface Authorizer {
    /** Which token requests go out with now. */
    readonly token: number;
    /**
     * The server answered a request with 401 or 403. Undefined when that has nothing to do with authorization, or when
     * the request was refused too often; otherwise what to wait for before the request goes out again.
     */
    challenged(status: number, headers: Header[], attempt: Attempt): Promise<void> | undefined;
}
