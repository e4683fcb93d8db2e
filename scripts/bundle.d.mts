import type { Metafile } from 'esbuild';

export function bundle(root: string): Promise<{ text: string; metafile: Metafile }>;
