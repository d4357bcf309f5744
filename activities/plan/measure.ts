import { bucketFilter } from '../../core/hidden-fields';
import type { Fleet, IndexEntry } from '../../core/fleet';
import type { NodeId } from '../../core/ids';
import type { PlanNode, PlannedSync, SyncPair } from '../../core/operations';
import { isNodeError } from '../../meili/node-error';
import { countOrNone } from '../sync/read-documents';
import { findEntry } from '../sync/replica-changes';
import { clientOf } from '../tools';
import type { ActivityTools, Call } from '../tools';

/** Copy rate of one target before anything was measured here: its indexing rate for small documents. */
const defaultDocumentsPerSecond = 3_500;
/** Shorter copies say more about barriers than about the rate. */
const measuredDocumentsMin = 1_000;
const measuredRunsMax = 50;

/** Documents and bytes of a pair, as the source has them now: none where it never got the empty index. */
export async function measurePair(
  tools: ActivityTools,
  entry: IndexEntry,
  pair: SyncPair,
  call: Call,
): Promise<PlannedSync> {
  const side = { client: await clientOf(tools, pair.source), physicalUid: pair.physicalUid };
  const filter = bucketFilter(pair.shards, entry.shardCount);
  const documents = await countOrNone(side, filter, call.signal);
  if (documents === 0) return { ...pair, documents, bytes: 0 };
  const { avgDocumentSize } = await side.client.stats(pair.physicalUid, { signal: call.signal });
  return { ...pair, documents, bytes: Math.round(documents * avgDocumentSize) };
}

/** The median rate of the last copies that were large enough to tell. */
export async function measuredRate({ store }: Pick<ActivityTools, 'store'>): Promise<number> {
  const rates: number[] = [];
  for (const job of await store.jobs.list({ limit: 1_000 })) {
    const { documentsCopied } = job.progress;
    const copyMs = job.progress['copyMs'];
    if (job.kind !== 'sync' || job.status !== 'succeeded') continue;
    if (typeof copyMs !== 'number' || copyMs <= 0 || documentsCopied < measuredDocumentsMin)
      continue;
    rates.push((documentsCopied / copyMs) * 1_000);
  }
  const sorted = rates.slice(-measuredRunsMax).sort((a, b) => a - b);
  return Math.round(sorted[sorted.length >> 1] ?? defaultDocumentsPerSecond);
}

/** What every node has now and will have. A node that does not answer has what it will get, plus nothing. */
export async function nodesAfter(
  tools: ActivityTools,
  fleet: Fleet,
  syncs: readonly PlannedSync[],
): Promise<PlanNode[]> {
  const known = new Set(fleet.indexes.map(({ physicalUid }) => String(physicalUid)));
  return Promise.all(
    [...fleet.nodes]
      .sort((a, b) => (a.id < b.id ? -1 : 1))
      .map(async (node) => {
        const documentsNow = await documentsOn(tools, node, known);
        return {
          node: node.id,
          documentsNow,
          documentsAfter: documentsNow + change(syncs, node.id),
        };
      }),
  );
}

async function documentsOn(
  tools: ActivityTools,
  // A node of a plan may not be in the table yet.
  node: Fleet['nodes'][number],
  known: ReadonlySet<string>,
): Promise<number> {
  try {
    const { indexes } = await tools.nodes.client(node).allStats();
    return Object.entries(indexes)
      .filter(([uid]) => known.has(uid))
      .reduce((sum, [, { numberOfDocuments }]) => sum + numberOfDocuments, 0);
  } catch (error) {
    // A dead node is what some plans are for; its documents are unknown and not moved from it.
    if (isNodeError(error)) return 0;
    throw error;
  }
}

function change(syncs: readonly PlannedSync[], node: NodeId): number {
  return syncs.reduce((sum, { source, target, kind, documents }) => {
    if (target === node) return sum + documents;
    return source === node && kind === 'move' ? sum - documents : sum;
  }, 0);
}

/** Shards whose only in-sync copy, over all groups, is the source of a sync. */
export function onlyCopies(fleet: Fleet, syncs: readonly SyncPair[]): number {
  return syncs.reduce((sum, { physicalUid, shards }) => {
    const entry = findEntry(fleet, physicalUid);
    if (entry === null) return sum;
    const alone = shards.filter((shard) => {
      const rows = entry.placement.flatMap((placed) => placed.shards[shard] ?? []);
      return rows.filter(({ state }) => state === 'in-sync').length === 1;
    });
    return sum + alone.length;
  }, 0);
}
