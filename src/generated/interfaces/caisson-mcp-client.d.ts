/// <reference path="./caisson-mcp-types.d.ts" />
declare module 'caisson:mcp/client@0.1.0' {
  /**
   * Opens a session: negotiates the revision and shakes hands. Called once a session.
   * 
   * Settles with a JSON object: `protocolVersion`, `serverInfo` (absent when a server of revision
   * 2026-07-28 does not name itself), `capabilities`, `instructions` (absent when the server gave
   * none), `transport` (`http`, `sse` or `stdio`) and `sessionId` (absent when the server gave
   * none). After an error the session is gone.
   * 
   * On stdio the probe for revision 2026-07-28 runs in place. A command that ends before it has
   * answered anything is opened a second time, once, and spoken to in the older way.
   */
  export function connect(call: CallId, session: SessionId, config: SessionConfig): void;
  /**
   * `tools/list`: one page. `nextCursor` in the result leads to the next one.
   */
  export function listTools(call: CallId, session: SessionId, params: Json): void;
  /**
   * `tools/call`. A tool's own failure is a result with `isError`.
   */
  export function callTool(call: CallId, session: SessionId, params: Json): void;
  /**
   * `ping`. Revision 2026-07-28 has no ping: there it is a `server/discover`, which every server
   * of that revision answers; it settles with `{}`.
   */
  export function ping(call: CallId, session: SessionId): void;
  /**
   * Any request of the protocol, or of an extension of it, by its method name. What the session's
   * revision does not have settles with `invalid-argument`.
   */
  export function request(call: CallId, session: SessionId, method: string, params: Json): void;
  /**
   * Gives up an operation. The server is told in the way the session's revision prescribes, and
   * the operation settles with `cancelled`, unless it has settled already. An id that is not
   * there is ignored: the outcome may have been on its way. May be called any number of times.
   */
  export function cancel(call: CallId, reason: string): void;
  /**
   * Ends a session: tells the server where the transport has a way to, closes what is open, and
   * settles every operation of the session with `closed`. Settles with `{}`, also when the
   * session is not there any more.
   */
  export function close(call: CallId, session: SessionId): void;
  export type Json = import('caisson:mcp/types@0.1.0').Json;
  export type CallId = import('caisson:mcp/types@0.1.0').CallId;
  export type SessionId = import('caisson:mcp/types@0.1.0').SessionId;
  /**
   * How to reach a server over HTTP. The host adds the headers that its user configured to each
   * exchange; the core never sees them.
   */
  export type Endpoint = EndpointHttp | EndpointSse | EndpointHttpOrSse | EndpointStdio;
  /**
   * Streamable HTTP at this URL.
   */
  export interface EndpointHttp {
    tag: 'http',
    val: string,
  }
  /**
   * HTTP with server-sent events, the transport of revision 2024-11-05, at this URL.
   */
  export interface EndpointSse {
    tag: 'sse',
    val: string,
  }
  /**
   * Streamable HTTP at this URL first, and `sse` where the server does not speak it
   * (specification, basic/transports, "Backwards Compatibility").
   */
  export interface EndpointHttpOrSse {
    tag: 'http-or-sse',
    val: string,
  }
  /**
   * The session's command, over its standard input and output.
   */
  export interface EndpointStdio {
    tag: 'stdio',
  }
  /**
   * The name the client gives itself (specification, `Implementation`).
   */
  export interface Implementation {
    /**
     * The program's name.
     */
    name: string,
    /**
     * The program's version.
     */
    version: string,
    /**
     * A name for people, when it has one.
     */
    title?: string,
  }
  /**
   * What `connect` needs to know.
   */
  export interface SessionConfig {
    /**
     * Where the server is.
     */
    endpoint: Endpoint,
    /**
     * Who is calling.
     */
    clientInfo: Implementation,
    /**
     * Milliseconds that `connect` may take in all, from its first message to its last.
     */
    connectTimeout: number,
  }
}
