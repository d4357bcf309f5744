'use strict';

const tseslint = require('typescript-eslint');
const importX = require('eslint-plugin-import-x');

/** Who may import whom. The picture is in docs/architecture.md; a new arrow changes this table first. */
const mayImport = {
  core: [],
  config: ['core'],
  meili: ['core'],
  store: ['core'],
  archives: ['core'],
  workflows: ['core', 'activities'],
  activities: ['core', 'meili', 'store', 'archives'],
  worker: ['core', 'config', 'meili', 'store', 'archives', 'activities', 'workflows'],
  api: ['core', 'config', 'meili', 'store', 'archives', 'workflows'],
  cli: ['config', 'local'],
  web: [],
  local: ['config'],
};
const folders = Object.keys(mayImport);

const zones = folders.flatMap((folder) =>
  folders
    .filter((other) => other !== folder && !mayImport[folder].includes(other))
    .map((other) => ({
      target: `./${folder}`,
      from: `./${other}`,
      message: `${folder}/ may not import ${other}/ (see the table in eslint.config.js).`,
    })),
);

module.exports = [
  { ignores: ['node_modules/**', 'dist/**', 'coverage/**', '**/*.js', 'web/**/*.js'] },
  {
    files: ['**/*.ts'],
    languageOptions: {
      parser: tseslint.parser,
      parserOptions: { project: './tsconfig.json', tsconfigRootDir: __dirname },
    },
    plugins: { '@typescript-eslint': tseslint.plugin, 'import-x': importX },
    settings: { 'import-x/resolver': { node: { extensions: ['.ts', '.js'] } } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      'import-x/no-restricted-paths': ['error', { basePath: __dirname, zones }],
      'import-x/no-default-export': 'error',
      'max-lines': ['error', { max: 400 }],
      'max-lines-per-function': ['error', { max: 70, skipComments: true, skipBlankLines: true }],
      'max-params': ['error', 4],
      eqeqeq: 'error',
      'no-console': 'error',
      'prefer-const': 'error',
    },
  },
  {
    files: ['core/**/*.ts'],
    rules: {
      'no-restricted-imports': ['error', { patterns: ['node:*', 'fs', 'path', 'crypto'] }],
      'no-restricted-properties': [
        'error',
        {
          object: 'Date',
          property: 'now',
          message: 'core/ has no clock; take the time as an argument.',
        },
        {
          object: 'Math',
          property: 'random',
          message: 'core/ has no randomness; take it as an argument.',
        },
      ],
    },
  },
  {
    files: ['workflows/**/*.ts'],
    rules: {
      'no-restricted-globals': ['error', 'Buffer', 'process'],
      'no-restricted-imports': 'off',
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          patterns: [
            { group: ['node:*'], message: 'Workflows are deterministic.' },
            {
              group: ['**/core/**', '**/activities/**'],
              allowTypeImports: true,
              message: 'Workflows import types only, else a changed core breaks replay.',
            },
          ],
        },
      ],
    },
  },
  {
    files: ['local/embedded-node/**/*.ts'],
    rules: {
      'import-x/no-restricted-paths': [
        'error',
        {
          basePath: __dirname,
          zones: [
            {
              target: './local/embedded-node',
              from: '.',
              except: ['./local/embedded-node', './node_modules'],
              message: 'The embedded node imports nothing of Miroir.',
            },
          ],
        },
      ],
    },
  },
  {
    files: ['test/**/*.ts', 'bench/**/*.ts'],
    // A row of test.each has as many parameters as its table has columns.
    rules: {
      'max-lines-per-function': 'off',
      'max-params': 'off',
      'import-x/no-restricted-paths': 'off',
    },
  },
  { files: ['cli/**/*.ts', 'bench/**/*.ts', 'local/**/main.ts'], rules: { 'no-console': 'off' } },
];
