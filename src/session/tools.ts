import type { JsonSchemaType, JsonSchemaValidator, ListToolsResult, Tool } from '@modelcontextprotocol/client';
import { CfWorkerJsonSchemaValidator } from '@modelcontextprotocol/client/validators/cf-worker';
import type { Json } from 'caisson:mcp/types@0.1.0';

import { failure } from '../operations/errors.js';
import { isObject } from '../protocol/json.js';
import { unusable } from './unusable.js';

/** A tool as it was listed, and what the core has derived from it. */
export interface ListedTool {
    readonly tool: Tool;
    /** Whether the header of a request may repeat some of its arguments. */
    readonly mirrored: boolean;
    validate?: JsonSchemaValidator<unknown>;
}

/** The most tools that are kept. A tool beyond it is called as if it were not listed. */
const MOST_TOOLS = 10_000;

const schemas = new CfWorkerJsonSchemaValidator();

/** The member in the schema of an argument that the header of a request repeats (revision 2026-07-28). */
const MIRRORED = 'x-mcp-header';

/** The last two digits of the JSON escapes of the letters in MIRRORED. Hardly any server escapes one. */
const ESCAPED: ReadonlySet<string> = new Set(Array.from(MIRRORED, letter => letter.charCodeAt(0).toString(16)));

/** Whether the text of a page may have a tool with an argument that the header repeats. */
export function mayMirror(page: Json): boolean {
    if (page.includes(MIRRORED)) return true;
    for (let at = page.indexOf('\\u00'); at >= 0; at = page.indexOf('\\u00', at + 1))
        if (ESCAPED.has(page.slice(at + 4, at + 6).toLowerCase())) return true;
    return false;
}

/** Whether the header of a request may repeat arguments of a tool. */
function mirrors(tool: Tool): boolean {
    return JSON.stringify(tool.inputSchema).includes(`"${MIRRORED}"`);
}

/** A page that was listed, and is not parsed yet. */
interface Page {
    readonly text: Json;
    /** Whether the header of a request may repeat arguments of its tools. */
    readonly mirroring: boolean;
}

/**
 * How many unparsed pages are kept, and up to what length: a program that only lists never needs them parsed.
 */
const MOST_PAGES = 16;
const LONG = 1_000_000;

/** The tools that a server has listed, page by page. */
export class Tools {
    readonly #listed = new Map<string, ListedTool>();
    #pages: Page[] = [];
    /** The tools that were looked for, and are not in the server's list. */
    readonly #hidden = new Set<string>();
    /** The tools whose outputSchema is unusable, and was reported. */
    readonly #unusable = new Set<string>();

    /** `warn` gets a line for each tool whose results cannot be checked. */
    constructor(private readonly warn: (text: string) => void) {}

    /** Keeps a page that was listed: `page` as the SDK has parsed it, `text` for later. */
    learn(page: ListToolsResult, text: Json, mirroring: boolean): void {
        const pages = this.#pages;
        if (pages[pages.length - 1]?.text === text) return;
        // Checked now: once a tool has run, a warning is too late.
        if (text.includes('"outputSchema"')) for (const tool of page.tools) this.#inspect(tool);
        pages.push({ text, mirroring });
        if (pages.length > MOST_PAGES || text.length > LONG) this.#look();
    }

    /** Notes that a tool is not in the server's whole list. */
    hide(name: string): void {
        if (this.#hidden.size < MOST_TOOLS) this.#hidden.add(name);
    }

    /** Whether the server's whole list was searched for a tool in vain. */
    isHidden(name: string): boolean {
        return this.#hidden.has(name);
    }

    /** Drops everything, when the list has changed or the session was begun anew. */
    forget(): void {
        this.#listed.clear();
        this.#pages = [];
        this.#unusable.clear();
        this.#hidden.clear();
    }

    /** The listed tool of a name, with what was derived from it. */
    listed(name: string): ListedTool | undefined {
        if (this.#pages.length > 0) this.#look();
        return this.#listed.get(name);
    }

    /** The listed tool of a name. */
    get(name: string): Tool | undefined {
        return this.listed(name)?.tool;
    }

    /** Whether a call of the tool may be repeated: its annotations say that a second call has no effect. */
    repeatable(name: string): boolean {
        const { annotations } = this.get(name) ?? {};
        return annotations?.readOnlyHint === true || annotations?.idempotentHint === true;
    }

    /**
     * The check of a tool's results; undefined when the tool has no usable outputSchema. A `$ref` to another
     * document is not followed: such a schema is unusable.
     */
    check(name: string, listed = this.listed(name)): ((result: unknown) => void) | undefined {
        if (!listed?.tool.outputSchema || this.#unusable.has(name)) return undefined;
        try {
            listed.validate ??= schemas.getValidator(listed.tool.outputSchema as JsonSchemaType);
        } catch (error) {
            this.#giveUp(name, words(error));
            return undefined;
        }
        const { validate } = listed;
        return result => matches(name, value => this.#validated(name, validate, value), result);
    }

    /**
     * Validates a value. With an unusable schema every value is valid: the tool has run, and its result
     * counts.
     */
    #validated(
        name: string,
        validate: JsonSchemaValidator<unknown>,
        value: unknown
    ): ReturnType<JsonSchemaValidator<unknown>> {
        if (!this.#unusable.has(name))
            try {
                return validate(value);
            } catch (error) {
                this.#giveUp(name, words(error));
            }
        return { valid: true, data: value, errorMessage: undefined };
    }

    /** Warns of a tool whose outputSchema is unusable, as far as that can be seen. */
    #inspect({ name, outputSchema }: Tool): void {
        this.#unusable.delete(name);
        const why = outputSchema && unusable(outputSchema);
        if (why !== undefined) this.#giveUp(name, why);
    }

    #giveUp(name: string, why: string): void {
        if (this.#unusable.size < MOST_TOOLS) this.#unusable.add(name);
        this.warn(
            `the outputSchema of the tool ${JSON.stringify(name)} cannot be used, and its results are not checked: ${why}`
        );
    }

    /** Parses the pages that were listed. */
    #look(): void {
        for (const { text, mirroring } of this.#pages.splice(0)) {
            const { tools } = JSON.parse(text) as { tools?: unknown };
            if (!Array.isArray(tools)) continue;
            for (const tool of tools as unknown[])
                if (isTool(tool) && (this.#listed.size < MOST_TOOLS || this.#listed.has(tool.name)))
                    this.#listed.set(tool.name, { tool, mirrored: mirroring && mirrors(tool) });
        }
    }
}

/** Whether an entry of the server's text is a tool. The SDK has left out those that are not. */
function isTool(tool: unknown): tool is Tool {
    return isObject(tool) && typeof tool['name'] === 'string' && isObject(tool['inputSchema']);
}

/** Checks a result by its tool's schema (specification, server/tools, "Output Schema"). */
function matches(name: string, validate: JsonSchemaValidator<unknown>, result: unknown): void {
    if (!isObject(result) || result['isError'] === true) return;
    const value = result['structuredContent'];
    if (value === undefined)
        throw failure('output-schema', `${name} has an outputSchema, and its result no structuredContent`);
    const outcome = validate(value);
    if (!outcome.valid)
        throw failure(
            'output-schema',
            `the result of ${name} does not match its outputSchema: ${outcome.errorMessage}`
        );
}

/** The text of a page without some of its tools. */
export function without(page: Json, dropped: ReadonlySet<string>): Json {
    const parsed = JSON.parse(page) as { tools: { name: string }[] };
    return JSON.stringify({ ...parsed, tools: parsed.tools.filter(tool => !dropped.has(tool.name)) });
}

function words(error: unknown): string {
    return (error instanceof Error ? error.message : String(error)).slice(0, 300);
}
