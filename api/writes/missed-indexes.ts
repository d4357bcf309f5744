import type { IndexEntry } from '../../core/fleet';
import { bucketFilter } from '../../core/hidden-fields';
import type { NodeId, PhysicalUid, ShardId } from '../../core/ids';
import type { NodeClient } from '../../meili/types';
import { clientOf } from '../client-of';
import type { IndexWriter, WriterContext } from './index-writer';
import { writersOf } from './index-changes';
import { faultOf } from './node-fault';
import { sendStep } from './steps';

type Missing = Pick<WriterContext, 'fleet' | 'readiness'>;

/** Each index with the nodes that have copies in use of it and that nobody has seen to have it. */
export async function missedIndexes(ctx: Missing): Promise<Map<PhysicalUid, NodeId[]>> {
  const missed = new Map<PhysicalUid, NodeId[]>();
  for (const entry of ctx.fleet.current().indexes) {
    const nodes = await ctx.readiness.unknown(entry, [...writersOf(entry, shardsOf(entry)).keys()]);
    if (nodes.length > 0) missed.set(entry.physicalUid, nodes);
  }
  return missed;
}

const shardsOf = ({ shardCount }: IndexEntry): ShardId[] =>
  Array.from({ length: shardCount }, (_, shard) => shard as ShardId);

/**
 * Gives an index to nodes that missed its creation and would get it with their first document: until then
 * they refuse every search of it. In the turn of the index's writer, so that nothing is written to it
 * meanwhile. A node that lacks what another copy of its shards has is left alone: it has lost the index,
 * and an empty one would hide that.
 */
export async function makeMissedIndexes(
  ctx: WriterContext,
  writer: IndexWriter,
  { uid, nodes }: { readonly uid: PhysicalUid; readonly nodes: readonly NodeId[] },
): Promise<void> {
  const held = await writer.tenure.hold(performance.now());
  try {
    for (const node of nodes) {
      const entry = ctx.fleet.physical(uid);
      if (entry === null || !held.inForce() || !ctx.pod.ready()) return;
      await makeMissed(ctx, entry, { node, maySend: () => held.inForce() && ctx.pod.ready() });
    }
  } finally {
    await writer.tenure.release();
  }
}

async function makeMissed(
  ctx: WriterContext,
  entry: IndexEntry,
  { node, maySend }: { readonly node: NodeId; readonly maySend: () => boolean },
): Promise<void> {
  const { uid, physicalUid } = entry;
  const client = (await ctx.identities.trusted(node, 'once')) ? clientOf(ctx, node) : null;
  if (client === null) return;
  try {
    if ((await client.getIndex(physicalUid)) !== null) return;
    if (await othersHaveDocuments(ctx, entry, node)) {
      ctx.log.error(
        { node, index: uid },
        'a node has lost an index of which others have documents',
      );
      return;
    }
    const work = { node, shards: [], steps: [] };
    for (const step of await ctx.readiness.setup(entry, work)) {
      if (!maySend()) return;
      const { deadlineMs } = ctx.config.nodes;
      await sendStep(client, physicalUid, step, { customMetadata: '', deadlineMs });
    }
    await ctx.readiness.accepted(entry, work);
    ctx.log.info({ node, index: uid }, 'made an index whose creation its node had missed');
  } catch (error) {
    const fault = faultOf(error);
    if (fault === null) throw error;
    ctx.log.warn({ node, index: uid, code: fault.code }, 'could not make an index that was missed');
  }
}

/**
 * Of the shards that the node counts for: copies that are stale have what was acknowledged to nobody, and
 * would keep a node from ever getting the index that they are to be repaired from. Throws the error of a
 * node that does not say.
 */
async function othersHaveDocuments(
  ctx: WriterContext,
  entry: IndexEntry,
  node: NodeId,
): Promise<boolean> {
  const writers = writersOf(entry, shardsOf(entry));
  const own = new Set(writers.get(node));
  for (const [other, shards] of writers) {
    const shared = shards.filter((shard) => own.has(shard));
    const client = other === node || shared.length === 0 ? null : clientOf(ctx, other);
    if (client !== null && (await hasDocuments(client, entry, shared))) return true;
  }
  return false;
}

async function hasDocuments(
  client: NodeClient,
  { physicalUid, shardCount }: IndexEntry,
  shards: readonly ShardId[],
): Promise<boolean> {
  try {
    const body = { limit: 0, filter: bucketFilter(shards, shardCount) };
    const { bytes } = await client.fetchDocuments(physicalUid, body);
    return (JSON.parse(bytes.toString()) as { total?: number }).total !== 0;
  } catch (error) {
    // It has no such index either, so no document of it.
    if (faultOf(error)?.code === 'status_404') return false;
    throw error;
  }
}
