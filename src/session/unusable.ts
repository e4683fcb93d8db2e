// Finds output schemas that cannot be used. The core warns of them when the tool is listed: once the tool
// has run, its result is worth more than the check.
import { isObject } from '../protocol/json.js';

/** Deeper parts of a schema are left to the first check of a result. */
const MOST_DEPTH = 64;

/** Members that map names to schemas. */
const NAMED: ReadonlySet<string> = new Set([
    'properties',
    'patternProperties',
    '$defs',
    'definitions',
    'dependentSchemas'
]);

/** Members whose value is data, and not a schema. */
const DATA: ReadonlySet<string> = new Set(['default', 'const', 'enum', 'examples']);

/** The dialects that schemas may name. */
const DIALECT = /^https?:\/\/json-schema\.org\/(draft\/2020-12|draft\/2019-09|draft-07|draft-06)\/schema#?$/;

/** Why a schema cannot be used; undefined when nothing wrong was found. */
export function unusable(root: object): string | undefined {
    if (isObject(root) && typeof root['$schema'] === 'string' && !DIALECT.test(root['$schema']))
        return `${quote(root['$schema'])} is a dialect that is not known`;
    // With `$id` in a schema, only the first check of a result can resolve references.
    const referring = !JSON.stringify(root).includes('"$id"');

    function why(schema: unknown, depth: number): string | undefined {
        if (Array.isArray(schema)) return first(schema, depth);
        if (!isObject(schema) || depth > MOST_DEPTH) return undefined;
        const { $ref, pattern } = schema;
        if (referring && typeof $ref === 'string' && !resolves(root, $ref)) return `${quote($ref)} leads nowhere`;
        const patterns = isObject(schema['patternProperties']) ? Object.keys(schema['patternProperties']) : [];
        if (typeof pattern === 'string') patterns.push(pattern);
        const wrong = patterns.find(one => !isPattern(one));
        if (wrong !== undefined) return `${quote(wrong)} is no regular expression`;
        const inner = Object.entries(schema).filter(([name]) => !DATA.has(name));
        return first(
            inner.flatMap(([name, value]) => (NAMED.has(name) && isObject(value) ? Object.values(value) : [value])),
            depth
        );
    }

    function first(schemas: unknown[], depth: number): string | undefined {
        for (const schema of schemas) {
            const found = why(schema, depth + 1);
            if (found !== undefined) return found;
        }
        return undefined;
    }

    return why(root, 0);
}

/** Whether a reference leads to a place in the same schema. The core fetches no other documents. */
function resolves(root: unknown, reference: string): boolean {
    if (!reference.startsWith('#')) return false;
    // The reference is an anchor, and not a pointer.
    if (reference !== '#' && !reference.startsWith('#/')) return true;
    let found = root;
    for (const part of reference.split('/').slice(1)) {
        const name = unescaped(part);
        if (typeof found !== 'object' || found === null || !Object.hasOwn(found, name)) return false;
        found = (found as Record<string, unknown>)[name];
    }
    return true;
}

function unescaped(part: string): string {
    const slashed = part.replaceAll('~1', '/').replaceAll('~0', '~');
    try {
        return decodeURIComponent(slashed);
    } catch {
        return slashed;
    }
}

function isPattern(text: string): boolean {
    try {
        new RegExp(text, 'u');
        return true;
    } catch {
        return false;
    }
}

function quote(text: string): string {
    return JSON.stringify(text.slice(0, 100));
}
