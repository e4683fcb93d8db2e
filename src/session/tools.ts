import type { JsonSchemaType, JsonSchemaValidator, ListToolsResult, Tool } from '@modelcontextprotocol/client';
import { CfWorkerJsonSchemaValidator } from '@modelcontextprotocol/client/validators/cf-worker';
import type { Json } from 'caisson:mcp/types@0.1.0';

import { failure } from '../operations/errors.js';
import { isObject } from '../protocol/json.js';
import { unusable } from './unusable.js';

/** A tool as it was listed, and what was made of it. */
export interface ListedTool {
    readonly tool: Tool;
    /** Whether some of its arguments are repeated in the header of a request. */
    readonly mirrored: boolean;
    validate?: JsonSchemaValidator<unknown>;
}

/** More than a server has; what comes beyond is called as if it were in no list. */
const MOST_TOOLS = 10_000;

const schemas = new CfWorkerJsonSchemaValidator();

/** What an argument has in its schema that is repeated in the header of a request (revision 2026-07-28). */
const MIRRORED = 'x-mcp-header';

/** How a text of JSON begins that escapes one of the letters of that, which nobody does; in lower case. */
const ESCAPED: ReadonlySet<string> = new Set(Array.from(MIRRORED, letter => letter.charCodeAt(0).toString(16)));

/** Whether a tool in a page may repeat an argument in the header of a request, by the text of the page. */
export function mayMirror(page: Json): boolean {
    if (page.includes(MIRRORED)) return true;
    for (let at = page.indexOf('\\u00'); at >= 0; at = page.indexOf('\\u00', at + 1))
        if (ESCAPED.has(page.slice(at + 4, at + 6).toLowerCase())) return true;
    return false;
}

/** Whether arguments of a tool may be repeated in the header of a request. */
function mirrors(tool: Tool): boolean {
    return JSON.stringify(tool.inputSchema).includes(`"${MIRRORED}"`);
}

/** A page that was listed, and not looked into yet. */
interface Page {
    readonly text: Json;
    /** Whether its tools may repeat arguments in the header of a request. */
    readonly mirroring: boolean;
}

/** As many pages are kept as they came, and as long ones: who lists again and again calls nothing. */
const MOST_PAGES = 16;
const LONG = 1_000_000;

/** The tools that a server has listed, page by page. */
export class Tools {
    readonly #listed = new Map<string, ListedTool>();
    #pages: Page[] = [];
    /** Those that were looked for, and are in no list of the server's. */
    readonly #hidden = new Set<string>();
    /** Those whose outputSchema can check nothing, which was said. */
    readonly #unusable = new Set<string>();

    /** Somebody is to be told of what cannot be checked. */
    constructor(private readonly warn: (text: string) => void) {}

    /** A page was listed, as it was read and by its text. */
    learn(page: ListToolsResult, text: Json, mirroring: boolean): void {
        const pages = this.#pages;
        if (pages[pages.length - 1]?.text === text) return;
        // Said now: once a tool has run, it is too late.
        if (text.includes('"outputSchema"')) for (const tool of page.tools) this.#inspect(tool);
        pages.push({ text, mirroring });
        if (pages.length > MOST_PAGES || text.length > LONG) this.#look();
    }

    /** A tool was looked for in all of the server's list, and is not in it. */
    hide(name: string): void {
        if (this.#hidden.size < MOST_TOOLS) this.#hidden.add(name);
    }

    /** Whether a tool is in no list of the server's, as far as that was looked for. */
    isHidden(name: string): boolean {
        return this.#hidden.has(name);
    }

    /** The list has changed, or the session was begun anew. */
    forget(): void {
        this.#listed.clear();
        this.#pages = [];
        this.#unusable.clear();
        this.#hidden.clear();
    }

    /** What a server has listed of a tool. */
    listed(name: string): ListedTool | undefined {
        if (this.#pages.length > 0) this.#look();
        return this.#listed.get(name);
    }

    /** The tool as it was listed. */
    get(name: string): Tool | undefined {
        return this.listed(name)?.tool;
    }

    /** Whether a call of the tool may be repeated: it says of itself that a second one has no effect. */
    repeatable(name: string): boolean {
        const { annotations } = this.get(name) ?? {};
        return annotations?.readOnlyHint === true || annotations?.idempotentHint === true;
    }

    /**
     * A check of a tool's results; undefined when there is nothing to check, or to check by. A `$ref`
     * to elsewhere is not followed: such a schema cannot be used.
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
     * What a schema says of a value. One that cannot be used says nothing: the tool has run, and the result
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

    /** Says of a tool that its outputSchema cannot be used, where that can be seen. */
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

    /** Looks into the pages that were listed. */
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

/** Whether it can be called, and looked at before: the server's text may have more than that. */
function isTool(tool: unknown): tool is Tool {
    return isObject(tool) && typeof tool['name'] === 'string' && isObject(tool['inputSchema']);
}

/** Specification, server/tools, "Output Schema". */
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
