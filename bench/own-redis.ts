import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { foreignEnv } from '../local/part';
import { startValkey } from '../local/redis';
import { createSupervisor } from '../local/supervisor';

/**
 * Runs `act` with the url of an empty Redis that nobody else writes to; it ends with this process,
 * however that ends. `REDIS_URL` is left out on purpose: that server is in use.
 */
export async function withOwnRedis<T>(act: (url: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'miroir-bench-'));
  const supervisor = createSupervisor();
  supervisor.removeAtEnd(directory);
  try {
    const env = { ...foreignEnv(process.env), ...cacheSettings() };
    const redis = await startValkey({ supervisor, directory, env }, { persistent: false });
    return await act(redis.url);
  } finally {
    await supervisor.close();
  }
}

function cacheSettings(): NodeJS.ProcessEnv {
  const kept: NodeJS.ProcessEnv = {};
  for (const name of ['MIROIR_CACHE', 'XDG_CACHE_HOME']) {
    if (process.env[name] !== undefined) kept[name] = process.env[name];
  }
  return kept;
}
