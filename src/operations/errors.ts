// The one place that makes the contract's errors. Two families come in: the exceptions of the SDK and the
// platform, and the host's io-errors, which are inside those exceptions as `IoFailure`.
import {
    InsufficientScopeError,
    OAuthClientFlowError,
    OAuthError,
    ProtocolError,
    SdkError,
    SdkErrorCode,
    SdkHttpError,
    SseError,
    UnauthorizedError
} from '@modelcontextprotocol/client';
import { SkillVerificationError } from '@modelcontextprotocol/client/ext/skills';
import type { Error as WitError, Failure, IoError } from 'caisson:mcp/types@0.1.0';

/** An effect that failed, as the platform would report it: `fetch` rejects with a TypeError. */
export class IoFailure extends TypeError {
    constructor(readonly io: IoError) {
        super(io.message);
        this.name = 'IoFailure';
    }
}

/** An exception with one of the contract's failures. */
export class CallFailure extends Error {
    constructor(
        readonly failure: Failure,
        readonly io?: IoError
    ) {
        super(typeof failure.val === 'string' ? failure.val : failure.val.message);
        this.name = 'CallFailure';
    }
}

/** A failure of the authorization: the server itself has said nothing but that it wants one. */
export class AuthorizationFailure extends CallFailure {
    constructor({ failure, io }: CallFailure) {
        super(failure, io);
        this.name = 'AuthorizationFailure';
    }
}

type TextTag = Exclude<Failure['tag'], 'http' | 'rpc' | 'unverified'>;

/** A failure whose only fact is a text. */
export function failure(tag: TextTag, message: string): CallFailure {
    return new CallFailure({ tag, val: message });
}

/** A failure in words, for the text of another failure. The server may have sent no text with its code. */
export function inWords({ failure, message }: CallFailure): string {
    const said = message === '' ? '' : ` (${message})`;
    if (failure.tag === 'http') return `HTTP ${failure.val.status}${said}`;
    if (failure.tag === 'rpc') return `the JSON-RPC error ${failure.val.code}${said}`;
    return message;
}

/** The failure of an operation that needed an effect which failed with an io-error. */
export function ioFailure(io: IoError): CallFailure {
    return new CallFailure({ tag: io.kind, val: io.message }, io);
}

/** The contract's error for an exception. */
export function toError(thrown: unknown, step: string): WitError {
    const { failure, io } = toFailure(thrown);
    return io === undefined ? { failure, step } : { failure, step, cause: io.cause };
}

/** The failure behind an exception. */
export function toFailure(thrown: unknown): CallFailure {
    for (const error of causes(thrown)) {
        if (error instanceof CallFailure) return error;
        if (error instanceof IoFailure) return ioFailure(error.io);
    }
    for (const error of causes(thrown)) {
        const found = classify(error);
        if (found) return found;
    }
    return failure('internal', String(thrown));
}

/** An error and its causes. The SDK keeps some causes in `data`. */
function* causes(thrown: unknown): Generator<Error> {
    for (let error = thrown, depth = 0; error instanceof Error && depth < 8; depth++) {
        yield error;
        error =
            error.cause ??
            (error instanceof SdkError ? (error.data as { cause?: unknown } | undefined)?.cause : undefined);
    }
}

function classify(error: Error): CallFailure | undefined {
    if (error instanceof SdkHttpError) {
        return http(
            error.status,
            typeof error.data['text'] === 'string' ? error.data['text'] : (error.statusText ?? '')
        );
    }
    if (error instanceof SkillVerificationError) {
        const { reason, uri, message } = error;
        return new CallFailure({ tag: 'unverified', val: { reason, uri, message: inLine(message) } });
    }
    if (error instanceof SdkError) return classifySdk(error);
    if (error instanceof OAuthError) return failure('unauthorized', refusal(error.code, error.message));
    if (error instanceof OAuthClientFlowError) return failure('unauthorized', inLine(error.message));
    if (error instanceof UnauthorizedError) return http(401, error.message);
    if (error instanceof InsufficientScopeError) return http(403, error.message);
    if (error instanceof SseError) return classifySse(error);
    // A ProtocolError here is the SDK's own objection: `Call.cause` has handled the server's errors.
    if (error instanceof ProtocolError) return failure('protocol', inLine(error.message));
    if (error instanceof SyntaxError) return failure('protocol', 'the server sent what is not JSON');
    if (error.name === 'ZodError' || error.name === '$ZodError')
        return failure('protocol', 'the server sent what is not JSON-RPC');
    if (error.message === 'Not connected') return failure('closed', 'the connection is closed');
    return AT_HANDSHAKE.test(error.message) ? failure('protocol', inLine(error.message)) : undefined;
}

/** What an authorization server refuses with (RFC 6749, section 5.2). */
export function refusal(code: string | undefined, description: string | undefined): string {
    const said = [code, description].filter(text => text !== undefined && text !== '').join(': ');
    return `the authorization server refused${said === '' ? '' : `: ${inLine(said)}`}`;
}

/** Matches errors of a handshake that only their text tells apart: the SDK's, and the engine's for a URL. */
const AT_HANDSHAKE =
    /^(Server's protocol version is not supported|Endpoint origin does not match|(URL constructor: )?.*not a valid URL)/;

const BY_CODE: Partial<Record<SdkErrorCode, TextTag>> = {
    [SdkErrorCode.NotConnected]: 'closed',
    [SdkErrorCode.ConnectionClosed]: 'closed',
    [SdkErrorCode.RequestTimeout]: 'timeout',
    [SdkErrorCode.SendFailed]: 'transport',
    [SdkErrorCode.InvalidResult]: 'protocol',
    [SdkErrorCode.UnsupportedResultType]: 'protocol',
    [SdkErrorCode.InputRequiredRoundsExceeded]: 'protocol',
    [SdkErrorCode.ListPaginationExceeded]: 'protocol',
    [SdkErrorCode.CapabilityNotSupported]: 'invalid-argument',
    [SdkErrorCode.MethodNotSupportedByProtocolVersion]: 'invalid-argument'
};

function classifySdk(error: SdkError): CallFailure | undefined {
    if (error.code === SdkErrorCode.ClientHttpUnexpectedContent) return failure('protocol', unreadBody(error.data));
    const tag = BY_CODE[error.code];
    if (tag) return failure(tag, inLine(error.message));
    // The SDK's negotiation wraps the error that it met. That cause says more, if there is one.
    const wrapped = error.cause instanceof Error;
    return error.code === SdkErrorCode.EraNegotiationFailed && !wrapped
        ? failure('protocol', error.message)
        : undefined;
}

/** The message for a body of a type that the protocol does not have. */
function unreadBody(data: unknown): string {
    const { contentType } = data as { contentType?: string | null };
    const type = contentType ? `the content type ${inLine(contentType)}` : 'no content type';
    return `the server's answer has ${type}, and neither application/json nor text/event-stream`;
}

function classifySse(error: SseError): CallFailure {
    if (error.code === undefined) return failure('transport', error.message);
    if (error.code === 200 || error.code === 204) return failure('protocol', error.message);
    return http(error.code, error.message);
}

/** The failure for an HTTP status, with the server's text, shortened. */
export function http(status: number, said: string): CallFailure {
    return new CallFailure({ tag: 'http', val: { status, message: inLine(said) } });
}

/** Long enough to recognise a page or a list of issues, short enough for people. */
const LINE_LENGTH = 300;

function inLine(text: string): string {
    const line = text
        .slice(0, 10 * LINE_LENGTH)
        .replace(/\s+/g, ' ')
        .trim();
    return line.length > LINE_LENGTH ? `${line.slice(0, LINE_LENGTH)}…` : line;
}

/** An error in words, without a message of the server's, which the SDK's texts quote after a colon. */
export function describe(error: Error): string {
    if (error instanceof IoFailure || error instanceof CallFailure) return error.message;
    if (error instanceof SdkHttpError) return `HTTP ${error.status}`;
    if (error instanceof SyntaxError) return 'a message is not JSON';
    if (error.name === 'ZodError' || error.name === '$ZodError') return 'a message is not JSON-RPC';
    return error.message.split(':', 1)[0] ?? error.name;
}
