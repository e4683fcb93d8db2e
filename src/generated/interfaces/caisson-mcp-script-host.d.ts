/// <reference path="./caisson-mcp-types.d.ts" />
declare module 'caisson:mcp/script-host@0.1.0' {
  /**
   * Calls a tool, with a JSON object of arguments. The answer comes as an event of `scripts.deliver`, exactly
   * once. What is not granted is answered with a failure. More than the host allows ends the run. An id in use
   * and arguments that are no JSON object are a broken contract, and trap.
   */
  export function callTool(call: ToolCallId, server: string, tool: string, arguments: Json): void;
  /**
   * A line of the script's log. The host cuts what is long, and ends a run that writes too much.
   */
  export function log(level: ScriptLogLevel, text: string): void;
  /**
   * The outcome of `run`, `load` or `call`: a JSON value, or why there is none. Exactly once each; one for a
   * call that is not there is ignored.
   */
  export function settle(call: CallId, outcome: Result<Json, ScriptFailure>): void;
  export type Json = import('caisson:mcp/types@0.1.0').Json;
  export type CallId = import('caisson:mcp/types@0.1.0').CallId;
  export type TimerId = import('caisson:mcp/types@0.1.0').TimerId;
  /**
   * Names one call of a tool. Chosen by the instance, unique among the calls that have no answer yet.
   */
  export type ToolCallId = number;
  /**
   * Why a call of a tool has no result: it was refused, or it failed. A tool's own failure (`isError`) is a
   * result.
   */
  export interface ToolFailure {
    /**
     * What sort of failure it is: a `Code` of the Go API in words, such as `limit` or `closed`.
     */
    code: string,
    /**
     * For people: what failed, and what to do.
     */
    message: string,
  }
  /**
   * The answer to `call-tool`.
   */
  export interface ToolAnswer {
    /**
     * The call. Its id is free again.
     */
    call: ToolCallId,
    /**
     * The protocol's CallToolResult object, or why there is none.
     */
    outcome: Result<Json, ToolFailure>,
  }
  /**
   * Something that happened.
   */
  export type ScriptEvent = ScriptEventToolAnswer | ScriptEventTimer;
  /**
   * A call of a tool is answered.
   */
  export interface ScriptEventToolAnswer {
    tag: 'tool-answer',
    val: ToolAnswer,
  }
  /**
   * A timer is due.
   */
  export interface ScriptEventTimer {
    tag: 'timer',
    val: TimerId,
  }
  /**
   * How much a line of a script's log matters.
   * # Variants
   * 
   * ## `"debug"`
   * 
   * For whoever debugs the script.
   * ## `"info"`
   * 
   * Worth knowing, and what `print` writes.
   * ## `"warn"`
   * 
   * Something is not as it should be.
   * ## `"error"`
   * 
   * Something went wrong.
   */
  export type ScriptLogLevel = 'debug' | 'info' | 'warn' | 'error';
  /**
   * What sort of failure a script ended with. The host adds its own sorts (a limit, a trap, a run that never
   * settles).
   * # Variants
   * 
   * ## `"syntax"`
   * 
   * The source is not of its language.
   * ## `"runtime"`
   * 
   * The script has thrown.
   * ## `"tool"`
   * 
   * A tool has failed, and the script did not catch it.
   * ## `"not-found"`
   * 
   * There is no such function.
   * ## `"invalid-arguments"`
   * 
   * The arguments do not fit the function, or the result has no form in JSON.
   */
  export type ScriptFailureKind = 'syntax' | 'runtime' | 'tool' | 'not-found' | 'invalid-arguments';
  /**
   * Why a script failed. Lines and columns count from 1, columns in characters, in the source that the
   * instance was given.
   */
  export interface ScriptFailure {
    /**
     * What sort of failure it is.
     */
    kind: ScriptFailureKind,
    /**
     * For people: what was thrown.
     */
    message: string,
    /**
     * The line; absent when it is not known.
     */
    line?: number,
    /**
     * The column in the line; absent when it is not known.
     */
    column?: number,
    /**
     * The script's own stack, a line for each function, without a line or a path of the host's or of the
     * instance's own code. A place in a source is `NAME:LINE:COLUMN`.
     */
    stack: string,
  }
  export type Result<T, E> = { tag: 'ok', val: T } | { tag: 'err', val: E };
}
