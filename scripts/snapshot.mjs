// The engine's memory in a component's snapshot: what componentize-js has no option for is changed there. It is
// found by its values, which stand together nowhere else; another version of the engine, with others, ends the build.

/** Integers as they lie in the memory. */
export function words(...values) {
    const bytes = Buffer.alloc(4 * values.length);
    values.forEach((value, i) => bytes.writeUInt32LE(value, 4 * i));
    return bytes;
}

/** Writes one row of integers over another, wherever that is, and gives the places: as many as `places`, or it throws. */
export function change(bytes, places, before, after, script) {
    const found = [];
    for (let at = bytes.indexOf(words(...before)); at >= 0; at = bytes.indexOf(words(...before), at + 1))
        found.push(at);
    if (found.length !== places)
        throw new Error(
            `the engine's memory has ${before} in ${found.length} places, not ${places}: look at scripts/${script}`
        );
    for (const at of found) bytes.set(words(...after), at);
    return found;
}
