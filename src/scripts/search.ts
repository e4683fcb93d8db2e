// Finds tools by words.
import {
    append,
    charCodeAt,
    log10,
    lowerCase,
    makeMap,
    mapEach,
    mapGet,
    mapSet,
    slice,
    sort,
    stringify
} from './primordials.js';
import type { ListedTool } from './tools.js';

/** A tool that was found. */
export interface FoundTool {
    server: string;
    name: string;
    description: string;
}

const MOST = 10;

/** The words of a text, in small letters: `readFile` and `read_file` have two. */
function words(text: string): string[] {
    const found: string[] = [];
    let start = 0;
    let before = '';
    for (let i = 0; i <= text.length; i++) {
        const kind = i < text.length ? kindOf(charCodeAt(text, i)) : '';
        if (kind === before && kind !== '') continue;
        // A word may begin with a capital: that is no other word.
        if (before === 'A' && kind === 'a' && i - start === 1) {
            before = kind;
            continue;
        }
        if (before !== '') append(found, lowerCase(slice(text, start, i)));
        start = i;
        before = kind;
    }
    return found;
}

function kindOf(code: number): string {
    if (code >= 48 && code <= 57) return '0';
    if (code >= 65 && code <= 90) return 'A';
    if ((code >= 97 && code <= 122) || code > 127) return 'a';
    return '';
}

/** Words that differ only in how they end count as the same: it is by its beginning that a word is found. */
function matches(word: string, wanted: string): boolean {
    return word === wanted || (wanted.length > 2 && slice(word, 0, wanted.length) === wanted);
}

/** The tools that have the most, and the rarest, of the words; the best first. */
export function search(tools: ListedTool[], text: string, most = MOST): FoundTool[] {
    const wanted = words(text);
    const has: Map<string, number>[] = [];
    const inTools = new makeMap<string, number>();
    for (let i = 0; i < tools.length; i++) {
        const weights = weigh(tools[i] as ListedTool, wanted);
        append(has, weights);
        mapEach(weights, (_, word) => mapSet(inTools, word, (mapGet(inTools, word) ?? 0) + 1));
    }
    const scored: { score: number; at: number }[] = [];
    for (let i = 0; i < tools.length; i++) {
        let score = 0;
        mapEach(has[i] as Map<string, number>, (weight, word) => {
            score += weight * log10(1 + tools.length / (mapGet(inTools, word) as number));
        });
        if (score > 0 || wanted.length === 0) append(scored, { score, at: i });
    }
    sort(scored, (a, b) => b.score - a.score || a.at - b.at);
    const found: FoundTool[] = [];
    for (let i = 0; i < scored.length && i < most; i++) {
        const { server, tool } = tools[(scored[i] as { at: number }).at] as ListedTool;
        append(found, { server, name: tool.name, description: tool.description ?? '' });
    }
    return found;
}

/** How much of each word a tool has: a name says more than a description, and that more than a schema. */
function weigh({ server, tool }: ListedTool, wanted: string[]): Map<string, number> {
    const weights = new makeMap<string, number>();
    const parts: [string, number][] = [
        [`${server} ${tool.name}`, 4],
        [tool.description ?? '', 2],
        [stringify((tool as { inputSchema?: unknown }).inputSchema) ?? '', 1]
    ];
    for (let p = 0; p < parts.length; p++) {
        const part = parts[p] as [string, number];
        const there = words(part[0]);
        for (let w = 0; w < wanted.length; w++) {
            const word = wanted[w] as string;
            let n = 0;
            for (let i = 0; i < there.length; i++) if (matches(there[i] as string, word)) n++;
            // The second time that a word is there says little.
            if (n > 0) mapSet(weights, word, (mapGet(weights, word) ?? 0) + part[1] * (1 + log10(n)));
        }
    }
    return weights;
}
