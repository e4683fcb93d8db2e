export function listeners(pid: number): { all: number; beyond: string[]; ports: number[] };
