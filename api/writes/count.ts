import { coveringSet } from '../../core/covering-set';
import type { CoveringSet, NodeAsk } from '../../core/covering-set';
import { joinFilters } from '../../core/filter/normalize';
import { bucketFilter } from '../../core/hidden-fields';
import type { IndexEntry } from '../../core/fleet';
import { expiredParts } from '../../core/ttl';
import { MeiliError } from '../../core/errors';
import type { NodeId, ShardId } from '../../core/ids';
import type { ApiContext } from '../context';
import { clientOf } from '../client-of';
import type { Doomed } from './operations/delete-documents';
import { faultOf, sleep } from './node-fault';

type CountContext = Pick<ApiContext, 'fleet' | 'nodes' | 'health' | 'store' | 'config'>;

/**
 * Documents that match, each counted on one replica; what a node does not answer is asked of another
 * one. Throws `miroir_no_quorum` when a shard is away.
 */
export async function countDocuments(
  ctx: CountContext,
  entry: IndexEntry,
  doomed: Doomed,
): Promise<number> {
  const failed = new Set<NodeId>();
  let wanted: readonly ShardId[] | null = null;
  let sum = 0;
  while (wanted === null || wanted.length > 0) {
    const cover = coverOf(ctx, entry, { wanted, failed });
    if (cover.missing.length > 0) throw unanswered();
    const left: ShardId[][] = await Promise.all(
      cover.asks.map(async (ask) => {
        const count = await countOn(ctx, entry, { ask, doomed });
        if (count !== null) {
          sum += count;
          return [];
        }
        failed.add(ask.node);
        return [...ask.shards];
      }),
    );
    wanted = left.flat();
  }
  return sum;
}

function coverOf(
  ctx: CountContext,
  entry: IndexEntry,
  of: { wanted: readonly ShardId[] | null; failed: ReadonlySet<NodeId> },
): CoveringSet {
  const plan = (usable: (node: NodeId) => boolean): CoveringSet =>
    coveringSet({
      entry,
      ...(of.wanted === null ? {} : { shards: of.wanted }),
      prefer: (candidates) => candidates,
      usable: (node) => !of.failed.has(node) && usable(node),
    });
  const healthy = plan((node) => ctx.health.usable(node));
  // A node that is thought to be out is asked before the write is refused.
  return healthy.missing.length === 0 ? healthy : plan(() => true);
}

/** Null: the node did not answer. */
async function countOn(
  ctx: CountContext,
  entry: IndexEntry,
  of: { ask: NodeAsk; doomed: Doomed },
): Promise<number | null> {
  const { ask, doomed } = of;
  const only = ask.filtered ? bucketFilter(ask.shards, entry.shardCount) : null;
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
  const client = clientOf(ctx, ask.node);
  if (client === null) return null;
  try {
    const answer = await client.fetchDocuments(entry.physicalUid, body);
    ctx.health.answered(ask.node);
    const { total } = JSON.parse(answer.bytes.toString()) as { total?: number };
    return total ?? 0;
  } catch (error) {
    const fault = faultOf(error);
    if (fault === null) throw error;
    // The index is not made there yet, or the filter is one that fails the task: nothing is deleted.
    if (fault.isRefusal) return 0;
    ctx.health.failed(ask.node, fault.code);
    return null;
  }
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
