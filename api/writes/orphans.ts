import { faultOf } from './node-fault';
import type { WriterContext } from './index-writer';

/** More are left for the next search. */
const orphansPerSearch = 100;

/**
 * Deletes indexes that were deleted while a node of theirs was away. A record of node and index is made
 * after the index is in the catalogue, and uids on nodes are never used again: a record whose index is
 * not in a catalogue read after it names an orphan.
 */
export async function removeOrphans(
  ctx: Pick<WriterContext, 'store' | 'fleet' | 'nodes' | 'log'>,
): Promise<void> {
  const records = await ctx.store.nodeSettingsVersions.list({ limit: 100_000 });
  const fleet = await ctx.fleet.reload();
  const known = new Set(fleet.indexes.map(({ physicalUid }) => physicalUid));
  const orphans = records.filter(({ physicalUid }) => !known.has(physicalUid));
  for (const { physicalUid, node } of orphans.slice(0, orphansPerSearch)) {
    const member = ctx.fleet.node(node);
    try {
      if (member !== null) await ctx.nodes.client(member).deleteIndex(physicalUid);
    } catch (error) {
      const fault = faultOf(error);
      if (fault === null) throw error;
      // A node that answers that there is no such index has none to delete.
      if (fault.code !== 'status_404') continue;
    }
    await ctx.store.nodeSettingsVersions.delete(`${physicalUid}/${node}`);
    ctx.log.info(
      { node, index: physicalUid },
      'deleted an index that its node had missed the deletion of',
    );
  }
}
