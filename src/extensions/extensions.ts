// The extensions that the core takes part in. All else of the core asks here, and names none of them.
import type { ClientCapabilities } from '@modelcontextprotocol/client';

import type { Extension, ExtensionMethod } from './extension.js';
import { SKILLS } from './skills.js';
import { TASKS } from './tasks.js';

const EXTENSIONS: readonly Extension[] = [TASKS, SKILLS];

const owners = new Map(EXTENSIONS.flatMap(one => Object.keys(one.methods).map(method => [method, one] as const)));

/** The extension that a method belongs to; undefined for the protocol's own, and for what nobody here knows. */
export function ownerOf(method: string): Extension | undefined {
    return owners.get(method);
}

/** What is known of an extension's method. */
export function extensionMethod(method: string): ExtensionMethod | undefined {
    return owners.get(method)?.methods[method];
}

/** The capabilities of the program's, with what the core declares for its extensions. */
export function declared(capabilities: ClientCapabilities): ClientCapabilities {
    const extensions = { ...capabilities.extensions } as Record<string, object>;
    for (const { id, settings } of EXTENSIONS) if (settings) extensions[id] = settings.value;
    return { ...capabilities, extensions } as ClientCapabilities;
}

/** The same for the handshake of the older revisions, which do not have all of them. */
export function declaredToLegacy({ extensions = {}, ...capabilities }: ClientCapabilities): ClientCapabilities {
    const modern = EXTENSIONS.filter(({ settings }) => settings?.legacy === false).map(({ id }) => id);
    const kept = Object.entries(extensions).filter(([id]) => !modern.includes(id));
    return kept.length === 0 ? capabilities : { ...capabilities, extensions: Object.fromEntries(kept) };
}
