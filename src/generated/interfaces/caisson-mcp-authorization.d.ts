/// <reference path="./caisson-mcp-egress.d.ts" />
/// <reference path="./caisson-mcp-types.d.ts" />
declare module 'caisson:mcp/authorization@0.1.0' {
  /**
   * Asks for the session's turn to authorize: no other session has it for the same server meanwhile, in
   * no process. One `authorized` event: `granted` in it says that there is a token now, so that the
   * request goes out again; otherwise everything is there that the core has to know. A second turn before
   * the first has ended is a broken contract, and traps. The host ends a turn that takes too long, and says so to what is asked for
   * after that.
   */
  export function begin(session: SessionId, challenge: Challenge): void;
  /**
   * Ends the turn. Without one it is ignored.
   */
  export function end(session: SessionId): void;
  /**
   * Begins an exchange of the turn, with the events of `egress.http-start`. The host knows from what it
   * has read itself which URLs there are: the metadata of the server and of its authorization servers, and
   * the endpoints in it. What else the core asks for is refused, and so is everything without a turn. An
   * answer that has secrets in it comes as JSON, with names in their place. The host describes the client in
   * a registration: only `scope` is the core's. It sends a POST again where that does no harm; an endpoint
   * that cannot answer (429, or 500 and above) is an `io-error` in the end, and no answer.
   */
  export function request(exchange: ExchangeId, session: SessionId, request: HttpRequest, client: ClientAuthentication): void;
  /**
   * Has a person log in at this URL. One `authorized` event: `code` is the authorization code's name,
   * and `iss` the issuer in the answer, where there was one (RFC 9207); or `error`, `error_description`.
   */
  export function ask(session: SessionId, url: string): void;
  /**
   * Forgets what an authorization server does not know any more.
   */
  export function forget(session: SessionId, credential: Credential): void;
  export type Json = import('caisson:mcp/types@0.1.0').Json;
  export type ExchangeId = import('caisson:mcp/types@0.1.0').ExchangeId;
  export type SessionId = import('caisson:mcp/types@0.1.0').SessionId;
  export type HttpRequest = import('caisson:mcp/egress@0.1.0').HttpRequest;
  /**
   * How the client proves to a token endpoint who it is (RFC 6749, section 2.3; RFC 7523). The host does it.
   * # Variants
   * 
   * ## `"none"`
   * 
   * It only names itself.
   * ## `"basic"`
   * 
   * By its secret, in the field Authorization.
   * ## `"post"`
   * 
   * By its secret, in the body.
   * ## `"private-key-jwt"`
   * 
   * By an assertion that it signs.
   */
  export type ClientAuthentication = 'none' | 'basic' | 'post' | 'private-key-jwt';
  /**
   * What the server said when it did not take a request.
   */
  export interface Challenge {
    /**
     * The status: 401 or 403.
     */
    status: number,
    /**
     * The scopes that it demands, with a space between two (RFC 6750, section 3).
     */
    scope?: string,
    /**
     * Why, as RFC 6750 has it: `insufficient_scope`, say.
     */
    error?: string,
  }
  /**
   * What is forgotten.
   * # Variants
   * 
   * ## `"client"`
   * 
   * The registration of the client. With it goes the token.
   * ## `"tokens"`
   * 
   * The token, and what it is refreshed by.
   */
  export type Credential = 'client' | 'tokens';
}
