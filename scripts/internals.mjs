// Looks for the private members of the SDK and of zod that the core uses (src/sdk/internals.ts).
import * as sdk from '@modelcontextprotocol/client';
import { build } from 'esbuild';
import { z } from 'zod';

/** One of each kind of what has such members. */
export function samples({ Client, StreamableHTTPClientTransport } = sdk) {
    const client = new Client({ name: 'build', version: '0' }, {});
    const string = z.string();
    return {
        client,
        transport: new StreamableHTTPClientTransport(new URL('http://localhost/')),
        codec: client._negotiatedWireCodec?.(),
        string,
        optional: string.optional(),
        lazy: z.lazy(() => string),
        object: z.looseObject({ string }),
        array: z.array(string),
        union: z.discriminatedUnion('type', [z.object({ type: z.literal('a') }), z.object({ type: z.literal('b') })]),
        literal: z.literal('a'),
        enum: z.enum(['a', 'b']),
        record: z.record(string, string),
        pipe: string.pipe(string),
        integer: z.int(),
        bounded: z.number().min(1),
        coerced: z.coerce.number()
    };
}

/** Throws when one of them is not there any more. */
export async function checkInternals(root) {
    const { outputFiles } = await build({
        entryPoints: [`${root}src/sdk/internals.ts`],
        bundle: true,
        write: false,
        format: 'esm',
        logLevel: 'warning'
    });
    const { missing } = await import(
        `data:text/javascript;base64,${Buffer.from(outputFiles[0].text).toString('base64')}`
    );
    const gone = missing(samples());
    if (gone.length > 0)
        throw new Error(
            `the SDK or zod has lost what the core uses of them:\n  ${gone.join('\n  ')}\nlook at src/sdk/internals.ts`
        );
}
