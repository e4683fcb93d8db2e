import {
    ProtocolError,
    SdkError,
    SdkErrorCode,
    SdkHttpError,
    SseError,
    UnauthorizedError
} from '@modelcontextprotocol/client';
import { describe, expect, test } from 'vitest';

import { IoFailure, describe as inWords, failure, toError } from '../src/operations/errors.js';

const io = new IoFailure({ kind: 'transport', message: 'reset', cause: 9 });
const wrapped = (cause: unknown) =>
    new SdkError(SdkErrorCode.EraNegotiationFailed, 'probe failed', { cause }, { cause });
const http = (code: SdkErrorCode, status: number, text?: string) => new SdkHttpError(code, 'x', { status, text });
const event: unknown = new Event('error');
const sse = (code: number | undefined, message: string) =>
    new SseError(code, message, event as ConstructorParameters<typeof SseError>[2]);

describe('toError', () => {
    test.each([
        ['an io-error', io, { tag: 'transport', val: 'reset' }],
        ['an io-error inside', wrapped(io), { tag: 'transport', val: 'reset' }],
        [
            'an io-error deep inside',
            wrapped(wrapped(new Error('x', { cause: io }))),
            { tag: 'transport', val: 'reset' }
        ],
        [
            'an io-error in data alone',
            new SdkError(SdkErrorCode.SendFailed, 'x', { cause: io }),
            { tag: 'transport', val: 'reset' }
        ],
        ['a failure of ours', wrapped(failure('limit', 'large')), { tag: 'limit', val: 'large' }],
        [
            'an HTTP status',
            http(SdkErrorCode.ClientHttpNotImplemented, 418, ' a\n teapot '),
            { tag: 'http', val: { status: 418, message: 'a teapot' } }
        ],
        [
            'a status at the probe',
            http(SdkErrorCode.EraNegotiationFailed, 502),
            { tag: 'http', val: { status: 502, message: '' } }
        ],
        ['no authorization', new UnauthorizedError('who?'), { tag: 'http', val: { status: 401, message: 'who?' } }],
        ['an SSE status', sse(404, 'Non-200'), { tag: 'http', val: { status: 404, message: 'SSE error: Non-200' } }],
        [
            'SSE that is none',
            sse(200, 'Invalid content type'),
            { tag: 'protocol', val: 'SSE error: Invalid content type' }
        ],
        ['a lost SSE stream', sse(undefined, 'lost'), { tag: 'transport', val: 'SSE error: lost' }],
        ['a timeout', new SdkError(SdkErrorCode.RequestTimeout, 'late'), { tag: 'timeout', val: 'late' }],
        ['a closed connection', new SdkError(SdkErrorCode.ConnectionClosed, 'gone'), { tag: 'closed', val: 'gone' }],
        ['no connection', new Error('Not connected'), { tag: 'closed', val: 'the connection is closed' }],
        ['an invalid result', new SdkError(SdkErrorCode.InvalidResult, 'bad'), { tag: 'protocol', val: 'bad' }],
        [
            'a method of another revision',
            new SdkError(SdkErrorCode.MethodNotSupportedByProtocolVersion, 'x'),
            { tag: 'invalid-argument', val: 'x' }
        ],
        [
            'negotiation that failed',
            new SdkError(SdkErrorCode.EraNegotiationFailed, 'no'),
            { tag: 'protocol', val: 'no' }
        ],
        ["the SDK's own objection", new ProtocolError(-32_602, 'bad schema'), { tag: 'protocol', val: 'bad schema' }],
        [
            'what is not JSON',
            wrapped(new SyntaxError('unexpected "secret"')),
            { tag: 'protocol', val: 'the server sent what is not JSON' }
        ],
        ['another error', new RangeError('oops'), { tag: 'internal', val: 'RangeError: oops' }],
        ['no error at all', 'oops', { tag: 'internal', val: 'oops' }],
        ['nothing', undefined, { tag: 'internal', val: 'undefined' }]
    ])('%s', (_name, thrown, expected) => {
        const { failure: found, step, cause } = toError(thrown, 'a/step');
        expect(found).toEqual(expected);
        expect(step).toBe('a/step');
        expect(cause).toBe(expected.tag === 'transport' && expected.val === 'reset' ? 9 : undefined);
    });

    test('a cause that goes in circles comes to an end', () => {
        const error = new Error('round');
        error.cause = error;
        expect(toError(error, 's').failure.tag).toBe('internal');
    });

    test('what a server says is shortened', () => {
        const error = toError(http(SdkErrorCode.ClientHttpNotImplemented, 500, '<p> '.repeat(10_000)), 's').failure;
        expect(error.tag === 'http' && error.val.message.length).toBe(301);
    });
});

test('words for a log quote nothing that a server sent', () => {
    expect(inWords(new Error('Received a response for an unknown message ID: {"secret":1}'))).toBe(
        'Received a response for an unknown message ID'
    );
    expect(inWords(new SyntaxError('Unexpected token s in "secret"'))).toBe('a message is not JSON');
    expect(inWords(http(SdkErrorCode.ClientHttpNotImplemented, 500, 'secret'))).toBe('HTTP 500');
    expect(inWords(io)).toBe('reset');
});
