/// <reference path="./caisson-mcp-types.d.ts" />
declare module 'caisson:mcp/host@0.1.0' {
  /**
   * The outcome of an operation: the protocol's result object, or what went wrong. Called exactly
   * once for each operation; a second time, and an operation that is not there, are ignored by the
   * host.
   */
  export function settle(call: CallId, outcome: Result<Json, Error>): void;
  /**
   * A notification of the server's, exactly as it was sent, in the order it was sent and before
   * the outcome of any call that the server answered later. `params` is absent when the server
   * sent none. Called any number of times; the host keeps what comes before the outcome of `connect`
   * until then. When more waits for the program than the host allows, the session ends: it traps.
   */
  export function notify(session: SessionId, method: string, params: Json | undefined): void;
  /**
   * The server asks for something: a request of the protocol (`sampling/createMessage`,
   * `elicitation/create`, `roots/list`), sent by the server or part of an answer that requires
   * input; or a request that the protocol does not have, which may be of an extension. `params` is the
   * protocol's params object, and `input` is there when the question is part of an answer. The host
   * answers later, with an `answer` event, exactly once, unless the question was retracted. Not called
   * before the server has answered the handshake. What is too much for the host is answered with an
   * error; an id in use is a broken contract, and traps.
   */
  export function ask(ask: AskId, session: SessionId, method: string, params: Json, input: Input | undefined): void;
  /**
   * Nobody waits for the answer to a question any more: the server took it back, or its session
   * or its call is over. Its id is free again. One that is not there is ignored.
   */
  export function retract(ask: AskId): void;
  /**
   * A `listen` was acknowledged: the notifications that the server grants, a JSON object
   * (specification, `SubscriptionFilter`). Called again when a dropped subscription was renewed. An
   * operation that is not there is ignored.
   */
  export function listening(call: CallId, notifications: Json): void;
  /**
   * The task that an operation waits for goes on, in a new state: the protocol's task object. Called
   * for the first state and each other one that is not the last. An operation that is not there is
   * ignored; one for which more waits than the host allows is settled, and given up.
   */
  export function taskState(call: CallId, task: Json): void;
  /**
   * The server had forgotten the session, and it was begun anew: the same object that `connect`
   * settles with. What the old session was told (subscriptions, the logging level) is gone.
   */
  export function renewed(session: SessionId, introduction: Json): void;
  /**
   * The session ended without `client.close`: the server closed it, or its connection was lost
   * for good. Its operations have settled: the host settles those that have not. Called at most once
   * a session.
   */
  export function closed(session: SessionId, error: Error): void;
  /**
   * A diagnostic for people, about one session. No content of a message is in it. Called any
   * number of times; the host cuts what is long, and drops what is too much.
   */
  export function log(session: SessionId, level: LogLevel, message: string): void;
  export type Json = import('caisson:mcp/types@0.1.0').Json;
  export type CallId = import('caisson:mcp/types@0.1.0').CallId;
  export type SessionId = import('caisson:mcp/types@0.1.0').SessionId;
  export type AskId = import('caisson:mcp/types@0.1.0').AskId;
  export type Error = import('caisson:mcp/types@0.1.0').Error;
  /**
   * Where a question stands in its round: the questions that one answer of the server's requires
   * input with.
   */
  export interface Input {
    /**
     * The round. Another round of the session has another number, until these have all been used.
     */
    round: number,
    /**
     * The server's own name for the question: the key in `inputRequests`, which is any text, and one
     * of its own in the round.
     */
    key: string,
    /**
     * How many questions the round has, at least one. The core asks them all before it has the answer
     * to any; when the core cannot ask one of them, the call fails, and the others are retracted.
     */
    size: number,
  }
  /**
   * How much a diagnostic matters.
   * # Variants
   * 
   * ## `"debug"`
   * 
   * For whoever debugs the core.
   * ## `"info"`
   * 
   * Worth knowing.
   * ## `"warn"`
   * 
   * Something a server did wrong, and the session went on.
   * ## `"error"`
   * 
   * Something is lost.
   */
  export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
  export type Result<T, E> = { tag: 'ok', val: T } | { tag: 'err', val: E };
}
