// Schemas as servers write them, and as nobody should: each is the input of one tool.

type Schema = unknown;

const NODE = {
    type: 'object',
    description: 'A node',
    properties: { name: { type: 'string' }, children: { type: 'array', items: { $ref: '#/$defs/node' } } },
    required: ['name']
};

/** Ordinary and odd ones. Their declarations are in golden/. */
export const ODD: Record<string, Schema> = {
    none: { type: 'object' },
    empty: { type: 'object', properties: {}, additionalProperties: false },
    whole_document: true,
    primitives: object({
        s: { type: 'string' },
        n: { type: 'number' },
        i: { type: 'integer' },
        b: { type: 'boolean' },
        z: { type: 'null' },
        a: { type: 'array' },
        o: { type: 'object' },
        anything: {},
        nothing: false,
        always: true
    }),
    comments: {
        type: 'object',
        description: 'All of it',
        properties: {
            size: { type: 'integer', description: 'How large', default: 10, minimum: 1, maximum: 100 },
            when: { type: 'string', format: 'date-time', title: 'The day' },
            list: {
                type: 'array',
                items: { type: 'string' },
                default: ['a', { b: null }],
                minItems: 1,
                uniqueItems: true
            },
            old: { type: 'string', deprecated: true, pattern: '^[a-z]+$' },
            long: { type: 'string', description: 'First.\n\n\nSecond paragraph.\n  - a point\n' }
        },
        required: ['size']
    },
    enums: object({
        plain: { type: 'string', enum: ['a', 'b'] },
        mixed: { enum: ['a', 1, 1.5, true, null, { x: 1 }, [1]] },
        typed: { type: ['string', 'null'], enum: ['a', 1, null] },
        constant: { const: 'only' },
        nothing: { const: null },
        quotes: { enum: ['"', '\\', "'", '\n', '`${x}`', '\u202e', '\ud800', '😀', ''] },
        large: { const: 1e300 },
        negative: { enum: [-1, -0, 0.1] },
        none: { enum: [] },
        wrong: { type: 'string', enum: [1, 2] }
    }),
    unions: object({
        types: { type: ['string', 'number', 'null'] },
        any: {
            anyOf: [{ type: 'string' }, { type: 'array', items: { anyOf: [{ type: 'string' }, { type: 'null' }] } }]
        },
        one: {
            oneOf: [
                object({ kind: { const: 'a' }, a: { type: 'string' } }, ['kind']),
                object({ kind: { const: 'b' } }, ['kind'])
            ]
        },
        nullable: { type: 'string', nullable: true },
        same: { anyOf: [{ type: 'string' }, { type: 'string', minLength: 1 }] },
        integers: { anyOf: [{ type: 'integer' }, { type: 'number' }] },
        all: { anyOf: [{ type: 'string' }, {}] }
    }),
    either: {
        type: 'object',
        properties: { id: { type: 'string' }, name: { type: 'string' }, note: { type: 'string' } },
        anyOf: [{ required: ['id'] }, { required: ['name'] }]
    },
    both: {
        allOf: [
            object({ a: { type: 'string' } }, ['a']),
            object({ b: { type: ['integer', 'string'] } }),
            { properties: { b: { type: 'number' } }, required: ['b'] }
        ]
    },
    contradiction: { allOf: [object({ a: { type: 'string' } }), object({ a: { type: 'number' } })] },
    maps: object({
        strings: { type: 'object', additionalProperties: { type: 'string' } },
        open: { ...object({ a: { type: 'string' } }), additionalProperties: true },
        typed: {
            ...object({ a: { type: 'string' }, b: { type: 'integer' } }, ['a']),
            additionalProperties: { type: 'boolean' }
        },
        deep: { ...object({ a: object({ b: { type: 'string' } }) }), additionalProperties: { type: 'string' } },
        patterns: { type: 'object', patternProperties: { '^x-': { type: 'string' }, '^y-': { type: 'number' } } },
        unevaluated: { ...object({ a: { type: 'string' } }), unevaluatedProperties: false },
        nested: { type: 'object', additionalProperties: { type: 'object', additionalProperties: { type: 'integer' } } }
    }),
    tuples: object({
        pair: { type: 'array', prefixItems: [{ type: 'string' }, { type: 'number' }] },
        older: { type: 'array', items: [{ type: 'string' }], additionalItems: { type: 'boolean' } },
        rest: { type: 'array', prefixItems: [{ type: 'string' }], items: { type: 'number' }, minItems: 0 },
        shut: {
            type: 'array',
            prefixItems: [{ anyOf: [{ type: 'string' }, { type: 'null' }] }],
            items: false,
            minItems: 0
        },
        empty: { type: 'array', prefixItems: [] }
    }),
    silent: object({
        object: { properties: { a: { type: 'string' } } },
        required: { required: ['a'] },
        items: { items: { type: 'string' } },
        format: { format: 'uri' }
    }),
    conditions: {
        ...object({ kind: { type: 'string' } }),
        if: { properties: { kind: { const: 'x' } } },
        then: { properties: { extra: { type: 'string' } } },
        dependentSchemas: { kind: { properties: { other: { type: 'string' } } } }
    },
    recursive: { type: 'object', properties: { root: { $ref: '#/$defs/node' } }, $defs: { node: NODE } },
    itself: { type: 'object', properties: { parent: { $ref: '#' }, name: { type: 'string' } } },
    json: {
        type: 'object',
        properties: { value: { $ref: '#/definitions/json' } },
        definitions: {
            json: {
                anyOf: [
                    { type: ['string', 'number', 'boolean', 'null'] },
                    { type: 'array', items: { $ref: '#/definitions/json' } },
                    { type: 'object', additionalProperties: { $ref: '#/definitions/json' } }
                ]
            }
        }
    },
    references: {
        type: 'object',
        properties: {
            pointer: { $ref: '#/properties/there' },
            there: { type: 'string', description: 'Here' },
            anchor: { $ref: '#spot' },
            dynamic: { $dynamicRef: '#moving' },
            id: { $ref: 'urn:part' },
            beside: { $ref: '#/$defs/part', description: 'With a sibling', default: null },
            narrowed: { $ref: '#/$defs/part', required: ['a'] },
            odd: { $ref: '#/$defs/a~1b%20c' },
            remote: { $ref: 'https://example.com/schema.json' },
            missing: { $ref: '#/$defs/missing' },
            proto: { $ref: '#/__proto__' },
            constructor: { $ref: '#/constructor/prototype' },
            broken: { $ref: '#/%' },
            list: { $ref: '#/required' },
            never: { $ref: '#/$defs/never' }
        },
        required: ['there'],
        $defs: {
            part: { type: 'object', properties: { a: { type: 'string' } } },
            spot: { $anchor: 'spot', type: 'integer' },
            moving: { $dynamicAnchor: 'moving', type: 'boolean' },
            named: { $id: 'urn:part', type: 'string', enum: ['x'] },
            'a/b c': { type: 'number' },
            never: false
        }
    },
    extended: {
        type: 'object',
        properties: { child: { allOf: [{ $ref: '#/$defs/base' }, object({ more: { type: 'string' } })] } },
        $defs: { base: object({ id: { type: 'string' } }, ['id']) }
    },
    circles: {
        type: 'object',
        properties: {
            a: { $ref: '#/$defs/a' },
            self: { $ref: '#/$defs/self' },
            either: { $ref: '#/$defs/either' },
            array: { $ref: '#/$defs/array' }
        },
        $defs: {
            a: { $ref: '#/$defs/b' },
            b: { $ref: '#/$defs/a' },
            self: { $ref: '#/$defs/self' },
            either: { anyOf: [{ $ref: '#/$defs/either' }, { type: 'string' }] },
            array: { type: 'array', items: { $ref: '#/$defs/array' } }
        }
    },
    names: object(
        Object.fromEntries(
            [
                'a-b',
                'a b',
                '1',
                '01',
                '',
                'class',
                'new',
                'delete',
                'None',
                'def',
                'self',
                'constructor',
                'toString',
                'hasOwnProperty',
                'keys',
                'items',
                'get',
                'update',
                '$x',
                '_x',
                '__x',
                '__debug__',
                'ünïcode',
                '日本',
                'quote"',
                'back\\slash',
                'line\nfeed',
                '\u202ebidi',
                'a.b',
                '*/',
                '"""',
                '#',
                'arguments',
                'readonly'
            ].map(name => [name, { type: 'string', description: `The member ${name}` }])
        )
    ),
    proto: JSON.parse('{"type":"object","properties":{"__proto__":{"type":"string"},"a":{"type":"string"}}}'),
    not_an_object: { type: 'string' },
    union_of_objects: { anyOf: [object({ a: { type: 'string' } }, ['a']), object({ b: { type: 'string' } }, ['b'])] },
    wrong_words: {
        type: 'object',
        properties: {
            a: { type: 'file' },
            b: { type: 5 },
            c: { type: [] },
            d: { type: ['string', 5, null] },
            e: 'string',
            f: null,
            g: []
        },
        required: 'a',
        enum: 5,
        description: 5,
        anyOf: {},
        $ref: 5
    },
    wrong_properties: { type: 'object', properties: 'a', required: [1, null, 'x'], additionalProperties: 7, $defs: 3 }
};

/** Texts that a server may want a reader, a compiler or a checker to take for something else. */
export const TEXTS = [
    '*/ export const evil = 1; /*',
    '*\u200b/',
    '/**/ */',
    '@ts-nocheck',
    '@ts-ignore',
    '/// <reference path="/etc/passwd" />',
    '""" + evil() + """',
    '\\',
    '\\"""',
    'ends with a quote"',
    '# type: ignore',
    '#: pyright: basic',
    'type: ignore',
    'pyright: strict, reportFoo=false',
    '\u202eright to left\u202c',
    'tags \u{e0041}\u{e0042}',
    'line\u2028separator\rreturn\vtab\f',
    'a\0b\u001b[31mred',
    '\ud800 alone',
    '`${evil}`',
    '{@link javascript:alert(1)}',
    'x'.repeat(100_000),
    '\n'.repeat(10_000),
    ''
];

function object(properties: Record<string, unknown>, required?: string[]): Record<string, unknown> {
    return required ? { type: 'object', properties, required } : { type: 'object', properties };
}

/** Schemas that mean to cost much. Their declarations have to be bounded. */
export function hostile(depth = 5000): Record<string, Schema> {
    return {
        deep: nested(depth, inner => object({ a: inner })),
        deep_arrays: nested(depth, inner => ({ type: 'array', items: inner })),
        deep_unions: nested(depth, inner => ({ anyOf: [inner, { type: 'null' }] })),
        deep_all: nested(depth, inner => ({ allOf: [inner, object({ x: true })] })),
        wide: object(
            Object.fromEntries(Array.from({ length: 50_000 }, (_, i) => [`p${String(i)}`, { type: 'string' }]))
        ),
        wide_union: object({
            a: { anyOf: Array.from({ length: 50_000 }, (_, i) => object({ [`p${String(i)}`]: true })) }
        }),
        wide_enum: object({ a: { enum: Array.from({ length: 50_000 }, (_, i) => `v${String(i)}`) } }),
        wide_types: object({ a: { type: Array.from({ length: 50_000 }, () => 'string') } }),
        wide_required: { type: 'object', required: Array.from({ length: 50_000 }, (_, i) => `r${String(i)}`) },
        product: {
            allOf: Array.from({ length: 40 }, (_, i) => ({
                anyOf: [object({ [`a${String(i)}`]: true }), object({ [`b${String(i)}`]: true })]
            }))
        },
        doubled: {
            ...object({ a: { $ref: '#/$defs/d0' } }),
            $defs: Object.fromEntries(
                Array.from({ length: 60 }, (_, i) => {
                    const next = { $ref: `#/$defs/d${String(i + 1)}` };
                    return [`d${String(i)}`, { allOf: [next, object({ l: next, r: next })], anyOf: [next, next] }];
                })
            )
        },
        distributed: nested(20, inner => ({
            ...object({ a: inner, b: { type: 'string' }, c: { type: 'string' }, d: { type: 'string' } }),
            anyOf: [{ required: ['a'] }, { required: ['b'] }, { required: ['c'] }, { required: ['d'] }]
        })),
        maps: nested(20, inner => ({ ...object({ a: inner, b: inner }), additionalProperties: inner })),
        many_definitions: {
            ...object(
                Object.fromEntries(
                    Array.from({ length: 3000 }, (_, i) => [`p${String(i)}`, { $ref: `#/$defs/d${String(i)}` }])
                )
            ),
            $defs: Object.fromEntries(
                Array.from({ length: 3000 }, (_, i) => [`d${String(i)}`, object({ a: { type: 'string' } })])
            )
        },
        same_names: {
            ...object(
                Object.fromEntries(
                    Array.from({ length: 150 }, (_, i) => [`p${String(i)}`, { $ref: `#/$defs/${'-'.repeat(i + 1)}` }])
                )
            ),
            $defs: Object.fromEntries(
                Array.from({ length: 150 }, (_, i) => ['-'.repeat(i + 1), object({ a: { type: 'string' } })])
            )
        },
        long_names: object({ ['n'.repeat(1_000_000)]: { type: 'string' }, b: { const: 'v'.repeat(1_000_000) } }),
        long_pointer: object({ a: { $ref: `#/${'a/'.repeat(500_000)}` } }),
        long_default: object(
            Object.fromEntries(
                Array.from({ length: 200 }, (_, i) => [`p${String(i)}`, { $ref: '#/$defs/d', default: LARGE }])
            )
        ),
        anchors: {
            ...object({ a: { $ref: '#none' } }),
            $defs: nested(Math.min(depth, 3000), inner => ({ $defs: { a: inner, b: { $anchor: 'x' } } }))
        },
        pointer_into_itself: nested(60, inner => object({ a: inner, b: { $ref: `#${'/properties/a'.repeat(15)}` } }))
    };
}

const LARGE = Array.from({ length: 20_000 }, (_, i) => ({ i, text: 'a text' }));

function nested(depth: number, wrap: (inner: Schema) => Schema): Schema {
    let schema: Schema = { type: 'string' };
    for (let i = 0; i < depth; i++) schema = wrap(schema);
    return schema;
}
