import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { transformSync } from '@swc/core';
import { requiredEnv } from './env';

const root = resolve(__dirname, '..', '..');
const cache = join(root, 'node_modules', '.cache', 'miroir-test');
const folders = [
  ...[
    'core',
    'config',
    'meili',
    'store',
    'archives',
    'activities',
    'workflows',
    'worker',
    'api',
    'cli',
  ],
  ...['web', 'local', 'bench'],
];

/** The program compiled from the present sources, for tests that start processes of it. */
export function builtForTest(): string {
  return requiredEnv('MIROIR_BUILT');
}

/**
 * Compiles the sources into a folder of this run's own (several runs may go on in one checkout) and
 * returns it. It lies below the project, so that packages are found from there. `whole` false makes
 * only the guard, which all that starts servers needs.
 */
export function build(whole: boolean): string {
  removeAbandoned();
  const into = join(cache, String(process.pid));
  const guard = join('local', 'guard.ts');
  compile(join(root, guard), join(into, guard));
  for (const folder of whole ? folders : []) {
    for (const file of sources(join(root, folder))) compile(file, join(into, relative(root, file)));
  }
  return into;
}

export function removeBuild(): void {
  rmSync(join(cache, String(process.pid)), { recursive: true, force: true });
}

function compile(file: string, target: string): void {
  mkdirSync(dirname(target), { recursive: true });
  if (!file.endsWith('.ts')) {
    copyFileSync(file, target);
    return;
  }
  const { code } = transformSync(readFileSync(file, 'utf8'), {
    filename: file,
    jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
    module: { type: 'commonjs' },
    swcrc: false,
  });
  writeFileSync(target.replace(/\.ts$/, '.js'), code);
}

function sources(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  } catch {
    return [];
  }
}

/** A run that was killed left its folder; its process id is free again or at least not a test run. */
function removeAbandoned(): void {
  mkdirSync(cache, { recursive: true });
  for (const name of readdirSync(cache)) {
    if (!/^\d+$/.test(name)) continue;
    try {
      process.kill(Number(name), 0);
    } catch {
      rmSync(join(cache, name), { recursive: true, force: true });
    }
  }
}
