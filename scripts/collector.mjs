// The engine's garbage collector as a component of some megabytes wants it. componentize-js has no way
// to say so: what the engine was given when it began is in the snapshot of its memory, and is changed
// there. It is found by its values, which stand together nowhere else; another version of the engine,
// with others, ends the build.
const KB = 1 << 10;
const MB = 1 << 20;

/** Integers as they lie in the memory. */
function words(...values) {
    const bytes = Buffer.alloc(4 * values.length);
    values.forEach((value, i) => bytes.writeUInt32LE(value, 4 * i));
    return bytes;
}

/** As the engine has it: 32 MB of objects at most, and a first collection after 29 MB, or 114 MB of texts. */
const most = Math.trunc((32 * MB) / 1.1);
const texts = 3 * 38 * MB;
/** How much a heap grows until it is collected again, as the engine's numbers with a fraction are written. */
const [half, threefold] = [
    [0, 0x3ff80000],
    [0, 0x40080000]
];

/**
 * What there is, in how many places, and what takes its place. The bound on objects goes, for the
 * memory has one; and memory is collected while it is a few megabytes more than what is in use.
 */
const CHANGES = [
    // The bound, the nursery's least and greatest size, what a heap is at least taken for; two that stay.
    [
        1,
        [32 * MB, 256 * KB, 64 * MB, 27 * MB, 100 * MB, 500 * MB],
        [2 ** 32 - 1, 256 * KB, 16 * MB, 6 * MB, 100 * MB, 500 * MB]
    ],
    // How much it grows: a large one, a small one, and one that is seldom collected. And what texts are
    // at least taken for; one that stays.
    [1, [...half, ...threefold, ...half, 38 * MB, MB], [...half, ...half, ...half, 16 * MB, MB]],
    // When the first collection begins, and until when it may be done in parts: all objects, and the core's texts.
    [3, [most, most + 64 * MB], [6 * MB, 70 * MB]],
    [1, [texts, Math.trunc(1.7 * texts)], [32 * MB, 54 * MB]]
];

/** Changes it in a component. */
export function tuneCollector(component) {
    const bytes = Buffer.from(component);
    for (const [places, before, after] of CHANGES) {
        const found = [];
        for (let at = bytes.indexOf(words(...before)); at >= 0; at = bytes.indexOf(words(...before), at + 1))
            found.push(at);
        if (found.length !== places)
            throw new Error(
                `the engine's memory has ${before} in ${found.length} places, not ${places}: look at scripts/collector.mjs`
            );
        for (const at of found) bytes.set(words(...after), at);
    }
    return bytes;
}
