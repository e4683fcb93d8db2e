/// <reference path="./caisson-mcp-types.d.ts" />
declare module 'caisson:mcp/catalog@0.1.0' {
  /**
   * The declarations of what a script has in its hands: every tool, and the functions beside them.
   */
  export function declare(tools: Json, language: Language): string;
  /**
   * Finds tools by words: an array of {"server", "tool", "score", "text"}, the best first. A `limit` of 0 counts
   * as 1, and one above 100 as 100. Without words it is the first tools.
   */
  export function search(tools: Json, text: string, limit: number, language: Language, detail: Detail): Json;
  export type Json = import('caisson:mcp/types@0.1.0').Json;
  /**
   * What declarations are written in.
   * # Variants
   * 
   * ## `"typescript"`
   * 
   * A `.d.ts`.
   * ## `"python"`
   * 
   * A stub of Python's builtins: `__builtins__.pyi`.
   */
  export type Language = 'typescript' | 'python';
  /**
   * How much is said of a tool.
   * # Variants
   * 
   * ## `"brief"`
   * 
   * Its name, and what it is for.
   * ## `"detailed"`
   * 
   * How it is called.
   * ## `"full"`
   * 
   * How it is called, with every comment of its schemas.
   */
  export type Detail = 'brief' | 'detailed' | 'full';
}
