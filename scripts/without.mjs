// Leaves optimisations out. For the tests: nothing but time and memory may change with any of them.
//
//   CAISSON_WITHOUT=fast-path,warmup make test  runs all without these two
//   CAISSON_WITHOUT=all make test               and without any
//   CAISSON_WITHOUT=fast-path npm run build     builds such a core, in a folder of its own

/** What a core can be built without; src/without.d.ts, baseline.mjs, bindings.mjs, bundle.mjs and collector.mjs say what each is. */
const OF_CORE = ['validators', 'fast-path', 'warmup', 'sweep', 'names', 'bindings', 'collector', 'baseline'];

/** What the host can do without; host-go/internal/without says what each is. */
export const OF_HOST = ['interpreter', 'shared-memory', 'whole-responses'];

const ALL = [...OF_CORE, ...OF_HOST];

function named(list) {
    if (list === 'all') return ALL;
    const names = list.split(',').filter(name => name !== '');
    const unknown = names.filter(name => !ALL.includes(name));
    if (unknown.length > 0)
        throw new Error(`CAISSON_WITHOUT: there is no ${unknown.join(', ')}; there are ${ALL.join(', ')}, and all`);
    return names;
}

/** What is left out. */
export const names = named(process.env.CAISSON_WITHOUT ?? '');

/** What the core is built without. */
export const ofCore = OF_CORE.filter(name => names.includes(name));

/** Where the core lies that is built without it, from the root of the repository. */
export const buildFolder = ofCore.length === 0 ? 'build/' : `build/without/${ofCore.join('-')}/`;

/** What stands for `WITHOUT` in the core's sources. */
export const define = Object.fromEntries(
    OF_CORE.map(name => [`WITHOUT.${camelCase(name)}`, String(ofCore.includes(name))])
);

function camelCase(name) {
    return name.replace(/-(.)/g, (_, letter) => letter.toUpperCase());
}
