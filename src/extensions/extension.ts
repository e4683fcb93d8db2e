import type { StandardSchemaV1 } from '@modelcontextprotocol/client';

/** A request method of an extension. */
export interface ExtensionMethod {
    /** The schema of its result, for requests that are sent by their method's name. */
    readonly result: StandardSchemaV1;
    /** Whether it only reads, so that sending it twice does no harm. */
    readonly repeatable: boolean;
}

/**
 * An extension of the protocol that the core takes part in. An extension that only the program knows needs
 * none of this: the program declares the extension, and the core passes requests on in both directions.
 */
export interface Extension {
    /** Its name in `capabilities.extensions`. */
    readonly id: string;
    /** The settings that the core declares; absent for an extension that only servers declare. */
    readonly settings?: {
        readonly value: object;
        /** Whether the handshake of the older revisions declares the extension too. */
        readonly legacy: boolean;
    };
    /** The methods that a session may send, in any revision. */
    readonly methods: Readonly<Record<string, ExtensionMethod>>;
}
