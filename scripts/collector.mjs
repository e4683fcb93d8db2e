// The engine's garbage collector as a component of some megabytes wants it. componentize-js has no way
// to say so: its numbers are in the snapshot, and are changed there.
import { change, words } from './snapshot.mjs';

const KB = 1 << 10;
const MB = 1 << 20;

/**
 * What the objects of a heap may take before they are collected for the first time. A collection goes through the
 * core's own too, which are half of it: with 6 MB, a script that keeps 20,000 objects took twice as long.
 */
const OBJECTS = 8 * MB;

/** As the engine has it: 32 MB of objects at most, and a first collection after 29 MB. */
const most = Math.trunc((32 * MB) / 1.1);
/**
 * When the first collection of texts begins, and until when it may be done in parts. The engine takes
 * the greater ones when two collections came within a second, which a busy machine does not get done.
 */
const TEXTS = [
    [3 * 38 * MB, Math.trunc(1.7 * 3 * 38 * MB)],
    [1.5 * 38 * MB, (1.5 * 38 + 64) * MB]
];
/** How many bytes of the numbers of a heap's objects come before those of its texts. */
const BEFORE_TEXTS = 24;
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
        [2 ** 32 - 1, 256 * KB, 16 * MB, OBJECTS, 100 * MB, 500 * MB]
    ],
    // How much it grows: a large one, a small one, and one that is seldom collected. And what texts are
    // at least taken for; one that stays.
    [1, [...half, ...threefold, ...half, 38 * MB, MB], [...half, ...half, ...half, 16 * MB, MB]],
    // When the first collection of objects begins, and until when it may be done in parts.
    [3, [most, most + 64 * MB], [OBJECTS, OBJECTS + 64 * MB]]
];

/** Changes it in a component. */
export function tuneCollector(component) {
    const bytes = Buffer.from(component);
    for (const [places, before, after] of CHANGES) {
        const found = change(bytes, places, before, after, 'collector.mjs');
        if (before[0] === most) tuneTexts(bytes, found);
    }
    return bytes;
}

/** Changes the numbers of texts, which stand behind those of the objects of each heap. */
function tuneTexts(bytes, heaps) {
    for (const heap of heaps) {
        const at = heap + BEFORE_TEXTS;
        const there = bytes.subarray(at, at + 8);
        if (!TEXTS.some(texts => there.equals(words(...texts))))
            throw new Error(
                `the engine's memory has other numbers for texts than known: look at scripts/collector.mjs`
            );
        bytes.set(words(32 * MB, 54 * MB), at);
    }
}
