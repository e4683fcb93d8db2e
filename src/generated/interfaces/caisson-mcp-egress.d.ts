/// <reference path="./caisson-mcp-types.d.ts" />
declare module 'caisson:mcp/egress@0.1.0' {
  /**
   * Begins an HTTP exchange for a session. Events: one `http-response`; or at most one `http-head`,
   * then any number of `http-body`, and in every case one `http-end`; unless `http-abort` came
   * first. Exchanges may wait in a queue: those that an operation begins do not wait for those that an
   * event begins.
   */
  export function httpStart(exchange: ExchangeId, session: SessionId, request: HttpRequest): void;
  /**
   * Keeps a request of a session, to be sent any number of times by `http-post`. It replaces the request
   * that had the id before. Its body is not kept. An id above 1023, and requests that are together larger
   * than the host allows, break the contract, and trap.
   */
  export function httpPrepare(template: TemplateId, session: SessionId, request: HttpRequest): void;
  /**
   * `http-start` with a request that is kept, and this body in place of its own. A template that is
   * not there is a broken contract, and traps.
   */
  export function httpPost(exchange: ExchangeId, template: TemplateId, body: string): void;
  /**
   * Gives up an exchange. No event of it comes any more. An id that is not there is ignored: its
   * end may have been on its way.
   */
  export function httpAbort(exchange: ExchangeId): void;
  /**
   * Starts the session's command and opens a pipe to its standard input and output. Events: any
   * number of `pipe-data`, and in every case one `pipe-closed`. The host knows which command: the
   * core cannot name one. One that is opened again and again ends at once, with `limit`.
   */
  export function pipeOpen(pipe: PipeId, session: SessionId): void;
  /**
   * Writes one message, without a line break in it; the host ends it with one. Messages keep
   * their order. On a pipe that is not there it is dropped: `pipe-closed` may have been on its
   * way. A pipe on which more waits than the host allows is closed, with `limit`.
   */
  export function pipeWrite(pipe: PipeId, message: string): void;
  /**
   * Closes a pipe: the host closes the command's standard input, waits, and ends the command
   * with its whole process group if it has to. `pipe-closed` still comes, when the command is
   * gone. A pipe that is not there is ignored.
   */
  export function pipeClose(pipe: PipeId): void;
  export type ExchangeId = import('caisson:mcp/types@0.1.0').ExchangeId;
  export type TemplateId = import('caisson:mcp/types@0.1.0').TemplateId;
  export type PipeId = import('caisson:mcp/types@0.1.0').PipeId;
  export type SessionId = import('caisson:mcp/types@0.1.0').SessionId;
  export type Header = import('caisson:mcp/types@0.1.0').Header;
  /**
   * An HTTP request.
   */
  export interface HttpRequest {
    /**
     * The method, in capitals.
     */
    method: string,
    /**
     * An absolute URL.
     */
    url: string,
    /**
     * Header fields. The host sets `host`, `content-length` and its user's own, which win.
     */
    headers: Array<Header>,
    /**
     * The body, as UTF-8; absent for none.
     */
    body?: string,
  }
}
