// The extensions that the core takes part in. The other folders ask here, and name no extension.
import type { ClientCapabilities } from '@modelcontextprotocol/client';

import type { Extension, ExtensionMethod } from './extension.js';
import { SKILLS } from './skills.js';
import { TASKS } from './tasks.js';

const EXTENSIONS: readonly Extension[] = [TASKS, SKILLS];

const owners = new Map(EXTENSIONS.flatMap(one => Object.keys(one.methods).map(method => [method, one] as const)));

/** The extension that a method belongs to; undefined for the protocol's own methods and for unknown ones. */
export function ownerOf(method: string): Extension | undefined {
    return owners.get(method);
}

/** The description of an extension's method. */
export function extensionMethod(method: string): ExtensionMethod | undefined {
    return owners.get(method)?.methods[method];
}

/** The program's capabilities, and in them the settings that the core declares for its extensions. */
export function declared(capabilities: ClientCapabilities): ClientCapabilities {
    const extensions = { ...capabilities.extensions } as Record<string, object>;
    for (const { id, settings } of EXTENSIONS) if (settings) extensions[id] = settings.value;
    return { ...capabilities, extensions } as ClientCapabilities;
}

/** The capabilities for the handshake of the older revisions, which do not have all extensions. */
export function declaredToLegacy({ extensions = {}, ...capabilities }: ClientCapabilities): ClientCapabilities {
    const modern = EXTENSIONS.filter(({ settings }) => settings?.legacy === false).map(({ id }) => id);
    const kept = Object.entries(extensions).filter(([id]) => !modern.includes(id));
    return kept.length === 0 ? capabilities : { ...capabilities, extensions: Object.fromEntries(kept) };
}
