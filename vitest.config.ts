import { defineConfig } from 'vitest/config';

import { define } from './scripts/without.mjs';

export default defineConfig({
    define,
    test: {
        include: ['test/**/*.test.ts'],
        globalSetup: ['test/setup.ts'],
        testTimeout: 60_000,
        hookTimeout: 120_000
    }
});
