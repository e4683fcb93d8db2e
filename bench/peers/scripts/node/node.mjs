// Scripts in Node itself.
import { call, serve } from './pipe.mjs';

const AsyncFunction = (async () => {}).constructor;
const tools = { go: { add: args => call('add', args), meet: args => call('meet', args) } };

serve(async source => {
    const run = new AsyncFunction('tools', source);
    const began = performance.now();
    const value = await run(tools);
    return [value, performance.now() - began];
});
