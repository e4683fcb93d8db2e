// What every script has beside its tools.

/**
 * A class of the web's that a script has. Where the declarations of the DOM are there too, the class is theirs: a variable
 * has one type.
 */
function web(name: string, statics: string, members: string, parameters = ''): string {
    const [plain = name] = name.split('<');
    return `
interface ${name} {${members}}
declare var ${plain}: typeof globalThis extends { onmessage: any; ${plain}: infer DOM } ? DOM : {
    prototype: ${plain};${statics}${parameters}
};
`;
}

const WEB = [
    web(
        'URL',
        ' new (url: string | URL, base?: string | URL): URL; canParse(url: string | URL, base?: string | URL): boolean;',
        `
    hash: string;
    host: string;
    hostname: string;
    href: string;
    readonly origin: string;
    password: string;
    pathname: string;
    port: string;
    protocol: string;
    search: string;
    readonly searchParams: URLSearchParams;
    username: string;
    toString(): string;
    toJSON(): string;
`
    ),
    web(
        'URLSearchParams',
        ' new (init?: string[][] | Record<string, string> | string | URLSearchParams): URLSearchParams;',
        `
    readonly size: number;
    append(name: string, value: string): void;
    delete(name: string, value?: string): void;
    get(name: string): string | null;
    getAll(name: string): string[];
    has(name: string, value?: string): boolean;
    set(name: string, value: string): void;
    sort(): void;
    toString(): string;
    forEach(callback: (value: string, key: string, parent: URLSearchParams) => void): void;
    entries(): IterableIterator<[string, string]>;
    keys(): IterableIterator<string>;
    values(): IterableIterator<string>;
    [Symbol.iterator](): IterableIterator<[string, string]>;
`
    ),
    web(
        'TextEncoder',
        ' new (): TextEncoder;',
        `
    readonly encoding: string;
    encode(text?: string): Uint8Array<ArrayBuffer>;
`
    ),
    web(
        'TextDecoder',
        ' new (label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean }): TextDecoder;',
        `
    readonly encoding: string;
    readonly fatal: boolean;
    readonly ignoreBOM: boolean;
    decode(bytes?: ArrayBuffer | ArrayBufferView, options?: { stream?: boolean }): string;
`
    ),
    web(
        'DOMException',
        ' new (message?: string, name?: string): DOMException;',
        `
    readonly code: number;
    readonly message: string;
    readonly name: string;
`
    ),
    web(
        'Event',
        ' new (type: string): Event;',
        `
    readonly type: string;
    readonly target: EventTarget | null;
    readonly defaultPrevented: boolean;
    preventDefault(): void;
    stopPropagation(): void;
`
    ),
    web(
        'EventTarget',
        ' new (): EventTarget;',
        `
    addEventListener(type: string, listener: (event: any) => void): void;
    removeEventListener(type: string, listener: (event: any) => void): void;
    dispatchEvent(event: Event): boolean;
`
    ),
    web(
        'CustomEvent<T = any>',
        ' new <T>(type: string, init?: { detail?: T }): CustomEvent<T>;',
        `
    readonly detail: T;
`
    ).replace('CustomEvent<T = any> {', 'CustomEvent<T = any> extends Event {'),
    web(
        'AbortSignal',
        ' new (): AbortSignal; abort(reason?: any): AbortSignal; any(signals: AbortSignal[]): AbortSignal; timeout(milliseconds: number): AbortSignal;',
        `
    readonly aborted: boolean;
    readonly reason: any;
    throwIfAborted(): void;
`
    ).replace('AbortSignal {', 'AbortSignal extends EventTarget {'),
    web(
        'AbortController',
        ' new (): AbortController;',
        `
    readonly signal: AbortSignal;
    abort(reason?: any): void;
`
    ),
    web(
        'Blob',
        ' new (parts?: (string | ArrayBuffer | ArrayBufferView<ArrayBuffer> | Blob)[], options?: { type?: string }): Blob;',
        `
    readonly size: number;
    readonly type: string;
    arrayBuffer(): Promise<ArrayBuffer>;
    bytes(): Promise<Uint8Array<ArrayBuffer>>;
    slice(start?: number, end?: number, type?: string): Blob;
    text(): Promise<string>;
`
    ),
    web(
        'File',
        ' new (parts: (string | ArrayBuffer | ArrayBufferView<ArrayBuffer> | Blob)[], name: string): File;',
        `
    readonly name: string;
    readonly lastModified: number;
`
    ).replace('File {', 'File extends Blob {'),
    web(
        'ReadableStream<R = any>',
        ' new <R = any>(source?: object): ReadableStream<R>;',
        `
    readonly locked: boolean;
    cancel(reason?: any): Promise<void>;
    getReader(): ReadableStreamDefaultReader<R>;
    pipeThrough<T>(through: { readable: ReadableStream<T>; writable: WritableStream<R> }): ReadableStream<T>;
    pipeTo(to: WritableStream<R>): Promise<void>;
    tee(): [ReadableStream<R>, ReadableStream<R>];
`
    ),
    web(
        'ReadableStreamDefaultReader<R = any>',
        ' new <R = any>(stream: ReadableStream<R>): ReadableStreamDefaultReader<R>;',
        `
    cancel(reason?: any): Promise<void>;
    read(): Promise<{ done: false; value: R } | { done: true; value: R | undefined }>;
    releaseLock(): void;
`
    ),
    web(
        'WritableStream<W = any>',
        ' new <W = any>(sink?: object): WritableStream<W>;',
        `
    readonly locked: boolean;
    abort(reason?: any): Promise<void>;
    close(): Promise<void>;
    getWriter(): WritableStreamDefaultWriter<W>;
`
    ),
    `
interface WritableStreamDefaultWriter<W = any> {
    abort(reason?: any): Promise<void>;
    close(): Promise<void>;
    write(chunk?: W): Promise<void>;
    releaseLock(): void;
}
`,
    web(
        'TransformStream<I = any, O = any>',
        ' new <I = any, O = any>(transformer?: object): TransformStream<I, O>;',
        `
    readonly readable: ReadableStream<O>;
    readonly writable: WritableStream<I>;
`
    ),
    ...['CompressionStream', 'DecompressionStream'].map(name =>
        web(
            name,
            ` new (format: 'deflate' | 'deflate-raw' | 'gzip'): ${name};`,
            '\n    readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;\n    readonly writable: WritableStream<ArrayBuffer | ArrayBufferView<ArrayBuffer>>;\n'
        )
    ),
    web(
        'TextDecoderStream',
        ' new (label?: string): TextDecoderStream;',
        `
    readonly readable: ReadableStream<string>;
    readonly writable: WritableStream<ArrayBuffer | ArrayBufferView<ArrayBuffer>>;
`
    ),
    `
interface SubtleCrypto {
    digest(algorithm: string, data: ArrayBuffer | ArrayBufferView<ArrayBuffer>): Promise<ArrayBuffer>;
}
interface Crypto {
    readonly subtle: SubtleCrypto;
    getRandomValues<T extends ArrayBufferView>(array: T): T;
    randomUUID(): string;
}
declare var crypto: Crypto;

interface Performance {
    readonly timeOrigin: number;
    now(): number;
}
declare var performance: Performance;

declare function atob(base64: string): string;
declare function btoa(bytes: string): string;
declare function queueMicrotask(callback: () => void): void;
declare function structuredClone<T = any>(value: T, options?: { transfer?: ArrayBuffer[] }): T;
`
].join('');

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
    trace(...values: unknown[]): void;
    dir(...values: unknown[]): void;
    table(...values: unknown[]): void;
    assert(condition?: unknown, ...values: unknown[]): void;
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
${WEB}`;

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
