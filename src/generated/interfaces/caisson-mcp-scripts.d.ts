/// <reference path="./caisson-mcp-script-host.d.ts" />
/// <reference path="./caisson-mcp-types.d.ts" />
declare module 'caisson:mcp/scripts@0.1.0' {
  /**
   * Runs a source from top to bottom, or its `main` with `args` where it defines one. `tools` is a JSON array
   * of {"server": NAME, "tool": the protocol's Tool object}; `input` is any JSON value. Settles with the value
   * that the source, or `main`, returns; else with the value of its last expression; else with `null`.
   */
  export function run(call: CallId, source: Source, tools: Json, input: Json, args: Array<string>): void;
  /**
   * Loads a source as a module: runs it from top to bottom. Settles with a JSON array of the names of its
   * functions.
   */
  export function load(call: CallId, source: Source, tools: Json): void;
  /**
   * Calls a function of the module that was loaded. `positional` is a JSON array, and `named` a JSON object of
   * arguments by name; a language without arguments by name fails with `invalid-arguments` when it is not
   * empty. Settles with the value that the function returns, or `null`.
   */
  export function call(call: CallId, function_: string, positional: Json, named: Json): void;
  /**
   * Tells the instance what happened, in order. An event about something that is not there is ignored. Never
   * traps.
   */
  export function deliver(events: Array<ScriptEvent>): void;
  export type Json = import('caisson:mcp/types@0.1.0').Json;
  export type CallId = import('caisson:mcp/types@0.1.0').CallId;
  export type ScriptEvent = import('caisson:mcp/script-host@0.1.0').ScriptEvent;
  /**
   * A source.
   */
  export interface Source {
    /**
     * The name in errors and stacks.
     */
    name: string,
    /**
     * The text.
     */
    text: string,
  }
}
