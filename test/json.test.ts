import { describe, expect, test } from 'vitest';

import { errorData, exact, parseMessage, parseObject } from '../src/protocol/json.js';

describe('parseMessage', () => {
    test.each([
        ['{"jsonrpc":"2.0","id":1,"result":{"a":1.0}}', '{"a":1.0}'],
        ['{"result":{"a":1},"jsonrpc":"2.0","id":1}', '{"a":1}'],
        ['{"jsonrpc":"2.0","method":"m","params":{"x":[]}}', '{"x":[]}'],
        ['{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"\\"}"}}', '{"code":1,"message":"\\"}"}'],
        ['{"jsonrpc":"2.0","method":"m"}', undefined],
        [' {\n"result" : [ 1 ] , "id" : "x" } ', '[ 1 ]'],
        ['{"result":"},\\"id\\":1}","id":2}', '"},\\"id\\":1}"'],
        ['{"result":{"id":5},"id":2}', '{"id":5}'],
        ['{"result":{"a":"b,\\"id\\":1"}}', '{"a":"b,\\"id\\":1"}'],
        // Its members do not come one by one: written anew.
        ['{"x":1,"result":{"2":0,"1":1.0}}', '{"1":1,"2":0}'],
        ['{"result":{},"result":{"a":1}}', '{"a":1}'],
        ['{"result":1234567890}', '1234567890'],
        ['{"jsonrpc":"2.0","id":5}', undefined],
        ['{"jsonrpc":"2.0","id":1.0,"result":{}}', '{}'],
        ['{"jsonrpc":"2.0","id":9007199254740993,"result":{}}', '{}'],
        [`{"result":{},"id":"${'x'.repeat(1000)}"}`, '{}']
    ])('%s', (text, payload) => {
        expect(parseMessage(text)).toEqual({ message: JSON.parse(text) as unknown, payload });
    });

    test.each([
        '',
        '{',
        '{"result":}',
        '{"result":1}}',
        '{"result":1,"id":1}x',
        'x{"result":1}',
        '{"id":01,"result":{}}'
    ])('refuses %o', text => {
        expect(() => parseMessage(text)).toThrow(SyntaxError);
    });

    test.each(['[]', '7', 'null', '"x"'])('takes %s for no message with a payload', text => {
        expect(parseMessage(text)).toEqual({ message: JSON.parse(text) as unknown, payload: undefined });
    });

    test('agrees with JSON.parse on whatever is thrown at it', () => {
        // A xorshift, so that a failure comes again.
        let seed = 2463534242;
        const below = (n: number) => {
            seed ^= seed << 13;
            seed ^= seed >>> 17;
            seed ^= seed << 5;
            return (seed >>> 0) % n;
        };
        const parts = [
            '{',
            '}',
            '[',
            ']',
            ',',
            ':',
            '"',
            '\\',
            ' ',
            '1',
            '"id"',
            '"result"',
            '"params"',
            '"error"',
            '"jsonrpc":"2.0"',
            '{}',
            'null',
            '"a,\\"id\\":1}"',
            ',"id":1',
            '"result":{'
        ];
        const shapes = [
            '{"jsonrpc":"2.0","id":1,"result":@}',
            '{"result":@,"id":1}',
            '{"jsonrpc":"2.0","method":"m","params":@}',
            '@'
        ];
        let valid = 0;
        for (let n = 0; n < 50_000; n++) {
            const filling = Array.from({ length: below(8) }, () => parts[below(parts.length)]).join('');
            const text = (shapes[below(shapes.length)] as string).replace('@', () => filling);
            let expected: unknown;
            try {
                expected = JSON.parse(text);
            } catch {
                expect(() => parseMessage(text), text).toThrow(SyntaxError);
                continue;
            }
            valid++;
            const { message, payload } = parseMessage(text);
            expect(message, text).toEqual(expected);
            if (payload === undefined) continue;
            const { result, params, error, data } = expected as Record<string, unknown>;
            expect([result, params, error, data], text).toContainEqual(JSON.parse(payload));
        }
        expect(valid).toBeGreaterThan(500);
    });
});

test.each([
    ['{"code":1,"message":"m","data":{"a":1.0}}', '{"a":1.0}'],
    ['{"data":[1.0],"message":"m","code":1}', '[1.0]'],
    ['{"code":1,"message":"m"}', undefined],
    ['{"code":1,"message":"m","data":null}', 'null'],
    ['{"x":{},"code":1,"message":"m","data":{"a":1.0}}', '{"a":1}'],
    [`{"code":1,"data":{"a":1.0},"message":"${'\\"'.repeat(500)}"}`, '{"a":1}']
])('errorData(%s)', (text, data) => {
    expect(errorData(text)).toBe(data);
});

describe('parseObject', () => {
    test.each(['{}', '{"a":[1,"x",null,true,{"b":{}}]}', '{"__proto__":1}'])('reads %s', text => {
        expect(parseObject(text)).toEqual(JSON.parse(text));
    });

    test('keeps own keys own', () => {
        const params = parseObject('{"__proto__":{"polluted":1e2}}');
        expect(Object.hasOwn(params, '__proto__')).toBe(true);
        expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    });

    test.each(['', 'x', '{"a":}', '{}{}'])('throws a SyntaxError at %o', text => {
        expect(() => parseObject(text)).toThrow(SyntaxError);
    });

    test.each(['null', '[]', '1', '"{}"'])('throws a TypeError at %s', text => {
        expect(() => parseObject(text)).toThrow(TypeError);
    });
});

test('without its text an object is exact', () => {
    const object = { a: 1 };
    expect(exact(object, undefined)).toBe(object);
    expect(exact(object, '{"a":1}')).toBe(object);
});
