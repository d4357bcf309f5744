import type { FastifyInstance } from 'fastify';
import { MeiliError } from '../../core/errors';
import type { JsonValue } from '../../core/fleet';
import { authorize } from '../auth/authorize';
import type { ApiContext } from '../context';
import { updatedAtOf } from '../follower/update-times';
import { demandKnown, queryOf, readFlag } from '../http/page';
import { inParallel } from '../search/in-parallel';
import { databaseSizes } from '../stats/database-sizes';
import { indexStats } from '../stats/index-stats';
import { oneIndex } from './target';
import type { IndexStats } from '../stats/index-stats';

interface IndexParams {
  Params: { indexUid: string };
}

export function registerStats(app: FastifyInstance, ctx: ApiContext): void {
  app.get<IndexParams>(
    '/indexes/:indexUid/stats',
    { onRequest: authorize(ctx, 'stats.get') },
    async (request) => {
      const human = readFormat(request.query);
      return shown(await indexStats(ctx, oneIndex(ctx, request.params.indexUid)), human);
    },
  );

  app.get('/stats', { onRequest: authorize(ctx, 'stats.get') }, async (request) => {
    const human = readFormat(request.query);
    const entries = ctx.fleet
      .current()
      .indexes.filter((entry) => request.caller.allowsIndex(entry.uid));
    const stats = await inParallel(entries, (entry) => indexStats(ctx, entry));
    const sizes = await databaseSizes(ctx);
    const times = await inParallel(entries, (entry) => updatedAtOf(ctx.store, entry));
    const updates = times.sort();
    return {
      databaseSize: size(sizes.databaseSize, human),
      usedDatabaseSize: size(sizes.usedDatabaseSize, human),
      lastUpdate: updates.at(-1) ?? null,
      indexes: Object.fromEntries(
        entries.map((entry, ordinal) => [entry.uid, shown(stats[ordinal] as IndexStats, human)]),
      ),
    };
  });
}

/** True for sizes in words (`12.3 KiB`). */
function readFormat(query: unknown): boolean {
  const parameters = queryOf(query);
  demandKnown(parameters, ['showInternalDatabaseSizes', 'sizeFormat']);
  readFlag(parameters, 'showInternalDatabaseSizes', {
    otherwise: false,
    code: 'invalid_stats_show_internal_database_sizes',
  });
  const format = parameters.get('sizeFormat') ?? 'raw';
  if (format !== 'raw' && format !== 'human') {
    throw new MeiliError(
      'invalid_stats_size_format',
      `Unknown value \`${format}\` for parameter \`sizeFormat\`: expected one of \`human\`, \`raw\``,
    );
  }
  return format === 'human';
}

function shown(stats: IndexStats, human: boolean): { [member: string]: JsonValue } {
  return {
    ...stats,
    fieldDistribution: { ...stats.fieldDistribution },
    rawDocumentDbSize: size(stats.rawDocumentDbSize, human),
    avgDocumentSize: size(stats.avgDocumentSize, human),
  };
}

function size(bytes: number, human: boolean): number | string {
  if (!human) return bytes;
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return `${power === 0 ? value : Number(value.toFixed(2))} ${units[power] ?? ''}`;
}
