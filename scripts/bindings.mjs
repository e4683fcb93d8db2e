// componentize-js writes the JavaScript that carries values over the component's boundary, and the
// engine inside runs it for every call. Two things in it cost more than all the rest: to find out
// how long a text is as UTF-8 it looks at every character, a microsecond each, and for each call it
// makes objects for a log that nobody reads. And it never frees what it has lowered for an import.
const { splicer } = await import(
    new URL('../lib/spidermonkey-embedding-splicer.js', import.meta.resolve('@bytecodealliance/componentize-js'))
);

/** A text into the component's memory, by the engine's own encoder. */
const ENCODE = `function _utf8AllocateAndEncode(s, realloc, memory) {
  if (typeof s !== 'string') {
    throw new TypeError('expected a string, received [' + typeof s + ']');
  }
  if (s.length === 0) { return { ptr: 1, len: 0 }; }
  const bytes = TEXT_ENCODER_UTF8.encode(s);
  const len = bytes.length;
  const ptr = realloc(0, 0, 1, len);
  new Uint8Array(memory.buffer, ptr, len).set(bytes);
  return { ptr, len };
}
`;

/** Memory for the arguments of an import, until it has returned. */
const OWNED = `const _owned = [];
function _own(old, oldSize, align, size) {
  const ptr = $realloc(old, oldSize, align, size);
  if (size !== 0) _owned.push(ptr, size, align);
  return ptr;
}
function _release() {
  for (let i = 0; i < _owned.length; i += 3) $dealloc(_owned[i], _owned[i + 1], _owned[i + 2]);
  _owned.length = 0;
}
`;

/**
 * A header that is frozen is sent again and again: it is encoded once, into a piece of memory whose
 * addresses count from its own beginning.
 */
const KEPT = `const _encoded = new WeakMap();
function _header(fields) {
  let kept = _encoded.get(fields);
  if (kept === undefined) {
    const texts = fields.flat().map(text => TEXT_ENCODER_UTF8.encode(text));
    const table = [];
    let end = fields.length * 16;
    for (const text of texts) {
      table.push(end, text.length);
      end += text.length;
    }
    const bytes = new Uint8Array(end);
    for (let i = 0; i < texts.length; i++) bytes.set(texts[i], table[2 * i]);
    kept = { table, bytes };
    if (Object.isFrozen(fields)) _encoded.set(fields, kept);
  }
  const { table, bytes } = kept;
  const base = _own(0, 0, 4, bytes.length);
  for (let i = 0; i < table.length; i += 2) table[i] += base;
  new Uint8Array($memory.buffer, base, bytes.length).set(bytes);
  new Uint32Array($memory.buffer, base, table.length).set(table);
  for (let i = 0; i < table.length; i += 2) table[i] -= base;
  return base;
}
`;

const REPLACED = [
    [/= \$realloc\(/g, () => '= _own('],
    [/, \$realloc, \$memory\)/g, () => ', _own, $memory)'],
    [/^ *(?:\w+ = )?\$import_.*\);$/gm, call => `try {\n${call}\n} finally { _release(); }`],
    [/^function _utf8AllocateAndEncode\([^]*?\n}\n/m, () => OWNED + ENCODE + KEPT],
    [
        /var result(\d+) = _own\(0, 0, 4, len\d+ \* 16\);\n  for \([^]*?\n  }\n/,
        (_, number) => `var result${number} = _header(vec${number});\n`
    ],
    // No export returns a promise, and to wait for none costs another turn.
    [/ret = await /g, () => 'ret = '],
    [/_debugLog\('[^']*'(?:, \{[^}]*\})?\);/g, () => '']
];

function replace(bindings, [pattern, replacement]) {
    if (bindings.search(pattern) < 0) throw new Error(`the bindings have nothing like ${pattern} any more`);
    return bindings.replace(pattern, replacement);
}

/** Makes componentize-js use quicker bindings, from now on. */
export function quicken() {
    const splice = splicer.spliceBindings;
    splicer.spliceBindings = (...args) => {
        const spliced = splice(...args);
        return { ...spliced, jsBindings: REPLACED.reduce(replace, spliced.jsBindings) };
    };
}
