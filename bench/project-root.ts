import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The checkout, where workloads, baselines and recordings lie: they are read in place, not built. */
export function projectRoot(): string {
  for (let at = __dirname; at !== dirname(at); at = dirname(at)) {
    if (existsSync(join(at, 'package.json'))) return at;
  }
  throw new Error(`No package.json above ${__dirname}.`);
}
