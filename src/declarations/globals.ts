// What every script has beside its tools.

/** In TypeScript. A script is compiled with `lib` of ECMAScript alone: no DOM. */
export const TYPESCRIPT = `
/** The value that the script was given. */
declare const input: unknown;

/** The arguments of the command line. */
declare const args: readonly string[];

/** Calls a tool by its names. */
declare function call_tool(server: string, tool: string, args?: object): Promise<unknown>;

/** A tool that a search has found. */
interface FoundTool {
    readonly server: string;
    readonly name: string;
    readonly description: string;
}

/** Finds tools by words: the best first. 10 at most, unless \`limit\` says otherwise. */
declare function search_tools(text: string, limit?: number): readonly FoundTool[];

/** A tool by its name, as its server lists it: \`server.tool\`, both names apart, or the tool's alone. */
declare function get_tool(name: string, tool?: string): ListedTool | null;

interface ListedTool {
    readonly server: string;
    readonly name: string;
    readonly title?: string;
    readonly description?: string;
    readonly inputSchema: object;
    readonly outputSchema?: object;
}

/** Waits so many milliseconds. */
declare function sleep(milliseconds: number): Promise<void>;

/** Writes a line to the log. */
declare function print(...values: unknown[]): void;

declare function setTimeout(callback: (...values: any[]) => void, milliseconds?: number, ...values: any[]): number;
declare function clearTimeout(timer: number | undefined): void;
declare function setInterval(callback: (...values: any[]) => void, milliseconds?: number, ...values: any[]): number;
declare function clearInterval(timer: number | undefined): void;

interface Console {
    debug(...values: unknown[]): void;
    log(...values: unknown[]): void;
    info(...values: unknown[]): void;
    warn(...values: unknown[]): void;
    error(...values: unknown[]): void;
}
declare var console: Console;

/** A tool has failed, or it could not be called. */
declare class ToolError extends Error {
    readonly server: string;
    readonly tool: string;
    /** Why it could not be called; undefined where the tool itself has failed. */
    readonly code: string | undefined;
    /** What the tool has said: the \`content\` of its result. */
    readonly content: readonly { readonly type: string; readonly text?: string }[] | undefined;
    readonly structuredContent: unknown;
}
`;

/** The imports of a stub: those of PYTHON, and others. */
export function pythonImports(others: readonly string[]): string {
    const names = ['Any', 'Protocol', ...others].sort();
    return `
from collections.abc import Awaitable
from typing import ${names.join(', ')}
from typing_extensions import TypedDict
`;
}

/** In Python, as a stub of the builtins. */
export const PYTHON = `
input: Any
"""The value that the script was given."""

args: list[str]
"""The arguments of the command line."""

def call_tool(server: str, tool: str, arguments: dict[str, Any] = ..., /) -> Any:
    """Calls a tool by its names, and waits for its answer."""

class FoundTool(TypedDict):
    """A tool that a search has found."""
    server: str
    name: str
    description: str

def search_tools(text: str, limit: int = ..., /) -> list[FoundTool]:
    """Finds tools by words: the best first. 10 at most, unless \`limit\` says otherwise."""

def get_tool(name: str, tool: str | None = ..., /) -> dict[str, Any] | None:
    """A tool by its name, as its server lists it: \`server.tool\`, both names apart, or the tool's alone."""

def sleep(seconds: float, /) -> Awaitable[None]:
    """Waits so many seconds."""

class Console(Protocol):
    def debug(self, *values: object) -> None: ...
    def log(self, *values: object) -> None: ...
    def info(self, *values: object) -> None: ...
    def warn(self, *values: object) -> None: ...
    def error(self, *values: object) -> None: ...

console: Console

class ToolError(Exception):
    """A tool has failed, or it could not be called."""
    server: str
    tool: str
    code: str | None
    """Why it could not be called; None where the tool itself has failed."""
    content: list[dict[str, Any]] | None
    """What the tool has said: the content of its result."""
    structured_content: Any
`;
