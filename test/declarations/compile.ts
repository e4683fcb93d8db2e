// The compilers that declarations are for.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import ts from 'typescript';

/** What a compiler finds wrong: file, line (from 1), and message. */
export interface Problem {
    readonly file: string;
    readonly line: number;
    readonly message: string;
}

/** Compiles files with TypeScript as strictly as it can, without the DOM. */
export function typescript(files: Record<string, string>, lib = ['lib.es2023.d.ts']): Problem[] {
    const options: ts.CompilerOptions = {
        strict: true,
        noEmit: true,
        exactOptionalPropertyTypes: true,
        noUncheckedIndexedAccess: true,
        noImplicitOverride: true,
        target: ts.ScriptTarget.ES2023,
        module: ts.ModuleKind.ESNext,
        moduleDetection: ts.ModuleDetectionKind.Auto,
        lib,
        types: []
    };
    const disk = ts.createCompilerHost(options, true);
    const host = { ...disk };
    host.getSourceFile = (name, target, ...rest) => {
        const text = files[name];
        return text === undefined
            ? disk.getSourceFile(name, target, ...rest)
            : ts.createSourceFile(name, text, target, true);
    };
    host.fileExists = name => Object.hasOwn(files, name) || disk.fileExists(name);
    host.readFile = name => files[name] ?? disk.readFile(name);
    const program = ts.createProgram(Object.keys(files), options, host);
    return ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => ({
        file: file?.fileName ?? '',
        line: file ? file.getLineAndCharacterOfPosition(start ?? 0).line + 1 : 0,
        message: ts.flattenDiagnosticMessageText(messageText, '\n')
    }));
}

/** Checks files with pyright, in strict mode. */
export async function pyright(files: Record<string, string>): Promise<Problem[]> {
    const folder = await mkdtemp(join(tmpdir(), 'caisson-pyright-'));
    try {
        await writeFile(join(folder, 'pyrightconfig.json'), JSON.stringify(PYRIGHT));
        for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
        const cli = createRequire(import.meta.url).resolve('pyright');
        const output = await new Promise<string>(resolve => {
            // An exit code of 1 says that there are problems.
            const options = { maxBuffer: 256 << 20 };
            execFile(process.execPath, [cli, '--outputjson', '-p', folder], options, (_, stdout) => resolve(stdout));
        });
        const { generalDiagnostics } = JSON.parse(output) as { generalDiagnostics: Diagnostic[] };
        return generalDiagnostics.map(({ file, range, message, severity }) => ({
            file: file.slice(folder.length + 1),
            line: range ? range.start.line + 1 : 0,
            message: `${severity}: ${message}`
        }));
    } finally {
        await rm(folder, { recursive: true, force: true });
    }
}

interface Diagnostic {
    readonly file: string;
    readonly severity: string;
    readonly message: string;
    readonly range?: { readonly start: { readonly line: number } };
}

const PYRIGHT = {
    pythonVersion: '3.14',
    pythonPlatform: 'Linux',
    typeCheckingMode: 'strict',
    // Nobody can say what is in arguments that the server does not describe.
    reportUnknownMemberType: false,
    reportUnknownVariableType: false,
    reportUnknownArgumentType: false,
    // A module that is not installed where the test runs.
    reportMissingModuleSource: false
};
