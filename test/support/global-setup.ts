import type { Config } from 'jest';
import { build } from './built';
import { neededParts } from './needed-parts';
import { startParts } from './run-parts';
import { keepForTeardown } from './run-state';

/** Jest's global configuration, as far as it is read here. */
interface Run extends Config {
  readonly testPathPatterns?: { readonly patterns?: readonly string[] };
}

/** Before the run: one Valkey and one Temporal for all test files that ask for them. */
async function globalSetup(run: Run): Promise<void> {
  const needed = neededParts(run.testPathPatterns?.patterns ?? []);
  if (!needed.redis && !needed.temporal && !needed.built) return;
  process.env['MIROIR_BUILT'] = build(needed.built);
  keepForTeardown(await startParts(needed));
}

// Jest takes the module itself; the project has no default exports.
export = globalSetup;
