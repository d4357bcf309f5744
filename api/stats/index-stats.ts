import { holders } from '../../core/covering-set';
import type { IndexEntry } from '../../core/fleet';
import { hiddenPrefix } from '../../core/hidden-fields';
import type { NodeIndexStats } from '../../meili/types';
import { isNodeError } from '../../meili/node-error';
import type { ApiContext } from '../context';
import { clientOf } from '../client-of';
import { askNode, demandAnswered } from '../search/answers';
import { scatter } from '../search/scatter';
import { bucketFilter } from '../../core/hidden-fields';
import { listingOf } from '../documents/merge-listings';

export interface IndexStats {
  readonly numberOfDocuments: number;
  readonly rawDocumentDbSize: number;
  readonly avgDocumentSize: number;
  readonly isIndexing: boolean;
  readonly numberOfEmbeddings: number;
  readonly numberOfEmbeddedDocuments: number;
  readonly fieldDistribution: Readonly<Record<string, number>>;
}

const empty: IndexStats = {
  numberOfDocuments: 0,
  rawDocumentDbSize: 0,
  avgDocumentSize: 0,
  isIndexing: false,
  numberOfEmbeddings: 0,
  numberOfEmbeddedDocuments: 0,
  fieldDistribution: {},
};

/**
 * The stats of an index as one Meilisearch would give them. A node's stats count every copy that it
 * holds, also those that are being filled or deleted, and cannot be filtered. So the documents are
 * counted by a filtered listing over one replica of each shard, and what only the nodes know (sizes,
 * fields) is scaled by the counted share of the held documents: exact while nothing moves.
 */
export async function indexStats(ctx: ApiContext, entry: IndexEntry): Promise<IndexStats> {
  const counted = await scatter(ctx, {
    entry,
    shards: null,
    fingerprint: `stats/${entry.physicalUid}`,
    until: performance.now() + ctx.config.api.requestDeadlineMs,
    ask: (part, deadlineMs) => {
      const filter = part.filtered ? { filter: bucketFilter(part.shards, entry.shardCount) } : {};
      const body = { limit: 0, ...filter };
      return askNode(ctx, part.node, { entry, route: 'documents/fetch', body, deadlineMs });
    },
  });
  demandAnswered(ctx, counted, 'error');
  const answered = counted.parts.filter(({ answer }) => answer.status === 200);
  const numberOfDocuments = answered.reduce(
    (sum, { answer }) => sum + listingOf(answer.bytes).total,
    0,
  );
  // All holders together have every document equally often; the asked ones alone may not.
  const nodes = [...holders(entry).keys()].filter((node) => ctx.health.usable(node));
  const held = await Promise.all(nodes.map((node) => nodeStats(ctx, entry, node)));
  return combine(numberOfDocuments, held);
}

/** A node that has not made the index yet, or does not answer, has nothing of it to show. */
async function nodeStats(
  ctx: ApiContext,
  entry: IndexEntry,
  node: Parameters<typeof clientOf>[1],
): Promise<NodeIndexStats> {
  try {
    return (await clientOf(ctx, node)?.stats(entry.physicalUid)) ?? empty;
  } catch (error) {
    if (isNodeError(error)) return empty;
    throw error;
  }
}

function combine(numberOfDocuments: number, held: readonly NodeIndexStats[]): IndexStats {
  const sum = (of: (stats: NodeIndexStats) => number): number =>
    held.reduce((total, stats) => total + of(stats), 0);
  const documentsHeld = sum((stats) => stats.numberOfDocuments);
  const share = documentsHeld === 0 ? 0 : numberOfDocuments / documentsHeld;
  const fields = new Map<string, number>();
  for (const stats of held) {
    for (const [field, count] of Object.entries(stats.fieldDistribution)) {
      if (!field.startsWith(hiddenPrefix)) fields.set(field, (fields.get(field) ?? 0) + count);
    }
  }
  const rawDocumentDbSize = Math.round(sum((stats) => stats.rawDocumentDbSize) * share);
  const bytes = sum((stats) => stats.avgDocumentSize * stats.numberOfDocuments);
  return {
    numberOfDocuments,
    rawDocumentDbSize,
    avgDocumentSize: documentsHeld === 0 ? 0 : Math.round(bytes / documentsHeld),
    isIndexing: held.some((stats) => stats.isIndexing),
    numberOfEmbeddings: Math.round(sum((stats) => stats.numberOfEmbeddings) * share),
    numberOfEmbeddedDocuments: Math.round(sum((stats) => stats.numberOfEmbeddedDocuments) * share),
    fieldDistribution: Object.fromEntries(
      [...fields]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([field, count]) => [field, Math.round(count * share)]),
    ),
  };
}
