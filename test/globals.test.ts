// What scripts are told that they have is what they have.
import ts from 'typescript';
import { expect, test } from 'vitest';

import { declare } from '../src/declarations/declarations.js';
import { ScriptInstance } from './host/script.js';

/** What TypeScript's libraries declare, and the engine does not have. docs/scripts.md says so. */
const MISSING = ['Atomics', 'Intl', 'SharedArrayBuffer'];

/** The declared globals that are values, with the members that a value of each has. */
function declared(lib: string): { names: string[]; ours: Map<string, { own: string[]; made: string[] }> } {
    const file = 'tools.d.ts';
    const text = declare([], 'typescript');
    const options = { noEmit: true, target: ts.ScriptTarget.ESNext, lib: [lib], types: [] };
    const host = ts.createCompilerHost(options, true);
    const getSourceFile = host.getSourceFile.bind(host);
    host.getSourceFile = (name, ...rest) =>
        name === file ? ts.createSourceFile(name, text, ts.ScriptTarget.ESNext, true) : getSourceFile(name, ...rest);
    const program = ts.createProgram([file], options, host);
    const checker = program.getTypeChecker();
    const source = program.getSourceFile(file) as ts.SourceFile;
    const isOurs = (symbol: ts.Symbol) => symbol.declarations?.some(one => one.getSourceFile() === source) === true;
    const symbols = checker.getSymbolsInScope(source, ts.SymbolFlags.Value);
    const members = (type: ts.Type) =>
        type
            .getProperties()
            .filter(one => isOurs(one) && !one.name.startsWith('__@'))
            .map(one => one.name);
    const ours = new Map(
        symbols.filter(isOurs).map(symbol => {
            const type = checker.getTypeOfSymbol(symbol);
            const [construct] = type.getConstructSignatures();
            return [symbol.name, { own: members(type), made: construct ? members(construct.getReturnType()) : [] }];
        })
    );
    return { names: symbols.map(({ name }) => name), ours };
}

async function valueOf(source: string, input: unknown): Promise<unknown> {
    const { outcome } = await (await ScriptInstance.start({})).run(source, input);
    if (outcome.tag === 'err') throw new Error(JSON.stringify(outcome.val));
    return outcome.val;
}

/** What `import` becomes in the source of a script. */
const IMPORT = 'impørt';

const LANGUAGE = ['undefined', 'globalThis', 'arguments'];

test('a script has the globals that are declared, and no others', async () => {
    const real = (await valueOf('Object.getOwnPropertyNames(globalThis)', null)) as string[];
    const known = new Set([...LANGUAGE, ...real]);
    const here = declared('lib.es2023.d.ts').names.filter(name => !known.has(name));
    expect(here.sort()).toEqual(MISSING);
    // A script may have more of the language than ES2023 declares.
    const newest = new Set(declared('lib.esnext.d.ts').names);
    expect(real.filter(name => !newest.has(name) && !LANGUAGE.includes(name) && name !== IMPORT)).toEqual([]);
});

test('they have the members that are declared', async () => {
    const { ours } = declared('lib.es2023.d.ts');
    expect(ours.size).toBeGreaterThan(30);
    // Each error has these of its own.
    ours.delete('ToolError');
    ours.delete('tools');
    const missing = await valueOf(
        `// Some members are an object's own, and not of its prototype.
        const made = { TextDecoderStream: new TextDecoderStream() };
        return input.flatMap(([name, { own, made: members }]) => [
            ...own.filter(one => !(one in globalThis[name])).map(one => name + '.' + one),
            ...members.filter(one => !(one in (made[name] ?? globalThis[name].prototype))).map(one => name + '.prototype.' + one)
        ])`,
        [...ours].filter(([, { own, made }]) => own.length + made.length > 0)
    );
    expect(missing).toEqual([]);
});

test('an error of a tool has what is declared', async () => {
    const { made } = declared('lib.es2023.d.ts').ours.get('ToolError') as { made: string[] };
    expect(made).toContain('structuredContent');
    const source = 'try { await tools.no.no() } catch (e) { return input.filter(one => !(one in e)) }';
    expect(await valueOf(source, made)).toEqual([]);
});

test.each([
    ['AbortSignal.timeout(5)', 'TimeoutError'],
    ['AbortSignal.any([new AbortController().signal, AbortSignal.timeout(5)])', 'TimeoutError'],
    ['AbortSignal.any([AbortSignal.timeout(9), AbortSignal.abort(new RangeError("x"))])', 'RangeError']
])('%s ends', async (signal, reason) => {
    const source = `const signal = ${signal}; await sleep(50); return [signal instanceof AbortSignal, signal.aborted, signal.reason.name]`;
    expect(await valueOf(source, null)).toEqual([true, true, reason]);
});
