// The tools that declarations are made of.

import { isObject } from '../protocol/json.js';
import { pascalCase, type Names } from './names.js';
import { Room } from './room.js';
import { readSchema } from './schema.js';
import { RECORD, type Definition, type Type } from './type.js';

/** A tool of a server, as far as declarations and the search look at it. */
export interface Tool {
    readonly server: string;
    readonly name: string;
    readonly title: string;
    readonly description: string;
    readonly input: unknown;
    /** The `outputSchema`; undefined when there is none. */
    readonly output: unknown;
}

/** So many tools are looked at; what comes after them is left out. */
const MAX_TOOLS = 10_000;
/** Tools, and servers, with a longer name are left out: nobody would write it. */
const MAX_NAME = 512;

/** Reads an array of {"server": NAME, "tool": the protocol's Tool object}. What is none is left out. */
export function readTools(value: unknown): Tool[] {
    const tools: Tool[] = [];
    const seen = new Set<string>();
    for (const entry of Array.isArray(value) ? value.slice(0, MAX_TOOLS) : []) {
        const tool = readTool(entry);
        if (!tool) continue;
        const key = JSON.stringify([tool.server, tool.name]);
        if (!seen.has(key)) tools.push(tool);
        seen.add(key);
    }
    return tools;
}

function readTool(entry: unknown): Tool | undefined {
    if (!isObject(entry) || !isObject(entry['tool'])) return undefined;
    const tool = entry['tool'];
    const text = (object: Record<string, unknown>, name: string): string => {
        const value = Object.hasOwn(object, name) ? object[name] : undefined;
        return typeof value === 'string' ? value : '';
    };
    const [server, name] = [text(entry, 'server'), text(tool, 'name')];
    if (name === '' || name.length > MAX_NAME || server.length > MAX_NAME) return undefined;
    const annotations = isObject(tool['annotations']) ? tool['annotations'] : {};
    return {
        server,
        name,
        title: text(tool, 'title') || text(annotations, 'title'),
        description: text(tool, 'description'),
        input: Object.hasOwn(tool, 'inputSchema') ? tool['inputSchema'] : true,
        output: Object.hasOwn(tool, 'outputSchema') ? tool['outputSchema'] : undefined
    };
}

/** A tool with its types. */
export interface TypedTool extends Tool {
    readonly arguments: Definition;
    /** Whether the tool may be called without arguments. */
    readonly isOptional: boolean;
    /** Undefined when the tool does not say what it answers. */
    readonly result: Definition | undefined;
    /** Both, and what they refer to. */
    readonly definitions: readonly Definition[];
    /** Whether the schemas are larger than what was read of them. */
    readonly isCut: boolean;
}

/** So many steps the schemas of one tool are read for. */
const MAX_STEPS = 4000;

/** Reads the schemas of a tool. */
export function typed(tool: Tool, names: Names): TypedTool {
    const room = new Room(MAX_STEPS);
    const name = pascalCase(tool.server) + pascalCase(tool.name);
    const input = readSchema(tool.input, `${name}Arguments`, names, room);
    const output = tool.output === undefined ? [] : readSchema(tool.output, `${name}Result`, names, room);
    const [first] = input as [Definition];
    // The protocol has arguments as an object, whatever the schema says.
    if (!isObjects(first.type)) first.type = RECORD;
    return {
        ...tool,
        arguments: first,
        isOptional: allowsEmpty(first.type),
        result: output[0],
        definitions: [...input, ...output],
        isCut: room.exhausted
    };
}

/** Names are followed so far. */
const MAX_NAMES = 8;

/** Whether a type has only objects. */
function isObjects(type: Type | undefined, depth = 0): boolean {
    if (type?.kind === 'union') return type.of.every(member => isObjects(member, depth));
    if (type?.kind === 'reference') return depth < MAX_NAMES && isObjects(type.to.type, depth + 1);
    return type?.kind === 'object';
}

/** Whether the empty object is of a type. */
function allowsEmpty(type: Type | undefined, depth = 0): boolean {
    if (type?.kind === 'union') return type.of.some(member => allowsEmpty(member, depth));
    if (type?.kind === 'reference') return depth < MAX_NAMES && allowsEmpty(type.to.type, depth + 1);
    return type?.kind === 'object' && [...type.properties.values()].every(property => !property.required);
}
