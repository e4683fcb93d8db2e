// Repairs results that the SDK refuses for a harmless fault: null in an optional member, a fault in a
// member that only describes, one unusable entry of a list. This code runs only when the SDK has refused
// a result, and does not change the server's text.
import { isObject } from './json.js';

/** An issue that zod reports. */
interface Issue {
    readonly code: string;
    readonly path: Path;
    readonly message: string;
    readonly expected?: string;
    readonly keys?: string[];
    readonly errors?: Issue[][];
}

type Path = readonly (string | number)[];

/** A change to a result: sets a member to an empty value or, without a value, removes it. */
export interface Edit {
    readonly path: Path;
    readonly value?: unknown;
    /** The warning to log for it. */
    readonly warning?: string;
}

/** The lists whose entries do not depend on each other, and the noun for an entry. */
const LISTS: Readonly<Record<string, string>> = {
    tools: 'tool',
    resources: 'resource',
    resourceTemplates: 'resource template',
    prompts: 'prompt',
    content: 'content block',
    contents: 'content'
};

/** Members that only describe the object that they are in. */
const DESCRIBING: ReadonlySet<unknown> = new Set([
    'title',
    'description',
    'icons',
    'annotations',
    'websiteUrl',
    'mimeType',
    'size',
    '_meta',
    'instructions',
    // Of a completion.
    'total',
    'hasMore'
]);

/** Members whose loss needs a warning. */
const WARNED: ReadonlySet<unknown> = new Set(['outputSchema', 'execution']);

/** The values for members of the handshake that a server leaves out. Caisson decides nothing by them. */
const INTRODUCTION: Readonly<Record<string, unknown>> = { serverInfo: {}, capabilities: {}, name: '', version: '' };

/** How often a result is repaired: each level of nested objects may need one more round. */
const MOST_ROUNDS = 8;

/**
 * Makes the changes after which the SDK accepts a result, and returns them; undefined when no changes
 * help. `objections` returns the SDK's error text, or undefined for a value that the SDK accepts.
 */
export function edits(
    method: string,
    value: unknown,
    objections: (value: unknown) => string | undefined
): Edit[] | undefined {
    if (!isObject(value)) return undefined;
    const made: Edit[] = [];
    for (let round = 0; round < MOST_ROUNDS; round++) {
        const text = objections(value);
        if (text === undefined) return made;
        const issues = parseIssues(text);
        const gentle = issues.flatMap(issue => soften(method, value, issue));
        const edits = gentle.length > 0 ? gentle : cut(value, issues);
        if (!edits || edits.length === 0) return undefined;
        apply(value, edits);
        made.push(...edits);
    }
    return undefined;
}

/** Makes changes. All paths are those from before the first change. */
export function apply(value: Record<string, unknown>, edits: readonly Edit[]): void {
    const entries: [list: unknown[], index: number][] = [];
    for (const { path, value: to } of edits) {
        const parent = at(value, path.slice(0, -1));
        const key = path[path.length - 1] as string | number;
        if (Array.isArray(parent)) {
            if (to !== undefined) parent[key as number] = isObject(to) ? {} : to;
            else entries.push([parent as unknown[], key as number]);
        } else if (isObject(parent)) {
            // A new object or list for each place.
            if (to !== undefined) parent[key] = isObject(to) ? {} : Array.isArray(to) ? [] : to;
            else Reflect.deleteProperty(parent, key);
        }
    }
    const gone = new Map<unknown[], Set<number>>();
    for (const [list, index] of entries) gone.set(list, (gone.get(list) ?? new Set()).add(index));
    for (const [list, indices] of gone) {
        const kept = list.filter((_, i) => !indices.has(i));
        list.splice(0, list.length, ...kept);
    }
}

/** The harmless edits for an issue: remove a null or an unknown member, or make an empty list an object. */
function soften(method: string, value: unknown, issue: Issue, base: Path = []): Edit[] {
    const path = [...base, ...issue.path];
    const found = at(value, path);
    const key = path[path.length - 1];
    if (issue.code === 'unrecognized_keys') return (issue.keys ?? []).map(key => ({ path: [...path, key] }));
    if (found === null && typeof key === 'string') return [{ path }];
    if (issue.code === 'invalid_type' && Array.isArray(found) && found.length === 0 && issue.expected !== 'array')
        return [{ path, value: {} }];
    if (method === 'initialize' || method === 'server/discover') {
        const edit = introduced(path, found);
        if (edit) return [edit];
    }
    if (found === undefined && method === 'tools/call' && path.length === 1 && key === 'content')
        return [{ path, value: [] }];
    return (issue.errors ?? []).flat().flatMap(inner => soften(method, value, inner, path));
}

/** The edit for a member of a server's introduction that is missing, or unusable and optional. */
function introduced(path: Path, found: unknown): Edit | undefined {
    const warned = found === undefined ? {} : { warning: `${path.join('.')} cannot be used and is taken as missing` };
    if (isIntroduction(path)) return { path, value: INTRODUCTION[path[path.length - 1] as string], ...warned };
    // Optional are the members of a capability, and `serverInfo` in `_meta`.
    const [first, second] = path;
    const ofCapability = first === 'capabilities' && path.length > 1;
    const wholeName = first === '_meta' && path.length === 2 && String(second).endsWith('serverInfo');
    const optional = ofCapability || wholeName;
    return found !== undefined && optional ? { path, ...warned } : undefined;
}

/**
 * Whether a path is in a server's introduction of itself: its name and its capabilities, not its revisions.
 */
function isIntroduction(path: Path): boolean {
    const [first, second] = path;
    if (path.length === 1) return first === 'serverInfo' || first === 'capabilities';
    const owner = path[path.length - 2];
    const key = path[path.length - 1];
    return (
        (first === 'serverInfo' || (first === '_meta' && typeof second === 'string')) &&
        typeof owner === 'string' &&
        owner.endsWith('serverInfo') &&
        (key === 'name' || key === 'version')
    );
}

/** Removes faulty members that only describe, and unusable entries; undefined when other faults are left. */
function cut(value: Record<string, unknown>, issues: readonly Issue[]): Edit[] | undefined {
    const cuts = new Map<string, Edit>();
    for (const { path, message } of issues) {
        const [list, index] = path;
        const noun = typeof list === 'string' && typeof index === 'number' ? LISTS[list] : undefined;
        const from = noun === undefined ? 0 : 2;
        const name = noun === undefined ? '' : `the ${noun} ${nameOf(at(value, path.slice(0, 2)), index as number)}`;
        const why = `${path.slice(from).join('.') || 'it'}: ${message}`.slice(0, 200);
        const depth = path.findIndex((key, i) => i >= from && (DESCRIBING.has(key) || WARNED.has(key)));
        const member = depth < 0 ? undefined : path.slice(0, depth + 1);
        let edit: Edit;
        if (member && at(value, member) !== undefined) {
            const warned = WARNED.has(member[depth])
                ? { warning: `${name} is taken without its ${String(member[depth])} (${why})` }
                : {};
            edit = { path: member, ...warned };
        } else if (noun !== undefined) {
            edit = { path: path.slice(0, 2), warning: `${name} cannot be used and is left out (${why})` };
        } else return undefined;
        cuts.set(JSON.stringify(edit.path), edit);
    }
    return [...cuts.values()];
}

/** What an entry is called in warnings: its name, its URI or its place in the list. */
function nameOf(entry: unknown, index: number): string {
    const { name, uri, uriTemplate } = isObject(entry) ? entry : {};
    const called = [name, uri, uriTemplate].find(one => typeof one === 'string' && one !== '');
    return called === undefined ? `number ${index + 1}` : JSON.stringify(called).slice(0, 100);
}

function at(value: unknown, path: Path): unknown {
    let found = value;
    for (const key of path) {
        if (typeof found !== 'object' || found === null || !Object.hasOwn(found, key)) return undefined;
        found = (found as Record<string | number, unknown>)[key];
    }
    return found;
}

/** The issues in the SDK's error text, which has zod's list of them as JSON. */
function parseIssues(text: string): Issue[] {
    try {
        const issues: unknown = JSON.parse(text.slice(text.indexOf('[')));
        return Array.isArray(issues) ? (issues as Issue[]) : [];
    } catch {
        return [];
    }
}
