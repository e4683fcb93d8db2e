/// <reference path="./caisson-mcp-types.d.ts" />
declare module 'caisson:mcp/ingress@0.1.0' {
  /**
   * Tells the core what happened, in order. The host calls it whenever it has something to tell,
   * with as much as it has. When it returns, every consequence inside the core has taken place.
   * An event about something that is not there (an aborted exchange, a cleared timer) is ignored.
   * Never traps.
   */
  export function deliver(events: Array<Event>): void;
  export type Json = import('caisson:mcp/types@0.1.0').Json;
  export type ExchangeId = import('caisson:mcp/types@0.1.0').ExchangeId;
  export type PipeId = import('caisson:mcp/types@0.1.0').PipeId;
  export type TimerId = import('caisson:mcp/types@0.1.0').TimerId;
  export type AskId = import('caisson:mcp/types@0.1.0').AskId;
  export type SessionId = import('caisson:mcp/types@0.1.0').SessionId;
  export type Header = import('caisson:mcp/types@0.1.0').Header;
  export type IoError = import('caisson:mcp/types@0.1.0').IoError;
  export type RpcError = import('caisson:mcp/types@0.1.0').RpcError;
  /**
   * The status line and the header of a response.
   */
  export interface HttpHead {
    /**
     * The exchange that `egress.http-start` began.
     */
    exchange: ExchangeId,
    /**
     * The status code. Informational responses (1xx) and redirects that the host follows are not
     * reported.
     */
    status: number,
    /**
     * The header fields that the protocol has a use for, names in lower case.
     */
    headers: Array<Header>,
  }
  /**
   * A part of a response body.
   */
  export interface HttpBody {
    /**
     * The exchange.
     */
    exchange: ExchangeId,
    /**
     * The next bytes, at least one.
     */
    chunk: Uint8Array,
  }
  /**
   * The end of an exchange.
   */
  export interface HttpEnd {
    /**
     * The exchange. Its id is free again.
     */
    exchange: ExchangeId,
    /**
     * Absent when the response came whole.
     */
    error?: IoError,
  }
  /**
   * A response that came whole, in place of the three events above. The host tells of those so whose
   * body is text and no stream of events (`text/event-stream`).
   */
  export interface HttpResponse {
    /**
     * The exchange. Its id is free again.
     */
    exchange: ExchangeId,
    /**
     * The status code, as in `http-head`.
     */
    status: number,
    /**
     * The header fields, as in `http-head`.
     */
    headers: Array<Header>,
    /**
     * The body. Bytes that are not UTF-8 are replaced by U+FFFD, and a byte order mark is left out.
     */
    body: string,
  }
  /**
   * A message on a pipe.
   */
  export interface PipeData {
    /**
     * The pipe that `egress.pipe-open` opened.
     */
    pipe: PipeId,
    /**
     * One line of the command's standard output, without its line break. Bytes that are not
     * UTF-8 are replaced by U+FFFD.
     */
    message: string,
  }
  /**
   * The end of a pipe.
   */
  export interface PipeClosed {
    /**
     * The pipe. Its id is free again.
     */
    pipe: PipeId,
    /**
     * Why, when it was not the core that closed it: also a command that ended well by itself is
     * an error here, of kind `transport`.
     */
    error?: IoError,
  }
  /**
   * The host's answer to `host.ask`.
   */
  export interface Answer {
    /**
     * The question.
     */
    ask: AskId,
    /**
     * The protocol's result object, or the error that the server is told.
     */
    outcome: Result<Json, RpcError>,
  }
  /**
   * What became of `authorization.begin` or `authorization.ask`.
   */
  export interface Authorized {
    /**
     * The session.
     */
    session: SessionId,
    /**
     * A JSON object, as they say; or why there is none.
     */
    outcome: Result<Json, IoError>,
  }
  /**
   * Something that happened.
   */
  export type Event = EventHttpHead | EventHttpBody | EventHttpEnd | EventHttpResponse | EventPipeData | EventPipeClosed | EventTimer | EventAnswer | EventAuthorized;
  /**
   * A response has begun.
   */
  export interface EventHttpHead {
    tag: 'http-head',
    val: HttpHead,
  }
  /**
   * A response goes on.
   */
  export interface EventHttpBody {
    tag: 'http-body',
    val: HttpBody,
  }
  /**
   * An exchange is over.
   */
  export interface EventHttpEnd {
    tag: 'http-end',
    val: HttpEnd,
  }
  /**
   * An exchange is over, and its response came whole.
   */
  export interface EventHttpResponse {
    tag: 'http-response',
    val: HttpResponse,
  }
  /**
   * A message came in on a pipe.
   */
  export interface EventPipeData {
    tag: 'pipe-data',
    val: PipeData,
  }
  /**
   * A pipe is closed, and its command gone.
   */
  export interface EventPipeClosed {
    tag: 'pipe-closed',
    val: PipeClosed,
  }
  /**
   * A timer is due.
   */
  export interface EventTimer {
    tag: 'timer',
    val: TimerId,
  }
  /**
   * A question is answered.
   */
  export interface EventAnswer {
    tag: 'answer',
    val: Answer,
  }
  /**
   * The authorization goes on.
   */
  export interface EventAuthorized {
    tag: 'authorized',
    val: Authorized,
  }
  export type Result<T, E> = { tag: 'ok', val: T } | { tag: 'err', val: E };
}
