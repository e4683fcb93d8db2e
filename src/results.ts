// Keeps what validates the results of a method. The SDK makes it anew for each request, and asks it
// about `undefined` to see whether there is one: zod then writes a report that nobody reads, which
// costs as much as the rest of a request.
import type { StandardSchemaV1 } from '@modelcontextprotocol/client';
import { Client } from '@modelcontextprotocol/client';

import { checkOf } from './schemas.js';
import type { Check } from './validator.js';

type Request = { readonly method: string };

/** What of the SDK's client is used here, and its types keep to themselves. */
interface Internals {
    /** The codec of the era that a request belongs to. */
    _resolveOutboundCodec: (method: string) => object;
    /** Every request passes here, with what validates its result. */
    _requestWithSchemaViaCodec: (
        codec: object,
        request: Request,
        schema: StandardSchemaV1,
        options: unknown
    ) => unknown;
}

const kept = new Map<object, Map<string, StandardSchemaV1>>();

/** What the SDK has made for the results of a method before, in this client's era. */
export function resultSchema(client: Client, method: string): StandardSchemaV1 | undefined {
    return kept.get((client as unknown as Internals)._resolveOutboundCodec(method))?.get(method);
}

const internals = Client.prototype as unknown as Internals;
const send = internals._requestWithSchemaViaCodec;

internals._requestWithSchemaViaCodec = function (codec, request, schema, options) {
    // The SDK's own, and no schema of a caller's.
    if (schema['~standard'].vendor === 'mcp-wire-codec') {
        const schemas = kept.get(codec) ?? new Map<string, StandardSchemaV1>();
        kept.set(codec, schemas.set(request.method, schema));
    }
    return send.call(this, codec, request, schema, options);
};

/** How an era's results are read. */
export interface Codec {
    hasRequestMethod(method: string): boolean;
    validateResult(method: string, value: unknown): { ok: boolean; value?: unknown };
}

const checks = new Map<Codec, Map<string, Check | undefined>>();

/**
 * What says whether an era takes a result of a method as it is: true when it does. Undefined where
 * there is none: they are written while the component is built.
 */
export function resultCheck(codec: Codec, method: string): Check | undefined {
    const ofEra = checks.get(codec) ?? new Map<string, Check | undefined>();
    checks.set(codec, ofEra);
    if (!ofEra.has(method))
        ofEra.set(
            method,
            checkOf(() => codec.validateResult(method, {}))
        );
    return ofEra.get(method);
}
