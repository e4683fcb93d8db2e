// componentize-js writes the JavaScript that carries values over the component's boundary, and the
// engine inside runs it for every call. What is replaced here costs more than the values need: it
// looks at every character of a text, makes a promise for each export and a view of all memory for
// each number, and never frees what it has lowered for an import.
const { splicer } = await import(
    new URL('../lib/spidermonkey-embedding-splicer.js', import.meta.resolve('@bytecodealliance/componentize-js'))
);

/**
 * Views of the component's memory. It only grows, and what was there stays where it is: an old view
 * is as good as a new one for all that it reaches.
 */
const VIEWS = `let _buffer = $memory.buffer;
let _length = _buffer.byteLength;
let dv = new DataView(_buffer);
function _reach() {
  _buffer = $memory.buffer;
  _length = _buffer.byteLength;
  dv = new DataView(_buffer);
}
`;

/**
 * Lowers a text, which mostly has as many bytes as characters. What an export allocates for imports
 * the engine frees when it is over; what is large, `_release` does when the import has returned.
 */
const LOWER = `let _lowered = 0;
const _large = [];
function _allocate(align, size) {
  const ptr = $realloc(0, 0, align, size);
  if (ptr + size > _length) _reach();
  return ptr;
}
function _lower(text) {
  if (typeof text !== 'string') {
    throw new TypeError('expected a string, received [' + typeof text + ']');
  }
  let room = text.length;
  while (room !== 0) {
    const ptr = _allocate(1, room);
    if (room > 65536) _large.push(ptr, room);
    const encoded = TEXT_ENCODER_UTF8.encodeInto(text, new Uint8Array(_buffer, ptr, room));
    if (encoded.read === text.length) {
      _lowered = encoded.written;
      return ptr;
    }
    room = text.length * 3;
  }
  _lowered = 0;
  return 1;
}
function _release() {
  for (let i = 0; i < _large.length; i += 2) $dealloc(_large[i], _large[i + 1], 1);
  _large.length = 0;
}
`;

/** Every export returns a promise, which the engine waits for: all the same one, and it is fulfilled. */
const DONE = 'const _done = Promise.resolve();\n';

const REPLACED = [
    [/^let dv = .*\nconst dataView = .*\n/m, () => VIEWS],
    [/dataView\(\$memory\)/g, () => 'dv'],
    // What the host has lowered for an export lies in memory that may have grown since.
    [/^async function export_.*$/gm, line => `${line}\n  if (_buffer !== $memory.buffer) _reach();`],
    [
        /TEXT_DECODER_UTF8\.decode\(new Uint8Array\(\$memory\.buffer, (\w+), (\w+)\)\)/g,
        (_, ptr, len) => `TEXT_DECODER_UTF8.decode(new Uint8Array(_buffer, ${ptr}, ${len}))`
    ],
    [
        /var encodeRes = _utf8AllocateAndEncode\((\w+), \$realloc, \$memory\);\s*var (\w+)= encodeRes\.ptr;\s*var (\w+) = encodeRes\.len;/g,
        (_, text, ptr, len) => `var ${ptr} = _lower(${text});\n  var ${len} = _lowered;`
    ],
    [/= \$realloc\(0, 0, (.*)\);$/gm, (_, size) => `= _allocate(${size});`],
    [/^ *\$import_.*\);$/gm, call => `${call}\n  if (_large.length !== 0) _release();`],
    [/^function _utf8AllocateAndEncode\([^]*?\n}\n/m, () => LOWER + DONE],
    [/((?:ret|hostRet\d*) = )await /g, (_, assigned) => assigned],
    [
        /^async function export_[^]*?^}/gm,
        text => {
            // What an export has lowered for its own result is the engine's to free, and no import's.
            const end = text.includes('hostRet') ? '_large.length = 0; return _done;' : 'return _done;';
            return text.replace('async ', '').replaceAll(/^( *)return;$/gm, `$1${end}`);
        }
    ],
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
