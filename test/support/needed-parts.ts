import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

export interface NeededParts {
  readonly redis: boolean;
  readonly temporal: boolean;
  readonly built: boolean;
}

const testRoot = resolve(__dirname, '..');
const markers = {
  redis: join(testRoot, 'support', 'redis.ts'),
  temporal: join(testRoot, 'support', 'temporal.ts'),
  built: join(testRoot, 'support', 'built.ts'),
} as const;
/** What starts processes of the program. */
const starters = ['fleet.ts', 'supervisor.ts'].map((name) =>
  resolve(testRoot, '..', 'local', name),
);

/**
 * What the selected test files ask for, found by following their imports within `test/` and the first ones out of it: a run of pure
 * tests waits for no server. No pattern means all test files.
 */
export function neededParts(patterns: readonly string[]): NeededParts {
  const seen = new Set<string>();
  for (const file of testFiles()) if (matches(file, patterns)) follow(file, seen);
  return {
    redis: seen.has(markers.redis),
    temporal: seen.has(markers.temporal),
    built: [markers.built, ...starters].some((file) => seen.has(file)),
  };
}

function matches(file: string, patterns: readonly string[]): boolean {
  return patterns.length === 0 || patterns.some((pattern) => new RegExp(pattern, 'i').test(file));
}

function testFiles(): string[] {
  return readdirSync(testRoot, { recursive: true })
    .map((name) => join(testRoot, String(name)))
    .filter((file) => file.endsWith('.test.ts'));
}

function follow(file: string, seen: Set<string>): void {
  if (seen.has(file)) return;
  seen.add(file);
  for (const [, specifier] of readFileSync(file, 'utf8').matchAll(/from '(\.[^']*)'/g)) {
    const imported = existing(resolve(dirname(file), specifier ?? ''));
    if (imported === null) continue;
    if (imported.startsWith(testRoot)) follow(imported, seen);
    else seen.add(imported);
  }
}

function existing(path: string): string | null {
  for (const candidate of [path, `${path}.ts`, join(path, 'index.ts')]) {
    try {
      readFileSync(candidate);
      return candidate;
    } catch {
      // The next form of the name may be the file.
    }
  }
  return null;
}
