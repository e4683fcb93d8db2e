export function samples(sdk?: Partial<typeof import('@modelcontextprotocol/client')>): Record<string, unknown>;
