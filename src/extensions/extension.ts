import type { StandardSchemaV1 } from '@modelcontextprotocol/client';

/** One request of an extension's. */
export interface ExtensionMethod {
    /** What its result must be, for whoever sends the request by its name alone. */
    readonly result: StandardSchemaV1;
    /** Whether it only asks: a second one does no harm. */
    readonly repeatable: boolean;
}

/**
 * An extension of the protocol that the core takes part in. An extension that only the program knows needs
 * none of this: the program declares it, the core sends its methods as they are, and hands what servers
 * ask for it to the host.
 */
export interface Extension {
    /** Its name in `capabilities.extensions`. */
    readonly id: string;
    /** What the core declares for it by itself; absent for an extension that servers alone declare. */
    readonly settings?: {
        readonly value: object;
        /** Whether the handshake of the older revisions has it, too. */
        readonly legacy: boolean;
    };
    /** What a session may send for it, in any revision. */
    readonly methods: Readonly<Record<string, ExtensionMethod>>;
}
