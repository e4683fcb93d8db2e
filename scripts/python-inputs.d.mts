export function pythonInputs(root: string): object;
