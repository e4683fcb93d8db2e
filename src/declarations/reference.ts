// Where references of a schema lead. They never lead out of its document.

import { isObject } from '../protocol/json.js';

export type Schema = Record<string, unknown>;

/** A longer reference, in characters, leads nowhere. */
const MAX_REFERENCE = 1000;
/** So many parts has a JSON pointer at most. */
const MAX_POINTER = 32;
/** So many parts of a document are searched for anchors. */
const MAX_SEARCHED = 5000;

/** A member of an object that is its own: a schema may have a member `constructor`, or none. */
export function own(object: Schema, name: string): unknown {
    return Object.hasOwn(object, name) ? object[name] : undefined;
}

/** The references of one document. */
export class References {
    private anchors: Map<string, Schema> | undefined;

    constructor(private readonly root: unknown) {}

    /** The schema that a reference leads to, and a name for it; undefined where it leads out of the document. */
    target(reference: string): { schema: unknown; name: string } | undefined {
        if (reference.length > MAX_REFERENCE) return undefined;
        const id = isObject(this.root) ? own(this.root, '$id') : undefined;
        const text =
            typeof id === 'string' && id !== '' && reference.startsWith(id) ? reference.slice(id.length) : reference;
        if (text === '' || text === '#') return { schema: this.root, name: '' };
        if (text.startsWith('#/')) return pointed(this.root, text.slice(2));
        const name = text.startsWith('#') ? text.slice(1) : text;
        const schema = (this.anchors ??= anchors(this.root)).get(text);
        return schema && { schema, name };
    }
}

/** Follows a JSON pointer (RFC 6901) in the form of a fragment. */
function pointed(root: unknown, pointer: string): { schema: unknown; name: string } | undefined {
    const parts = pointer.split('/', MAX_POINTER + 1);
    if (parts.length > MAX_POINTER) return undefined;
    let schema = root;
    let name = '';
    for (const part of parts) {
        name = decoded(part).replaceAll('~1', '/').replaceAll('~0', '~');
        if (typeof schema !== 'object' || schema === null) return undefined;
        schema = own(schema as Schema, name);
    }
    return { schema, name };
}

function decoded(part: string): string {
    try {
        return decodeURIComponent(part);
    } catch {
        return part;
    }
}

/** The schemas in a document that have a name of their own: `#anchor`, or an id. */
function anchors(root: unknown): Map<string, Schema> {
    const found = new Map<string, Schema>();
    const waiting: unknown[] = [root];
    for (let searched = 0; searched < waiting.length && searched < MAX_SEARCHED; searched++) {
        const value = waiting[searched];
        if (typeof value !== 'object' || value === null) continue;
        if (!Array.isArray(value)) {
            const schema = value as Schema;
            for (const keyword of ['$anchor', '$dynamicAnchor', '$id', 'id']) {
                const name = own(schema, keyword);
                if (typeof name !== 'string') continue;
                const key = keyword.endsWith('nchor') ? `#${name}` : name;
                if (!found.has(key)) found.set(key, schema);
            }
        }
        for (const part of Object.values(value)) if (waiting.length < MAX_SEARCHED) waiting.push(part);
    }
    return found;
}
