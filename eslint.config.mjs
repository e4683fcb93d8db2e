import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

export default defineConfig(
    // The scripts of the bench are bodies of functions, which may return.
    { ignores: ['build/', 'bin/', 'daemon/', 'host-go/', 'src/generated/', 'bench/tasks/'] },
    {
        files: ['**/*.ts'],
        extends: [tseslint.configs.strictTypeChecked],
        languageOptions: { parserOptions: { projectService: true } },
        rules: {
            '@typescript-eslint/consistent-type-imports': 'error',
            '@typescript-eslint/switch-exhaustiveness-check': 'error',
            '@typescript-eslint/no-confusing-void-expression': [
                'error',
                { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true }
            ],
            '@typescript-eslint/no-invalid-void-type': 'off',
            // Numbers read well in messages.
            '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
            // Interfaces of the SDK that return promises are implemented by what needs none.
            '@typescript-eslint/require-await': 'off'
        }
    },
    {
        files: ['src/**/*.ts'],
        ignores: ['src/generated/**'],
        rules: {
            // The core runs in an engine with no Node in it. test/layering.test.ts looks further.
            'no-restricted-imports': ['error', { patterns: ['node:*'] }]
        }
    }
);
