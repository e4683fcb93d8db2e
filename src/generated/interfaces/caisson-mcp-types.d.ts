declare module 'caisson:mcp/types@0.1.0' {
  /**
   * JSON text (RFC 8259), whole and valid. Lone surrogates travel as `\uXXXX` escapes.
   */
  export type Json = string;
  /**
   * Names one operation. Chosen by the host, unique among the operations that have not settled.
   */
  export type CallId = number;
  /**
   * Names one session with one server. Chosen by the host, never used twice in an instance.
   */
  export type SessionId = number;
  /**
   * Names one HTTP exchange. Chosen by the core, unique among the exchanges that have not ended.
   */
  export type ExchangeId = number;
  /**
   * Names one request that the host keeps for the core. Chosen by the core, from 0 to 1023.
   */
  export type TemplateId = number;
  /**
   * Names one pipe to a command. Chosen by the core, unique among the pipes that have not closed.
   */
  export type PipeId = number;
  /**
   * Names one timer. Chosen by the core, unique among the timers that are set.
   */
  export type TimerId = number;
  /**
   * Names one question to the host. Chosen by the core, unique among those that wait.
   */
  export type AskId = number;
  /**
   * One HTTP header field: name, value. A name that occurs twice is two of these.
   */
  export type Header = [string, string];
  /**
   * Why the host could not do, or could not finish, what the core asked of `egress`.
   * # Variants
   * 
   * ## `"refused"`
   * 
   * The session's grant does not cover it. Asking again gets the same answer.
   * ## `"connect"`
   * 
   * There was no connection, or no process: nothing was sent.
   * ## `"transport"`
   * 
   * There was a connection, and it broke. What was sent may have had an effect.
   * ## `"limit"`
   * 
   * A message was larger, or there was more of something, than the host allows.
   * ## `"unauthorized"`
   * 
   * The server wants authorization, and there is none: nothing is configured, nobody can be asked, or it
   * was refused.
   */
  export type IoErrorKind = 'refused' | 'connect' | 'transport' | 'limit' | 'unauthorized';
  /**
   * A failed effect.
   */
  export interface IoError {
    /**
     * What sort of failure it was.
     */
    kind: IoErrorKind,
    /**
     * For people: what failed, and what to do. No secret of the host's is in it.
     */
    message: string,
    /**
     * A number that means something only to the host. The core puts it into the `error` that
     * this failure leads to, and the host finds its own cause again.
     */
    cause: number,
  }
  /**
   * A JSON-RPC error that the server answered with, untouched.
   */
  export interface RpcError {
    /**
     * The error code (JSON-RPC 2.0, section 5.1). An answer whose code does not fit is a failure
     * of kind `protocol`. Not s64: the core's engine traps when it passes a negative one on.
     */
    code: number,
    /**
     * The server's message.
     */
    message: string,
    /**
     * The server's `data`, when there was one.
     */
    data?: Json,
  }
  /**
   * An answer whose HTTP status was not one of success.
   */
  export interface HttpError {
    /**
     * The status code.
     */
    status: number,
    /**
     * For people: what the server said, shortened.
     */
    message: string,
  }
  /**
   * What a file of a skill fails verification by.
   * # Variants
   * 
   * ## `"unlisted"`
   * 
   * The skill's entry does not list it. Nothing was sent.
   * ## `"size"`
   * 
   * It has another size than its entry.
   * ## `"digest"`
   * 
   * It has another digest than its entry.
   * ## `"frontmatter"`
   * 
   * The frontmatter of the `SKILL.md` cannot be read, or differs from that of its entry.
   */
  export type UnverifiedReason = 'unlisted' | 'size' | 'digest' | 'frontmatter';
  /**
   * A file of a skill that failed verification.
   */
  export interface UnverifiedFile {
    /**
     * What it failed by.
     */
    reason: UnverifiedReason,
    /**
     * The URI of the file, or the path that is none of the skill's.
     */
    uri: string,
    /**
     * For people: what is expected and what is there, shortened.
     */
    message: string,
  }
  /**
   * What went wrong with an operation. A tool's own failure is not here: that is a result.
   */
  export type Failure = FailureInvalidArgument | FailureRefused | FailureConnect | FailureTransport | FailureHttp | FailureProtocol | FailureRpc | FailureTimeout | FailureCancelled | FailureClosed | FailureLimit | FailureOutputSchema | FailureNotRepeated | FailureUnauthorized | FailureUnverified | FailureInternal;
  /**
   * The call itself was wrong: no such session, a call id in use, params that are not JSON.
   */
  export interface FailureInvalidArgument {
    tag: 'invalid-argument',
    val: string,
  }
  /**
   * The host's policy does not grant what the operation needs.
   */
  export interface FailureRefused {
    tag: 'refused',
    val: string,
  }
  /**
   * The server could not be reached, or its command could not be started.
   */
  export interface FailureConnect {
    tag: 'connect',
    val: string,
  }
  /**
   * The connection broke. What was sent may have had an effect.
   */
  export interface FailureTransport {
    tag: 'transport',
    val: string,
  }
  /**
   * The server answered with an HTTP error.
   */
  export interface FailureHttp {
    tag: 'http',
    val: HttpError,
  }
  /**
   * The server broke the protocol: not JSON, not JSON-RPC, or not a valid result.
   */
  export interface FailureProtocol {
    tag: 'protocol',
    val: string,
  }
  /**
   * The server answered with a JSON-RPC error.
   */
  export interface FailureRpc {
    tag: 'rpc',
    val: RpcError,
  }
  /**
   * The operation took longer than it was allowed to.
   */
  export interface FailureTimeout {
    tag: 'timeout',
    val: string,
  }
  /**
   * The host cancelled the operation, or the server says that its task is cancelled.
   */
  export interface FailureCancelled {
    tag: 'cancelled',
    val: string,
  }
  /**
   * The session is closed, or the server closed it.
   */
  export interface FailureClosed {
    tag: 'closed',
    val: string,
  }
  /**
   * A message was larger, or there was more of something, than the host allows.
   */
  export interface FailureLimit {
    tag: 'limit',
    val: string,
  }
  /**
   * A tool's result does not match the tool's `outputSchema`, or the schema cannot be used: for
   * people, the place and the rule.
   */
  export interface FailureOutputSchema {
    tag: 'output-schema',
    val: string,
  }
  /**
   * The server forgot the session, and a new one was begun. The operation was not repeated,
   * since it may have had an effect.
   */
  export interface FailureNotRepeated {
    tag: 'not-repeated',
    val: string,
  }
  /**
   * The server wants authorization, and there is none.
   */
  export interface FailureUnauthorized {
    tag: 'unauthorized',
    val: string,
  }
  /**
   * A file of a skill is not what the skill's entry says (SEP-2640). It was not given on.
   */
  export interface FailureUnverified {
    tag: 'unverified',
    val: UnverifiedFile,
  }
  /**
   * The core is at fault. Users should not depend on the string.
   */
  export interface FailureInternal {
    tag: 'internal',
    val: string,
  }
  /**
   * The unhappy outcome of an operation.
   */
  export interface Error {
    /**
     * What went wrong.
     */
    failure: Failure,
    /**
     * What was being done: a method of the protocol such as `tools/call`, or `connect`.
     */
    step: string,
    /**
     * The `cause` of the `io-error` behind it; absent when no effect failed.
     */
    cause?: number,
  }
}
