import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/**
 * The folder of the compiled program, where `api/main.js`, `worker/main.js` and the guard are found.
 * `MIROIR_BUILT` names another one: tests compile the sources into a folder of their own.
 */
export function builtRoot(): string {
  const named = process.env['MIROIR_BUILT'];
  if (named !== undefined && named !== '') return named;
  return __filename.endsWith('.js') ? resolve(__dirname, '..') : resolve(__dirname, '..', 'dist');
}

/** Absolute path of a compiled entry, as `api/main.js`; throws when the program was not built. */
export function builtEntry(relative: string): string {
  const path = join(builtRoot(), relative);
  if (!existsSync(path)) {
    throw new Error(`${path} is not there. Build the program first: npm run build`);
  }
  return path;
}

/** Where downloaded programs are kept between runs: `MIROIR_CACHE`, else below the user's cache. */
export function cacheDirectory(env: NodeJS.ProcessEnv = process.env): string {
  const named = env['MIROIR_CACHE'];
  if (named !== undefined && named !== '') return resolve(named);
  const base = env['XDG_CACHE_HOME'];
  return join(base !== undefined && base !== '' ? base : join(homedir(), '.cache'), 'miroir');
}
