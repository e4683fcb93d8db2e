import type { Metafile } from 'esbuild';

export function bundle(
    root: string,
    options?: { interpreted?: boolean }
): Promise<{ text: string; metafile: Metafile }>;
