// A script that does what scripts do, with odd values, again and again: a function must give the same when it has
// run so often that the engine goes on with it in another way. The engine keeps for each place what it has seen
// there, so each function begins anew with each group of values.

/** How often a function must have been called for that: more often than scripts/baseline.mjs gives the engine. */
const TIMES = 420;

const wide = '\u{20041}\u{1F600}\u{E0041}\u{1D306}x';
class Point {
    #x = 1;
    static made = 0;
    constructor(x = 2) {
        this.#x = x;
        this.y = x;
        Point.made++;
    }
    get x() {
        return this.#x;
    }
    set x(x) {
        this.#x = x;
    }
    has(o) {
        return #x in o;
    }
    plus(o) {
        return new this.constructor(this.#x + (o?.x ?? 0));
    }
}
class Further extends Point {
    z = super.x;
    get x() {
        return super.x + 1;
    }
    set x(x) {
        super.x = x;
    }
    plus(o) {
        return super.plus(o);
    }
}

/** Values that the engine takes alike, each made anew for each function. */
const GROUPS = {
    int: () => [1, 2147483647, -2147483648, 0x20041, 0, -1],
    double: () => [-0, NaN, 4294967295, 0.5, -Infinity, -1.5, 1e21],
    mixed: () => [3, 0.5, -0, 1e300, -7],
    latin: () => ['', '12', 'a', 'length', ' 7 ', 'a,b', 'A\u00dfz'],
    wide: () => [wide, '\u{20041}', '\udc00\ud800', '日本', 'İ', 'ﬁ'],
    rope: () => ['a'.repeat(30) + wide, wide + wide + wide, ['ab', 'cd'].join('é')],
    boolean: () => [true, false],
    nothing: () => [undefined, null],
    bigint: () => [0n, 1n, -1n, 2n ** 63n, -(2n ** 64n), 12345678901234567890n],
    symbol: () => [Symbol.iterator, Symbol('s'), Symbol.for('f')],
    array: () => [[], [1, 2, 3], [3, 1, 2], ['b', 'a'], [0.5, -0, NaN], [undefined, null], [[1], [2, [3]]]],
    odd: () => [[1, , 3], Object.freeze([1, 'a']), new Array(3), Object.assign([1], { x: 2 }), [1, 'a', {}, 2n]],
    object: () => [{}, { x: 1 }, { x: 1, y: 2 }, { y: 1, x: 2 }, { length: 2, 0: 'a', 1: 'b' }, Object.create(null)],
    getter: () => [
        {
            get x() {
                return 4;
            },
            y: 1
        },
        Object.create({ x: 5 }),
        { valueOf: () => 6, toString: () => 'seven' },
        { [Symbol.toPrimitive]: hint => hint },
        { toJSON: () => 'json' },
        {
            x() {
                return this === undefined;
            },
            then: 1
        }
    ],
    class: () => [new Point(), new Further(3), new Point('p'), new Further(-0)],
    typed: () => [
        new Uint8Array([1, 2, 255]),
        new Float64Array([0.5, -0, NaN]),
        new Int32Array([-1, 0, 2147483647]),
        new Uint32Array([4294967295, 1]),
        new Uint8ClampedArray([3, 300]),
        new BigInt64Array([1n, -1n]),
        new Float32Array([0.1, 16777217])
    ],
    keyed: () => [
        new Map([
            [1, 'a'],
            ['x', 2],
            [NaN, 3],
            [-0, 4]
        ]),
        new Map(),
        new Set([1, 'x', NaN, 2n]),
        new Set()
    ],
    other: () => [
        /(?<y>\d)(.)?/g,
        /[\u{20000}-\u{2ffff}]/u,
        /a|b/gy,
        new Date(0),
        new Error('e'),
        () => 1,
        function f(a, b = 2) {
            return [a, b, arguments.length];
        },
        class {
            static x = 1;
        },
        Math.max.bind(null, 1),
        new Proxy({ x: 1 }, {}),
        new Proxy([1, 2], {}),
        (function () {
            return arguments;
        })(1, 2),
        { ...Math }
    ]
};

/** Of one value. `a` is the value; each is the body of a function, or what it returns. */
const OF_ONE = [
    'typeof a',
    '+a',
    '-a',
    '~a',
    '!a',
    '!!a',
    'a ? 1 : 2',
    'a++',
    '--a',
    'void a',
    'String(a)',
    '`${a}`',
    'Number(a)',
    'BigInt(a)',
    'Boolean(a)',
    'Object(a)',
    'a | 0',
    'a >>> 0',
    'a >> 1',
    'a << 31',
    'a === a',
    'a == null',
    'a ?? 9',
    'a?.x',
    'a?.[0]',
    'a.x',
    'a[0]',
    'a[1]',
    'a[-1]',
    "a['x']",
    'a.length',
    'a.size',
    'a.constructor === Object',
    'a.x = 1, a.x',
    'a.fresh = 1',
    'a[1] = 2, a[1]',
    "'x' in a",
    '0 in a',
    'delete a.fresh',
    "Object.hasOwn(a, 'x')",
    "a.hasOwnProperty('y')",
    'a instanceof Point',
    'a instanceof Object',
    'Object.keys(a)',
    'Object.values(a)',
    'Object.entries(a)',
    'Object.getPrototypeOf(a) === Object.prototype',
    'Object.isFrozen(a)',
    'Object.getOwnPropertyNames(a)',
    'Object.assign({}, a)',
    '({ ...a })',
    '[...a]',
    'Array.from(a)',
    'Array.isArray(a)',
    'Array.of(a)',
    '[a, a].flat()',
    'a.slice(1)',
    'a.slice(-2, -1)',
    'a.at(-1)',
    'a.concat(1)',
    'a.includes(1)',
    "a.includes('a')",
    'a.indexOf(NaN)',
    'a.lastIndexOf(3)',
    "a.join('-')",
    'a.map(x => x)',
    'a.map(String)',
    'a.filter(Boolean)',
    "a.reduce((s, x) => s + x, '')",
    'a.some(x => x === 1)',
    'a.every(x => x)',
    'a.find(x => x > 1)',
    'a.findLast(x => x > 1)',
    'a.flatMap(x => [x, x])',
    'a.toSorted?.()',
    'a.toReversed?.()',
    'a.with?.(0, 1)',
    '[...a].sort()',
    '[...a].sort((x, y) => x - y)',
    '[...a].reverse()',
    '[...a].push(7)',
    '[...a].pop()',
    '[...a].shift()',
    '[...a].unshift(1, 2)',
    '[...a].splice(1, 1, 8)',
    '[...a].fill(0, 1)',
    '[...a].copyWithin(0, 1)',
    'a.forEach?.(x => x)',
    'a.entries?.().next().value',
    'a.keys?.().next().value',
    'a.values?.().next().done',
    'const r = []; for (const x of a) r.push(x); return r',
    "let s = ''; for (const c of a) s += c; return s",
    'const r = []; for (const k in a) r.push(k); return r',
    'const [x, y = 5, ...z] = a; return [x, y, z]',
    'const { x, y = 5, ...z } = a; return [x, y, z]',
    'let n = 0; for (let i = 0; i < a.length; i++) n += a[i]; return n',
    'let s = ""; for (let i = 0; i < a.length; i++) s += a.charAt?.(i) + "|"; return s',
    'const r = []; for (let i = -1; i <= a.length; i++) r.push(a.charCodeAt?.(i), a.codePointAt?.(i), a[i]); return r',
    'a.toUpperCase()',
    'a.toLowerCase()',
    'a.toLocaleUpperCase()',
    'a.toLocaleLowerCase()',
    'a.trim()',
    'a.trimStart()',
    'a.trimEnd()',
    "a.split('')",
    "a.split(',')",
    'a.split(/\\d/)',
    "a.padStart(5, 'é')",
    'a.padEnd(3)',
    'a.repeat(2)',
    "a.startsWith('a')",
    "a.endsWith('x')",
    "a.replace('a', '$&$&')",
    "a.replaceAll('a', x => x + x)",
    'a.replace(/[a-z]/g, x => x.toUpperCase())',
    'a.replace(/(.)/u, "<$1>")',
    'a.match(/./gu)',
    '[...a.matchAll(/./gsu)].length',
    'a.search(/[^a]/)',
    'a.substring(1)',
    'a.substring(2, 0)',
    'a.substr(-1)',
    "a.localeCompare('b') > 0",
    "a.normalize('NFD')",
    'a.isWellFormed()',
    'a.toWellFormed()',
    'String.fromCharCode(a)',
    'String.fromCodePoint(a)',
    'String.fromCharCode(a, a)',
    'String.raw`x${a}`',
    'parseInt(a)',
    'parseInt(a, 16)',
    'parseFloat(a)',
    'isNaN(a)',
    'Number.isInteger(a)',
    'Number.isSafeInteger(a)',
    'Number.isFinite(a)',
    'a.toString()',
    'a.toString(2)',
    'a.toString(36)',
    'a.toFixed(2)',
    'a.toPrecision(3)',
    'a.valueOf() === a',
    'Number.parseFloat(a)',
    'BigInt.asIntN(8, a)',
    'BigInt.asUintN(64, a)',
    'Math.abs(a)',
    'Math.sign(a)',
    'Math.floor(a)',
    'Math.ceil(a)',
    'Math.round(a)',
    'Math.trunc(a)',
    'Math.fround(a)',
    'Math.clz32(a)',
    'Math.sqrt(a)',
    'Math.imul(a, 3)',
    'Math.min(a, 1)',
    'Math.max(a, 1)',
    'Math.max(a, 1, 2)',
    'Math.min(...[a, 2])',
    'Math.min()',
    'Math.atan2(a, 1)',
    'Math.hypot(a, 1)',
    'Math.hypot(a, 1, 2, 3)',
    'Math.pow(a, 2)',
    'a ** 0.5',
    'Math.cbrt(a) > 1',
    'Math.sin(a) < 0',
    'Math.log2(a) > 0',
    'Math.exp(a) > 1',
    'JSON.stringify(a)',
    'JSON.stringify({ a })',
    'JSON.stringify([a], null, 1)',
    'JSON.parse(a)',
    'encodeURIComponent(a)',
    'structuredClone(a)',
    'new Map([[a, 1]]).get(a)',
    'new Map([[a, 1]]).has(a)',
    'new Set([a]).has(a)',
    'new Set([a, a]).size',
    'a.get?.(NaN)',
    'a.has?.(1)',
    "a.has?.('x')",
    'a.has?.(0)',
    'new WeakMap([[a, 1]]).get(a)',
    'new Set([1]).union?.(new Set([2])).size',
    'new Array(a).length',
    'new Uint8Array(Object(a))',
    'new Float64Array(Object(a))',
    'new Uint8Array([a])[0]',
    'new Int16Array([a])[0]',
    'new Uint8ClampedArray([a])[0]',
    'new Float32Array([a])[0]',
    'new BigInt64Array([a])[0]',
    'const t = new Int32Array(4); t[0] = a; t[a] = 1; return [...t]',
    'const t = new Float64Array(2); t[1] = a; return t[1]',
    'const t = new Uint8ClampedArray(1); t[0] = a; return t[0]',
    'const d = new DataView(new ArrayBuffer(16)); d.setFloat64(0, a); d.setInt16(8, a, true); d.setUint32(12, a); return [d.getUint8(0), d.getInt8(8), d.getFloat32(0), d.getUint16(8), d.getInt32(12, true), d.getBigInt64(0)]',
    'const d = new DataView(new ArrayBuffer(8)); d.setBigUint64(0, a, true); return [d.getBigUint64(0), d.getUint32(0)]',
    'Reflect.ownKeys(a)',
    "Reflect.has(a, 'x')",
    "Reflect.get(a, 'x')",
    'Object.create(a) instanceof Object',
    'Object.is(a, -0)',
    'Object.is(a, NaN)',
    'Object.prototype.toString.call(a)',
    'Symbol.iterator in Object(a)',
    'a()',
    'a(1, 2, 3)',
    'a.call(null, 1)',
    'a.apply(null, [1, 2])',
    'a.bind(null, 5)(6)',
    'new a(4)',
    'Reflect.construct(a, [1])',
    'a.name',
    'a.plus(a)',
    'a.has(a)',
    'a.x++, a.x',
    'a.x += 2',
    'a.y -= 1',
    'a.x ??= 3',
    'a.q ||= 3',
    'a.y &&= 3',
    '/(\\d+)/.exec(a)?.[1]',
    '/^[\\u{20000}-\\u{2ffff}]/u.test(a)',
    '/a/gi.test(a)',
    'a.test?.("1a")',
    'a.exec?.("1a")',
    '"1a2b".replace(a, "_")',
    '"1a2b".split(a)',
    'a.lastIndex',
    'a.flags',
    'a.source',
    'switch (a) { case 1: return "one"; case "a": return "letter"; case undefined: return "none"; case 0: return "zero"; default: return "else" }',
    'try { throw a } catch (e) { return e === a } finally { a = 0 }',
    'try { return a.x.y.z } catch (e) { return e.constructor.name } finally { a = 1 }',
    'label: for (const x of [1, 2]) { for (const y of [a]) { if (y) continue label; break label } } return a',
    'return (function () { return [this === undefined, typeof this] }).call(a)',
    'return (function () { "use strict"; return this }).call(a)',
    'return (() => arguments.length)()',
    'return (function (x, y) { arguments[0] = 9; return [x, y, arguments.length, ...arguments] })(a)',
    'return ((x, y = x, ...z) => [x, y, z])(a)',
    'return ((...x) => x.length)(...[a, a])',
    'return (function* () { const got = yield a; yield* [got, a]; return 1 })().next().value',
    'return [...(function* () { for (let i = 0; i < 3; i++) yield i ? a : i })()]',
    'const o = { a, get b() { return a }, ["c" + 1]: a, __proto__: null }; return o',
    'const o = { x: 1 }; o[a] = 2; return o',
    'const o = { 0: "z", a: "y" }; return o[a]',
    'return [10, 20, 30][a]',
    'const r = [1]; r[a] = 2; return r',
    'const r = [1, 2, 3]; r.length = a; return r',
    'return "héllo" [a]',
    'return "abc".charAt(a)',
    'return "abc".at(a)',
    'return "a\\u{20041}".codePointAt(a)',
    'return "abcabc".indexOf("b", a)',
    'return "abc".slice(a)',
    'return [1, 2, 3].slice(a)',
    'return arguments[a]',
    'class C { #p = a; static s = a; p() { return this.#p } static { this.t = 1 } } return [new C().p(), C.s, C.t]',
    'class C { static #q(x) { return x } static q(x) { return C.#q(x) } } return C.q(a)',
    'class C extends Array { get last() { return this[this.length - 1] } } return C.of(1, a).last',
    'return new (class extends Map { get(k) { return super.get(k) ?? "none" } })([[a, 1]]).get(a)',
    'const f = x => x <= 0 ? a : f(x - 1); return f(5)',
    'let n = 0; do { n++ } while (n < 3 && a); return n',
    'return a > 0 && a < 10 || a',
    'return (a, 1)',
    'return [a?.b?.c, a?.()]',
    'return new Date(a).getTime()',
    'return new Error(a).message',
    'return [a].toString()',
    'return Object.groupBy?.([1, 2], x => x % 2 ? "o" : "e").o',
    'return Symbol(a).description',
    'return a.description',
    'return new Proxy(Object(a), { get: (t, k) => String(k) }).some',
    'return new Proxy(() => a, {})()',
    'return isFinite(a)',
    'return escape(a)',
    'return btoa(a)'
];

/** Of two values. */
const OF_TWO = [
    'a + b',
    'a - b',
    'a * b',
    'a / b',
    'a % b',
    'a ** b',
    'a & b',
    'a | b',
    'a ^ b',
    'a << b',
    'a >> b',
    'a >>> b',
    'a == b',
    'a != b',
    'a === b',
    'a !== b',
    'a < b',
    'a <= b',
    'a > b',
    'a >= b',
    'a && b',
    'a ?? b',
    'a in b',
    'a[b]',
    'a[b] = 1, a[b]',
    'a += b',
    'let x = a; x -= b; return x',
    'Object.is(a, b)',
    'Math.min(a, b)',
    'Math.max(a, b)',
    'Math.pow(a, b)',
    'Math.atan2(a, b)',
    'Math.imul(a, b)',
    'Math.hypot(a, b)',
    '`${a}${b}`',
    '[a, b]',
    '[a, b].includes(b)',
    '[a, b].indexOf(a)',
    '[a, b].sort()',
    'a.indexOf(b)',
    'a.includes(b)',
    'a.startsWith(b)',
    'a.endsWith(b)',
    'a.lastIndexOf(b)',
    'a.split(b)',
    'a.concat(b)',
    'a.at(b)',
    'a.charCodeAt(b)',
    'a.codePointAt(b)',
    'a.charAt(b)',
    'a.slice(b)',
    'a.substring(b)',
    'a.replace(b, "_")',
    'a.padStart(b).length',
    'a.join?.(b)',
    'a.has?.(b)',
    'a.get?.(b)',
    'a.toString(b)',
    'BigInt.asIntN(b, a)',
    'Object.hasOwn(b, a)',
    'Reflect.get(b, a)',
    'a ? b : a',
    'const o = { [a]: b }; return o',
    'new Map([[a, b]]).get(b)',
    'a instanceof b',
    'a.localeCompare(b) < 0',
    'String.fromCodePoint(a, b)',
    '({ ...a, ...b })',
    '[...a, ...b]',
    'delete a[b]'
];
const PAIRS = [
    ['int', 'int'],
    ['int', 'double'],
    ['double', 'int'],
    ['double', 'double'],
    ['mixed', 'mixed'],
    ['latin', 'latin'],
    ['latin', 'wide'],
    ['wide', 'wide'],
    ['rope', 'latin'],
    ['latin', 'int'],
    ['int', 'latin'],
    ['wide', 'int'],
    ['rope', 'int'],
    ['wide', 'double'],
    ['bigint', 'bigint'],
    ['bigint', 'int'],
    ['int', 'bigint'],
    ['bigint', 'latin'],
    ['bigint', 'double'],
    ['boolean', 'int'],
    ['int', 'boolean'],
    ['nothing', 'int'],
    ['nothing', 'nothing'],
    ['latin', 'nothing'],
    ['symbol', 'symbol'],
    ['symbol', 'object'],
    ['array', 'int'],
    ['array', 'double'],
    ['array', 'latin'],
    ['array', 'array'],
    ['odd', 'int'],
    ['object', 'latin'],
    ['object', 'int'],
    ['object', 'object'],
    ['object', 'symbol'],
    ['latin', 'object'],
    ['int', 'array'],
    ['int', 'typed'],
    ['typed', 'int'],
    ['typed', 'double'],
    ['typed', 'latin'],
    ['keyed', 'int'],
    ['keyed', 'latin'],
    ['keyed', 'double'],
    ['getter', 'latin'],
    ['getter', 'int'],
    ['getter', 'getter'],
    ['class', 'class'],
    ['class', 'latin'],
    ['class', 'other'],
    ['object', 'other'],
    ['other', 'int'],
    ['other', 'latin'],
    ['latin', 'other'],
    ['boolean', 'boolean'],
    ['wide', 'other'],
    ['mixed', 'latin'],
    ['double', 'nothing']
];

/** A value as a text: what differs has another text. */
function shown(value, depth = 0) {
    if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
    if (typeof value === 'string') return JSON.stringify(value);
    if (typeof value === 'bigint') return `${value}n`;
    if (typeof value === 'symbol') return value.toString();
    if (typeof value === 'function') return 'function';
    if (value === null || typeof value !== 'object') return String(value);
    if (depth > 3) return '…';
    if (value instanceof Map || value instanceof Set) return `${value.constructor.name}${shown([...value], depth + 1)}`;
    if (value instanceof Date || value instanceof RegExp) return String(value);
    if (value instanceof Error) return value.constructor.name;
    const keys = Reflect.ownKeys(value).filter(key => !(Array.isArray(value) && key === 'length'));
    const parts = keys.map(key => `${String(key)}:${shown(value[key], depth + 1)}`);
    return `${Array.isArray(value) ? `[${value.length}]` : Object.prototype.toString.call(value)}{${parts.join()}}`;
}

function outcome(f, a, b) {
    try {
        return shown(f(a, b));
    } catch (e) {
        return `throws ${e?.constructor?.name}`;
    }
}

const bodied = text => (/\breturn\b|^(?:label|switch|try|const|let|class)\b/.test(text) ? text : `return (${text})`);
/** A function of the body, which does nothing where it is only to have been called. */
const make = text => new Function('Point', `return function (a, b, idle) { if (idle) return; ${bodied(text)} }`)(Point);

/** Calls one of them with the values of its groups: once with each as it begins, and then as it goes on. */
function check(text, groups, changed) {
    const [left, right = () => [undefined]] = groups.map(group => GROUPS[group]);
    // The values are made anew each time, since what runs may change them.
    const most = groups.length > 1 ? 4 : 7;
    const of = group => [...group().keys()].slice(0, most);
    const pairs = of(left).flatMap(i => of(right).map(j => [i, j]));
    const round = f => pairs.map(([i, j]) => outcome(f, left()[i], right()[j]));
    const first = round(make(text));
    const often = make(text);
    for (let n = 0; n < TIMES; n++) often(undefined, undefined, true);
    for (let again = 0; again < 2; again++) {
        round(often).forEach((result, n) => {
            if (result !== first[n]) changed.add(`${text} of ${groups} ${n}: ${first[n]}, then ${result}`);
        });
    }
}

/** Gives how many functions it has called, and what has changed. */
export function main() {
    const changed = new Set();
    const one = OF_ONE.flatMap(text => Object.keys(GROUPS).map(group => [text, [group]]));
    const two = OF_TWO.flatMap(text => PAIRS.map(pair => [text, pair]));
    const all = [...one, ...two];
    for (const [text, groups] of all) check(text, groups, changed);
    return { functions: all.length, changed: [...changed] };
}
