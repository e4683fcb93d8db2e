export const OF_HOST: string[];
export const names: string[];
export const ofCore: string[];
export const buildFolder: string;
export const define: Record<string, string>;
