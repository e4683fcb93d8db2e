// Bundles the core: src/ and the SDK into one script that imports nothing but the contract. The
// same sources give the same bytes, wherever they lie.
import { build } from 'esbuild';

/**
 * Returns the text of the script, and esbuild's account of what went into it. An interpreted one
 * leaves all validation to zod (src/schemas.ts).
 */
export async function bundle(root, { interpreted = false } = {}) {
    const { outputFiles, metafile } = await build({
        absWorkingDir: root,
        entryPoints: ['src/component.ts'],
        bundle: true,
        write: false,
        metafile: true,
        outfile: 'build/core.bundle.js',
        format: 'esm',
        target: 'es2023',
        // `neutral` knows no conditions of its own. `workerd` picks the JSON Schema validator that
        // needs no eval; pkce-challenge has a `browser` entry and a Node one.
        platform: 'neutral',
        mainFields: ['module', 'main'],
        conditions: ['workerd', 'browser', 'import'],
        external: ['caisson:*'],
        define: { 'self.location': 'undefined', INTERPRETED: String(interpreted) },
        minify: true,
        // Fields of a class are set like any others: to define them takes this engine several times as long.
        tsconfigRaw: { compilerOptions: { useDefineForClassFields: false } },
        legalComments: 'none',
        logLevel: 'warning'
    });
    return { text: outputFiles[0].text, metafile };
}
