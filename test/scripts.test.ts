// Scripts under another host: jco in Node. The tests in Go have the rest.
import { beforeAll, describe, expect, test } from 'vitest';

import { isPythonBuilt, transpilePython } from './host/python.js';
import type { Tool } from './host/script.js';
import { ScriptInstance } from './host/script.js';

const TOOLS: Record<string, Tool> = {
    add: ({ a, b }) => ({ content: [], structuredContent: { sum: Number(a) + Number(b) } }),
    text: () => ({ content: [{ type: 'text', text: '{"x":1}' }] }),
    fail: () => ({ content: [{ type: 'text', text: 'as it should' }], isError: true }),
    nothing: () => null as unknown as object,
    list: () => [1]
};

async function run(text: string, input?: unknown, args?: string[]) {
    return (await ScriptInstance.start(TOOLS)).run(text, input, args);
}

async function valueOf(text: string, input?: unknown, args?: string[]): Promise<unknown> {
    const { outcome } = await run(text, input, args);
    if (outcome.tag === 'err') throw new Error(JSON.stringify(outcome.val));
    return outcome.val;
}

test.each([
    ['1 + 1', 2],
    ['return input.n', 7],
    ['export function main(a, b) { return a + b }', 'xy'],
    ['(await tools.test.add({ a: 1, b: 2 })).sum', 3],
    ['await tools.test.text()', { x: 1 }],
    ['(await Promise.all([1, 2, 3].map(n => tools.test.add({ a: n, b: n })))).map(r => r.sum)', [2, 4, 6]],
    ['try { await tools.test.fail() } catch (e) { return [e.name, e.message] }', ['ToolError', 'as it should']],
    ['const before = Date.now(); await sleep(60_000); Date.now() - before', 60_000],
    ['Object.keys(tools.test)', ['add', 'text', 'fail', 'nothing', 'list']],
    // Longer than the host's timers.
    ['const before = Date.now(); await sleep(1e10); Date.now() - before', 10_000_000_000],
    [
        'let n = 0; const id = setInterval(() => n++, 1e10); await sleep(2.5e10); clearTimeout(id); await sleep(1e10); n',
        2
    ],
    ['try { await tools.test.nothing() } catch (e) { return e.code }', 'protocol'],
    ['try { await tools.test.list() } catch (e) { return e.code }', 'protocol'],
    ['search_tools("fail")[0].name', 'fail']
])('%s', async (text, value) => {
    expect(await valueOf(text, { n: 7 }, ['x', 'y'])).toEqual(value);
});

test('a script logs, and its calls come in order', async () => {
    const { log, calls } = await run(
        'print("a", { b: 1 }); await tools.test.add({ a: 1, b: 2 }); console.warn("c"); await tools.test.text()'
    );
    expect(log).toEqual(['info a { b: 1 }', 'warn c']);
    expect(calls).toEqual(['test.add {"a":1,"b":2}', 'test.text {}']);
});

test.each([
    ['let x = ;', { kind: 'syntax', line: 1, column: 9, stack: '' }],
    [
        '\n  throw new RangeError("no")',
        { kind: 'runtime', message: 'RangeError: no', line: 2, stack: 'at test.js:2:9' }
    ],
    ['await tools.test.fail()', { kind: 'tool', message: 'ToolError: as it should', line: 1 }],
    ['await tools.other.x()', { kind: 'tool', message: 'ToolError: there is no other.x' }],
    ['return NaN', { kind: 'invalid-arguments' }]
])('%s fails', async (text, failure) => {
    expect((await run(text)).outcome).toMatchObject({ tag: 'err', val: failure });
});

test('a module keeps what it has', async () => {
    const module = await ScriptInstance.start(TOOLS);
    expect((await module.load('let n = 0; export const count = by => n += by;')).outcome.val).toEqual(['count']);
    await module.call('count', 2);
    expect((await module.call('count', 3)).outcome.val).toBe(5);
    expect((await module.call('other')).outcome).toMatchObject({ tag: 'err', val: { kind: 'not-found' } });
});

test('an instance has one script', async () => {
    const instance = await ScriptInstance.start(TOOLS);
    await instance.run('1');
    expect((await instance.run('2')).outcome).toMatchObject({ tag: 'err', val: { kind: 'invalid-arguments' } });
});

// The component of Python is not in the repository but in its packed form: `make python` builds it.
describe.skipIf(!isPythonBuilt())('Python', () => {
    beforeAll(transpilePython, 600_000);

    const start = () => ScriptInstance.start(TOOLS, 'python');

    test.each([
        ['1 + 1', 2],
        ['return input["n"]', 7],
        ['def main(a, b): return a + b', 'xy'],
        ['(await tools.test.add({"a": 1, "b": 2}))["sum"]', 3],
        ['(await tools.test.add(a=1, b=2))["sum"]', 3],
        ['call_tool("test", "add", {"a": 3, "b": 4})["sum"]', 7],
        ['await tools.test.text()', { x: 1 }],
        [
            'import asyncio\n[r["sum"] for r in await asyncio.gather(*[tools.test.add(a=n, b=n) for n in (1, 2, 3)])]',
            [2, 4, 6]
        ],
        [
            'try:\n    await tools.test.fail()\nexcept ToolError as e:\n    return [type(e).__name__, str(e)]',
            ['ToolError', 'as it should']
        ],
        ['import time\nbefore = time.time(); await sleep(60); round(time.time() - before)', 60],
        ['import time\nbefore = time.time(); time.sleep(60); round(time.time() - before)', 60],
        ['import time\nbefore = time.time(); await sleep(1e7); round(time.time() - before)', 10_000_000],
        ['import time\nbefore = time.time(); time.sleep(1e7); round(time.time() - before)', 10_000_000],
        // What is due before runs behind it, and does not keep it from its end.
        [
            'import asyncio, time\nasyncio.get_event_loop().call_later(1, print); before = time.time(); time.sleep(60); round(time.time() - before)',
            60
        ],
        ['try:\n    await tools.test.nothing()\nexcept ToolError as e:\n    return e.code', 'protocol'],
        ['try:\n    call_tool("test", "list")\nexcept ToolError as e:\n    return e.code', 'protocol'],
        ['list(tools.test)', ['add', 'text', 'fail', 'nothing', 'list']],
        ['search_tools("fail")[0]["name"]', 'fail'],
        [
            'import os, pathlib\ndict(os.environ), [str(p) for p in pathlib.Path("/").glob("*")] if os.path.isdir("/") else []',
            [{}, []]
        ]
    ])('%s', async (text, value) => {
        const { outcome } = await (await start()).run(text, { n: 7 }, ['x', 'y']);
        expect(outcome).toEqual({ tag: 'ok', val: value });
    });

    test('logs, and its calls come in order', async () => {
        const { log, calls } = await (
            await start()
        ).run('print("a", {"b": 1}); await tools.test.add(a=1, b=2); console.warn("c"); await tools.test.text()');
        expect(log).toEqual(["info a {'b': 1}", 'warn c']);
        expect(calls).toEqual(['test.add {"a":1,"b":2}', 'test.text {}']);
    });

    test.each([
        ['x = (', { kind: 'syntax', line: 1, column: 5, stack: '' }],
        ['\nraise ValueError("no")', { kind: 'runtime', message: 'ValueError: no', line: 2, column: 1 }],
        ['await tools.test.fail()', { kind: 'tool', message: 'ToolError: as it should', line: 1 }],
        ['await tools.other.x()', { kind: 'tool', message: 'ToolError: there is no other.x' }],
        ['return object()', { kind: 'invalid-arguments' }]
    ])('%s fails', async (text, failure) => {
        expect((await (await start()).run(text)).outcome).toMatchObject({ tag: 'err', val: failure });
    });

    test('keeps what a module has', async () => {
        const module = await start();
        const source = 'n = 0\ndef count(by):\n    global n\n    n += by\n    return n';
        expect((await module.load(source)).outcome.val).toEqual(['count']);
        await module.call('count', 2);
        expect((await module.call('count', 3)).outcome.val).toBe(5);
        expect((await module.call('other')).outcome).toMatchObject({ tag: 'err', val: { kind: 'not-found' } });
    });
});
