/// <reference path="./caisson-mcp-types.d.ts" />
declare module 'caisson:mcp/timers@0.1.0' {
  /**
   * Sets a timer: one `timer` event comes when the delay is over, not before. Setting one that
   * is set moves it. More timers than the host allows are a broken contract, and trap.
   */
  export function set(timer: TimerId, delayMs: number): void;
  /**
   * Clears a timer. No event of it comes any more. One that is not set is ignored.
   */
  export function clear(timer: TimerId): void;
  export type TimerId = import('caisson:mcp/types@0.1.0').TimerId;
}
