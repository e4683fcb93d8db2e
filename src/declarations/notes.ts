// What a schema says for people: descriptions, and the keywords that no type has.

import { isObject } from '../protocol/json.js';
import { own } from './reference.js';
import type { Room } from './room.js';
import type { Notes } from './type.js';

/** What a comment says of a schema. */
export function readNotes(schema: unknown, room: Room): Notes {
    if (!isObject(schema)) return { description: undefined, deprecated: false, facts: [] };
    const facts: [string, string][] = [];
    if (Object.hasOwn(schema, 'default')) facts.push(['default', shown(schema['default'], room)]);
    for (const name of FACTS) {
        const value = own(schema, name);
        if (typeof value === 'string' || typeof value === 'number' || value === true) {
            facts.push([name, String(value)]);
        }
    }
    const texts = [own(schema, 'description'), own(schema, 'title')];
    const description = texts.find(text => typeof text === 'string' && text !== '') as string | undefined;
    return { description, deprecated: own(schema, 'deprecated') === true, facts };
}

/** Keywords that a comment says, since no type does. */
const FACTS = [
    'format',
    'pattern',
    'minimum',
    'maximum',
    'exclusiveMinimum',
    'exclusiveMaximum',
    'multipleOf',
    'minLength',
    'maxLength',
    'minItems',
    'maxItems',
    'uniqueItems'
];

/** A value in a comment has so many items or members of each kind, and lies so deep, at most. */
const MAX_SHOWN = 10;
const MAX_SHOWN_DEPTH = 4;
const MAX_SHOWN_TEXT = 80;

/** A value as a comment shows it: JSON, shortened. */
function shown(value: unknown, room: Room, depth = 0): string {
    if (typeof value === 'string') {
        return JSON.stringify(value.length > MAX_SHOWN_TEXT ? `${value.slice(0, MAX_SHOWN_TEXT)}…` : value);
    }
    if (typeof value !== 'object' || value === null) return JSON.stringify(value);
    if (room.exhausted) return Array.isArray(value) ? '[…]' : '{…}';
    const entries = Object.entries(value);
    const fits = depth < MAX_SHOWN_DEPTH && room.take(entries.length);
    const parts = (fits ? entries.slice(0, MAX_SHOWN) : []).map(([name, part]) => {
        const text = shown(part, room, depth + 1);
        return Array.isArray(value) ? text : `${shown(name, room)}: ${text}`;
    });
    if (entries.length > parts.length) parts.push('…');
    return Array.isArray(value) ? `[${parts.join(', ')}]` : `{${parts.join(', ')}}`;
}
