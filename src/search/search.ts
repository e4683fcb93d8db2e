// Finds tools by words (Okapi BM25 over fields): a word counts more the rarer it is among the tools, and more in
// a name than in a description.

import { describe, type Detail, type Language } from '../declarations/declarations.js';
import { readTools, type Tool } from '../declarations/tool.js';
import { isObject } from '../protocol/json.js';
import { words } from './words.js';

/** A tool that was found. */
export interface Found {
    readonly server: string;
    readonly tool: string;
    /** Above 0, and only to be compared with others of the same search; 0 when no words were asked for. */
    readonly score: number;
    /** What the tool is for, or how it is called: see `Detail`. */
    readonly text: string;
}

export interface SearchOptions {
    /** 1 to 100. */
    readonly limit: number;
    readonly language: Language;
    readonly detail: Detail;
}

/** So many tools are found at most. */
const MAX_FOUND = 100;
/** So many words are looked for, and so many names of parameters looked at. */
const MAX_WORDS = 32;
const MAX_PARAMETERS = 200;

/** How soon a word that occurs again counts less, and how much a long text counts less. */
const K = 1.2;
const B = 0.75;

/** Finds tools, and says of each how it is called. */
export function search(list: unknown, text: string, options: SearchOptions): Found[] {
    return rank(list, text, options.limit).map(({ tool, score }) => ({
        server: tool.server,
        tool: tool.name,
        score,
        text: describe(tool, options.language, options.detail)
    }));
}

/** Finds tools: the best first, and among equals in the order of the list. Without words, the first of the list. */
export function rank(list: unknown, text: string, limit: number): { tool: Tool; score: number }[] {
    const tools = readTools(list);
    const wanted = [...new Set(words(text))].slice(0, MAX_WORDS);
    const scores = wanted.length > 0 ? score(tools, wanted) : tools.map(() => 0);
    const ranked = tools.map((tool, at) => ({ tool, at, score: scores[at] ?? 0 }));
    const found = wanted.length > 0 ? ranked.filter(({ score }) => score > 0) : ranked;
    found.sort((a, b) => b.score - a.score || a.at - b.at);
    return found.slice(0, Math.max(1, Math.min(limit, MAX_FOUND)));
}

interface Field {
    readonly weight: number;
    read(tool: Tool): string[];
}

const FIELDS: readonly Field[] = [
    { weight: 4, read: tool => words(tool.name) },
    { weight: 2, read: tool => words(tool.server) },
    { weight: 3, read: tool => words(tool.title) },
    { weight: 1.5, read: tool => words(tool.description) },
    { weight: 1, read: tool => parameters(tool).flatMap(words) }
];

function parameters({ input }: Tool): string[] {
    const properties = isObject(input) && Object.hasOwn(input, 'properties') ? input['properties'] : undefined;
    return isObject(properties) ? Object.keys(properties).slice(0, MAX_PARAMETERS) : [];
}

function score(tools: readonly Tool[], wanted: readonly string[]): number[] {
    // How often each word occurs in each tool, by the weights of the fields.
    const frequencies = tools.map(() => new Float64Array(wanted.length));
    for (const field of FIELDS) {
        const texts = tools.map(tool => field.read(tool));
        const average = texts.reduce((sum, { length }) => sum + length, 0) / tools.length || 1;
        texts.forEach((text, at) => {
            const share = field.weight / (1 - B + (B * text.length) / average);
            const counts = frequencies[at] as Float64Array;
            wanted.forEach((word, i) => (counts[i] = (counts[i] ?? 0) + share * occurrences(text, word)));
        });
    }
    const rarity = wanted.map((_, i) => {
        const having = frequencies.filter(counts => (counts[i] ?? 0) > 0).length;
        return Math.log(1 + (tools.length - having + 0.5) / (having + 0.5));
    });
    return frequencies.map(counts => {
        const sum = rarity.reduce((sum, rare, i) => sum + (rare * (counts[i] ?? 0)) / (K + (counts[i] ?? 0)), 0);
        // The last digits of a logarithm differ between engines.
        return Math.round(sum * 1e6) / 1e6;
    });
}

/** How often a word occurs. A longer one that begins with it counts half. */
function occurrences(text: readonly string[], word: string): number {
    let count = 0;
    for (const other of text) {
        if (other === word) count += 1;
        else if (word.length >= 3 && other.startsWith(word)) count += 0.5;
    }
    return count;
}
