// What the SDK objects to in a result, and nobody is misled by: null in a member that may be absent,
// a member that only describes, one entry of a list that cannot be used. Looked at only when the
// SDK has refused the result; the text of the result stays the server's own.
import { isObject } from './json.js';

/** An objection of zod's. */
interface Issue {
    readonly code: string;
    readonly path: Path;
    readonly message: string;
    readonly expected?: string;
    readonly keys?: string[];
    readonly errors?: Issue[][];
}

type Path = readonly (string | number)[];

/** A change to a result: a member set, to nothing much, or, without a value, taken out. */
export interface Edit {
    readonly path: Path;
    readonly value?: unknown;
    /** What is to be said of it. */
    readonly warning?: string;
}

/** The lists whose entries stand each for itself, and what one is called. */
const LISTS: Readonly<Record<string, string>> = {
    tools: 'tool',
    resources: 'resource',
    resourceTemplates: 'resource template',
    prompts: 'prompt',
    content: 'content block',
    contents: 'content'
};

/** Members that only describe what they belong to. */
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

/** Members whose loss is to be told. */
const WARNED: ReadonlySet<unknown> = new Set(['outputSchema', 'execution']);

/** What stands in the handshake for what a server leaves out, and nothing here is decided by. */
const INTRODUCTION: Readonly<Record<string, unknown>> = { serverInfo: {}, capabilities: {}, name: '', version: '' };

/** An object in an object in a list, and so on: each may need a look of its own. */
const MOST_ROUNDS = 8;

/**
 * The changes that make a result one that the SDK takes; undefined when there are none. `objections`
 * gives what the SDK says of it, and undefined when it takes it. The value is changed.
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

/** Makes changes, all by the places that things had before. */
export function apply(value: Record<string, unknown>, edits: readonly Edit[]): void {
    const entries: [list: unknown[], index: number][] = [];
    for (const { path, value: to } of edits) {
        const parent = at(value, path.slice(0, -1));
        const key = path[path.length - 1] as string | number;
        if (Array.isArray(parent)) {
            if (to !== undefined) parent[key as number] = isObject(to) ? {} : to;
            else entries.push([parent as unknown[], key as number]);
        } else if (isObject(parent)) {
            // Each gets an object, or a list, of its own.
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

/** What nobody would miss: null and what is no member, and an empty list for an empty object. */
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

/** What is done to a member of a server's introduction that is missing, or is taken as missing. */
function introduced(path: Path, found: unknown): Edit | undefined {
    const warned = found === undefined ? {} : { warning: `${path.join('.')} cannot be used and is taken as missing` };
    if (isIntroduction(path)) return { path, value: INTRODUCTION[path[path.length - 1] as string], ...warned };
    // What a server says of one capability, and its whole name where that may be left out.
    const [first, second] = path;
    const ofCapability = first === 'capabilities' && path.length > 1;
    const wholeName = first === '_meta' && path.length === 2 && String(second).endsWith('serverInfo');
    const optional = ofCapability || wholeName;
    return found !== undefined && optional ? { path, ...warned } : undefined;
}

/** What belongs to a server's introduction of itself: its name and what it can do, and not its revisions. */
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

/** Members that only describe, and entries that cannot be used; undefined when that is not all. */
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

/** How an entry is called: by its name, its address, or its place. */
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

/** The SDK gives zod's issues as zod writes them: a list as JSON. */
function parseIssues(text: string): Issue[] {
    try {
        const issues: unknown = JSON.parse(text.slice(text.indexOf('[')));
        return Array.isArray(issues) ? (issues as Issue[]) : [];
    } catch {
        return [];
    }
}
