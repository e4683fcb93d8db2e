// Scripts in QuickJS, compiled to WebAssembly, on Node: one instance of the module, and in it an engine for
// each run.
import { getQuickJS } from 'quickjs-emscripten';

import { call, serve } from './pipe.mjs';

const TOOLS = `
const tools = { go: {} };
for (const name of ['add', 'meet'])
    tools.go[name] = async args => JSON.parse(await call(name, JSON.stringify(args)));`;

const QuickJS = await getQuickJS();

/** Gives a run a function that calls the program's. */
function grant(context) {
    const granted = context.newFunction('call', (name, args) => {
        const answer = context.newPromise();
        answer.settled.then(() => context.runtime.executePendingJobs());
        call(context.getString(name), JSON.parse(context.getString(args))).then(
            value => context.newString(JSON.stringify(value)).consume(text => answer.resolve(text)),
            error => context.newError(String(error)).consume(text => answer.reject(text))
        );
        return answer.handle;
    });
    granted.consume(handle => context.setProp(context.global, 'call', handle));
    context.unwrapResult(context.evalCode(TOOLS)).dispose();
}

serve(async source => {
    const context = QuickJS.newContext();
    try {
        grant(context);
        const began = performance.now();
        const promise = context.unwrapResult(context.evalCode(`(async () => {${source}\n})().then(JSON.stringify)`));
        const settled = context.resolvePromise(promise);
        context.unwrapResult(context.runtime.executePendingJobs());
        const text = context.unwrapResult(await settled);
        const computing = performance.now() - began;
        promise.dispose();
        return [JSON.parse(text.consume(context.getString)), computing];
    } finally {
        context.dispose();
    }
});
