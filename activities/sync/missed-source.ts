import { holders } from '../../core/covering-set';
import type { IndexEntry } from '../../core/fleet';
import { bucketFilter } from '../../core/hidden-fields';
import type { NodeId } from '../../core/ids';
import type { SyncRef } from '../../core/operations';
import { refuse } from '../errors';
import { preparePhysicalIndex, settingsOn } from '../physical-index';
import { clientOf } from '../tools';
import type { ActivityTools, Call } from '../tools';
import { countOrNone } from './read-documents';
import { feedsOf } from './replica-changes';

interface Opening {
  readonly ref: SyncRef;
  readonly entry: IndexEntry;
  readonly call: Call;
}

/**
 * A node that missed the creation of an index gets it with its first document. Until then a sync has
 * nothing to compare the target with, so the empty index is made. Refused when any other copy of the
 * shards has a document: then the source has lost its index, and the others must not follow it.
 */
export async function makeMissedSources(tools: ActivityTools, opening: Opening): Promise<void> {
  for (const { node } of feedsOf(opening.ref)) await makeMissed(tools, opening, node);
}

async function makeMissed(tools: ActivityTools, opening: Opening, missed: NodeId): Promise<void> {
  const { ref, entry, call } = opening;
  const source = { client: await clientOf(tools, missed), physicalUid: ref.physicalUid };
  if ((await settingsOn(source, call.signal)) !== null) return;
  for (const node of holders(entry).keys()) {
    if (node === missed || (await documentsOn(tools, opening, node)) === 0) continue;
    throw refuse(
      'replicas-changed',
      `${missed} has lost the index ${ref.physicalUid}, of which ${node} has documents.`,
    );
  }
  await preparePhysicalIndex(source, entry, { clock: tools.clock, call });
}

async function documentsOn(
  tools: ActivityTools,
  { ref, entry, call }: Opening,
  node: NodeId,
): Promise<number> {
  const side = { client: await clientOf(tools, node), physicalUid: ref.physicalUid };
  return countOrNone(side, bucketFilter(ref.shards, entry.shardCount), call.signal);
}
