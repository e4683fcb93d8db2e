import { describe, expect, test } from 'vitest';

import { search, type SearchOptions } from '../src/search/search.js';
import { words } from '../src/search/words.js';
import { hostile } from './declarations/cases.js';

const BRIEF: SearchOptions = { limit: 10, language: 'typescript', detail: 'brief' };

function entry(server: string, name: string, description = '', properties: Record<string, unknown> = {}): unknown {
    return { server, tool: { name, description, inputSchema: { type: 'object', properties } } };
}

const TOOLS = [
    entry('filesystem', 'read_text_file', 'Read the complete contents of a file as text.', { path: {}, head: {} }),
    entry('filesystem', 'write_file', 'Create a new file or overwrite an existing file.', { path: {}, content: {} }),
    entry('filesystem', 'list_directory', 'Get a listing of all files and directories in a path.', { path: {} }),
    entry('github', 'create_issue', 'Opens an issue in a repository.', { title: {}, body: {} }),
    entry('github', 'listPullRequests', 'Lists the pull requests of a repository.', { state: {} }),
    entry('memory', 'create_entities', 'Create several entities in the knowledge graph.', { entities: {} }),
    entry('weather', 'forecast', '明日の天気を調べる', { city: {} })
];

const names = (text: string, options: Partial<SearchOptions> = {}) =>
    search(TOOLS, text, { ...BRIEF, ...options }).map(({ tool }) => tool);

describe('words', () => {
    test.each([
        ['read_text_file', ['read', 'text', 'file']],
        ['listPullRequests', ['list', 'pull', 'request']],
        ['HTTPServer2Go', ['http', 'server', '2', 'go']],
        ['getURL', ['get', 'url']],
        ['XMLHttpRequest', ['xml', 'http', 'request']],
        ['Ünïcode-Wörter', ['ünïcode', 'wörter']],
        ['ÄÖTest', ['äö', 'test']],
        ['天気 tokyo', ['天', '気', 'tokyo']],
        ['directories, boxes & class', ['directory', 'boxe', 'class']],
        ['a😀b', ['a', 'b']],
        [' -- ', []],
        ['', []],
        ['x'.repeat(10_000), ['x'.repeat(4000)]]
    ])('of %j', (text, expected) => expect(words(text)).toEqual(expected));

    test('of a long text are bounded', () => expect(words('a b '.repeat(1000))).toHaveLength(500));
});

describe('a search', () => {
    test.each([
        ['read a file', 'read_text_file'],
        ['READ FILES', 'read_text_file'],
        ['create issue', 'create_issue'],
        ['pull request', 'listPullRequests'],
        ['directory', 'list_directory'],
        ['direct', 'list_directory'],
        ['knowledge', 'create_entities'],
        ['entity', 'create_entities'],
        ['city', 'forecast'],
        ['天気', 'forecast'],
        ['memory', 'create_entities'],
        ['overwrite', 'write_file']
    ])('for %j finds %s first', (text, tool) => expect(names(text)[0]).toBe(tool));

    test('finds nothing for words that nobody has', () => expect(names('teleport')).toEqual([]));

    test('without words gives the first tools', () => {
        expect(names('  ', { limit: 2 })).toEqual(['read_text_file', 'write_file']);
    });

    test('has a limit', () => {
        expect(names('file', { limit: 1 })).toHaveLength(1);
        expect(names('file', { limit: 0 })).toHaveLength(1);
        const many = Array.from({ length: 500 }, (_, i) => entry('s', `file_${String(i)}`));
        expect(search(many, 'file', { ...BRIEF, limit: 1000 })).toHaveLength(100);
    });

    test('keeps the order of the list among equals', () => {
        const same = ['b', 'a', 'c'].map(server => entry(server, 'same'));
        expect(search(same, 'same', BRIEF).map(({ server }) => server)).toEqual(['b', 'a', 'c']);
    });

    test('counts a rare word more', () => {
        expect(names('file graph')[0]).toBe('create_entities');
    });

    test('says of a tool as much as is wanted', () => {
        const [brief] = search(TOOLS, 'overwrite', BRIEF);
        expect(brief).toMatchObject({ server: 'filesystem', tool: 'write_file' });
        expect(brief?.text).toBe('tools.filesystem.write_file: Create a new file or overwrite an existing file');
        const [python] = search(TOOLS, 'overwrite', { limit: 1, language: 'python', detail: 'full' });
        expect(python?.text).toContain('class FilesystemWriteFileArguments(TypedDict)');
    });

    test('is bounded, whatever the tools and the words are', () => {
        const list = Object.entries(hostile()).map(([name, schema]) => ({
            server: 's',
            tool: { name, inputSchema: schema }
        }));
        const long = Array.from({ length: 5000 }, (_, i) =>
            entry('s'.repeat(500), `t${String(i)}`, 'file '.repeat(10_000))
        );
        for (const tools of [list, long]) {
            const found = search(tools, 'wide '.repeat(100_000) + 'file', { ...BRIEF, detail: 'full' });
            expect(JSON.stringify(found).length).toBeLessThan(1_000_000);
        }
        for (const odd of [undefined, null, {}, [null], [{ server: 's', tool: { name: 'x', inputSchema: 5 } }]]) {
            expect(search(odd, 'x', BRIEF).length).toBeLessThan(2);
        }
        expect(search(TOOLS, '__proto__ constructor', BRIEF)).toEqual([]);
    });
});
