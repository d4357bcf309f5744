import { coveringSet } from '../../core/covering-set';
import { joinFilters } from '../../core/filter/normalize';
import { bucketFilter } from '../../core/hidden-fields';
import type { IndexEntry } from '../../core/fleet';
import { expiredParts } from '../../core/ttl';
import { MeiliError } from '../../core/errors';
import type { ApiContext } from '../context';
import { clientOf } from '../context';
import type { Doomed } from './operations/delete-documents';
import { sleep } from './node-fault';

type CountContext = Pick<ApiContext, 'fleet' | 'nodes' | 'health' | 'store' | 'config'>;

/** Documents that match, each counted on one replica. Throws `miroir_no_quorum` when a shard is away. */
export async function countDocuments(
  ctx: CountContext,
  entry: IndexEntry,
  doomed: Doomed,
): Promise<number> {
  const cover = coveringSet({
    entry,
    prefer: (candidates) => candidates,
    usable: (node) => ctx.health.usable(node),
  });
  if (cover.missing.length > 0) throw unanswered();
  const counts = await Promise.all(
    cover.asks.map(async ({ node, shards, filtered }) => {
      const only = filtered ? bucketFilter(shards, entry.shardCount) : null;
      const parts =
        doomed.kind === 'filter'
          ? doomed.parts
          : doomed.kind === 'expired'
            ? expiredParts(doomed)
            : null;
      const filter = joinFilters(only, null, parts);
      const body = {
        limit: 0,
        ...(filter === null ? {} : { filter }),
        ...(doomed.kind === 'ids' ? { ids: doomed.ids } : {}),
      };
      const client = clientOf(ctx, node);
      if (client === null) throw unanswered();
      const answer = await client.fetchDocuments(entry.physicalUid, body);
      const { total } = JSON.parse(answer.bytes.toString()) as { total?: number };
      return total ?? 0;
    }),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}

/** The same for all documents, after the nodes have worked off every earlier write of the index. */
export async function countWhenQuiet(ctx: CountContext, entry: IndexEntry): Promise<number> {
  const until = performance.now() + ctx.config.api.requestDeadlineMs / 2;
  while (performance.now() < until && (await hasOpenTasks(ctx, entry))) await sleep(10);
  return await countDocuments(ctx, entry, { kind: 'all' });
}

async function hasOpenTasks(ctx: CountContext, entry: IndexEntry): Promise<boolean> {
  for (const uid of await ctx.store.tasks.open()) {
    const task = await ctx.store.tasks.get(uid);
    if (task?.physicalUid === entry.physicalUid && task.finishedAt === null) return true;
  }
  return false;
}

function unanswered(): MeiliError {
  return new MeiliError(
    'miroir_no_quorum',
    'Not every shard of the index can be counted now. Nothing was written; retry.',
  );
}
