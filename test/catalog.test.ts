// The catalog of the built component: what the functions below it give, in the engine that the core runs in.
import { beforeAll, expect, test } from 'vitest';

import { declare } from '../src/declarations/declarations.js';
import { search, type SearchOptions } from '../src/search/search.js';
import { ODD, TEXTS } from './declarations/cases.js';
import { type Core, instantiate } from './host/component.js';

let core: Core;
beforeAll(async () => {
    core = await instantiate({ timers: { set: () => undefined, clear: () => undefined }, now: () => 0 });
});

const entries = (schemas: Record<string, unknown>) =>
    Object.entries(schemas).map(([name, inputSchema]) => ({ server: 'a server', tool: { name, inputSchema } }));

const texts = TEXTS.map((text, i) => ({
    server: 's',
    tool: { name: `t${String(i)}`, description: text.toWellFormed() }
}));

test.each([
    ['odd', entries(ODD)],
    ['texts', texts]
])('declares %s tools as it does outside', (_, tools) => {
    const text = JSON.stringify(tools);
    for (const language of ['typescript', 'python'] as const) {
        const outside = declare(JSON.parse(text), language);
        // Twice, since what is large is freed in its own way.
        for (let i = 0; i < 2; i++) expect(core.catalog.declare(text, language) === outside).toBe(true);
    }
});

test('finds tools as it does outside', () => {
    const tools = [...entries(ODD), ...texts];
    const options: SearchOptions = { limit: 5, language: 'python', detail: 'full' };
    for (const text of ['names', 'tuples unions', '日本', '', 'line feed \u202e']) {
        const found = core.catalog.search(JSON.stringify(tools), text, 5, 'python', 'full');
        expect(JSON.parse(found)).toEqual(search(tools, text, options));
    }
});

test.each(['', '[', 'null', '{}', '[[]]'])('is not upset by %.10s', text => {
    const isJSON = text.length > 1;
    for (const call of [
        () => core.catalog.declare(text, 'typescript'),
        () => core.catalog.search(text, 'x', 1, 'python', 'brief')
    ]) {
        if (isJSON) expect(call().length).toBeGreaterThan(1);
        else expect(call).toThrow('the tools are not JSON');
    }
});
