import type { FastifyRequest } from 'fastify';
import { coveringSet } from '../../core/covering-set';
import { MeiliError } from '../../core/errors';
import type { IndexEntry } from '../../core/fleet';
import type { ApiContext } from '../context';
import { entriesOf } from '../routes/target';
import { sleep } from '../writes/node-fault';

const pauseMs = 50;
const header = 'x-miroir-min-settings-version';

/**
 * The settings version that the request asks for at least, or null. Returns when every shard of the
 * index (of every target of an alias) has a replica that is known to have it; searches then ask only
 * such replicas. It waits for `settings.waitMs` at most; then it throws 503
 * `miroir_settings_version_stale`. A client that has just changed settings reads its own change so.
 */
export async function demandSettings(
  ctx: ApiContext,
  request: FastifyRequest,
  name: string,
): Promise<number | null> {
  const min = readMin(request);
  if (min === null) return null;
  const { settings, api } = ctx.config;
  const until = performance.now() + Math.min(settings.waitMs, api.requestDeadlineMs);
  for (;;) {
    const behind = entriesOf(ctx, name).filter((entry) => !covers(ctx, entry, min));
    if (behind.length === 0) return min;
    if (performance.now() >= until) throw stale(behind, min);
    if (behind.some(({ settingsVersion }) => settingsVersion < min)) await ctx.fleet.reload();
    for (const entry of behind) if (entry.settingsVersion >= min) await ctx.settings.look(entry);
    if (entriesOf(ctx, name).every((entry) => covers(ctx, entry, min))) return min;
    await sleep(pauseMs);
  }
}

function readMin(request: FastifyRequest): number | null {
  const text = request.headers[header];
  if (text === undefined || text === '') return null;
  if (typeof text === 'string' && /^\d{1,15}$/.test(text)) return Number(text);
  throw new MeiliError(
    'bad_request',
    'The header X-Miroir-Min-Settings-Version must be a whole number of 0 or more.',
  );
}

function covers(ctx: ApiContext, entry: IndexEntry, min: number): boolean {
  if (entry.settingsVersion < min) return false;
  const { missing } = coveringSet({
    entry,
    prefer: (candidates) => candidates,
    usable: (node) => ctx.settings.has(entry, node, min),
  });
  return missing.length === 0;
}

function stale(behind: readonly IndexEntry[], min: number): MeiliError {
  const [entry] = behind;
  const version = entry?.settingsVersion ?? 0;
  const names = behind.map(({ uid }) => `\`${uid}\``).join(', ');
  const reason =
    version < min
      ? `its settings are at version ${version}`
      : 'not every shard has a replica that is known to have it';
  return new MeiliError(
    'miroir_settings_version_stale',
    `Settings version ${min} of ${names} cannot be served now: ${reason}. Retry.`,
  );
}
