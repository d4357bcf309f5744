import { holders } from '../../core/covering-set';
import type { IndexEntry } from '../../core/fleet';
import type { ShardId } from '../../core/ids';
import type { SyncRef } from '../../core/operations';
import { applyChanges, markStale, openTarget as openStep } from '../../core/replicas';
import type { Transition } from '../../core/replicas';
import { refuse } from '../errors';
import { allWorkedOff } from '../node-queue';
import type { NodeSide } from '../node-queue';
import { demandKnown } from '../nodes/inspect';
import { preparePhysicalIndex } from '../physical-index';
import { clientOf, entryOf } from '../tools';
import type { ActivityTools, Call } from '../tools';
import type { OpenResult } from '../types';
import { makeMissedSources } from './missed-source';
import { changeReplicas, feedsOf, sourceInSync, stateOf, withGroup } from './replica-changes';
import { attemptOf, beginSpan, sendOptions, takeNumber } from './session';
import type { Numbered } from './session';

/**
 * Makes the target ready and its shards `syncing`: from this epoch on writes to them are noted in the
 * journal. A copy that had joined and then missed a write begins anew, as a stale one does.
 */
export async function openTarget(
  tools: ActivityTools,
  ref: SyncRef,
  call: Call,
): Promise<OpenResult> {
  await demandKnown(tools, [...feedsOf(ref).map(({ node }) => node), ref.target]);
  await demandRoom(tools, ref);
  const numbered = await takeNumber(tools, ref, call);
  const entry = await entryOf(tools, ref.physicalUid);
  const { physicalUid } = ref;
  const side = { client: await clientOf(tools, ref.target), physicalUid };
  await makeMissedSources(tools, { ref, entry, call });
  await emptyLeftovers(side, ref, { numbered, call });
  await preparePhysicalIndex(side, entry, { clock: tools.clock, call });
  await noteMade(tools, entry, ref.target);
  let wasStale: readonly ShardId[] = [];
  const { fleet, verdict } = await changeReplicas(
    tools,
    {
      ...ref,
      what: `sync ${ref.physicalUid} from ${ref.source} to ${ref.target}`,
      attempt: attemptOf(numbered),
    },
    (present) => {
      wasStale = staleShards(present, ref);
      return open(withGroup(present, ref.group), ref);
    },
  );
  if (!verdict.ok) throw refuse('replicas-changed', verdict.reason);
  return { epoch: fleet.epoch, wasStale };
}

/** Before the opening the answer says which copies an undo leaves stale instead of taking them away. */
export const staleCopies = async (
  tools: ActivityTools,
  ref: SyncRef,
): Promise<readonly ShardId[]> => staleShards(await entryOf(tools, ref.physicalUid), ref);

/**
 * The first write to the target need not make the index again. Version 0: which settings it really has is
 * noted only by who has read them back.
 */
async function noteMade(
  { store, clock }: ActivityTools,
  { physicalUid }: IndexEntry,
  node: SyncRef['target'],
): Promise<void> {
  const appliedAt = new Date(clock.now()).toISOString();
  await store.nodeSettingsVersions.create({
    ...{ physicalUid, node, settingsVersion: 0, settingsHash: '', appliedAt },
  });
}

/** A copy that is filled again has its room already; a new one must not push a node over its mark. */
async function demandRoom(tools: ActivityTools, ref: SyncRef): Promise<void> {
  const disk = (await tools.store.nodeDisks.all()).get(ref.target);
  if (disk === undefined || disk.state === 'ok') return;
  const entry = await entryOf(tools, ref.physicalUid);
  const isRepair = staleShards(entry, ref).length === ref.shards.length;
  if (isRepair && disk.state === 'high') return;
  const { usedBytes, capacityBytes } = disk;
  const numbers =
    usedBytes === null || capacityBytes === null
      ? 'a write failed for want of room'
      : `${usedBytes} of ${capacityBytes} bytes`;
  throw refuse('disk-full', `${ref.target} is too full to be given shards: ${numbers}.`);
}

const staleShards = (entry: IndexEntry, ref: SyncRef): readonly ShardId[] =>
  ref.shards.filter(
    (shard) => stateOf(entry, { group: ref.group, shard, node: ref.target }) === 'stale',
  );

function open(entry: IndexEntry, ref: SyncRef): Transition {
  if (!sourceInSync(entry, ref)) {
    return { ok: false, reason: 'what is read from is not in sync for all of the shards' };
  }
  const { group, target: node, shards } = ref;
  const joined = shards.filter((shard) => stateOf(entry, { group, shard, node }) === 'joined');
  const { changes } = markStale(
    entry,
    joined.map((shard) => ({ group, shard, node })),
  );
  return openStep(applyChanges(entry, changes), { group, shards, node });
}

/**
 * A node that holds no shard of the index by the table, and still has documents of it, has them from a
 * life before. They would be seen by a search that is not filtered, so they go first.
 */
async function emptyLeftovers(
  side: NodeSide,
  ref: SyncRef,
  { numbered, call }: { numbered: Numbered; call: Call },
): Promise<void> {
  const { tools } = numbered;
  const { client, physicalUid } = side;
  const span = beginSpan(tools);
  if (holders(await entryOf(tools, physicalUid)).has(ref.target)) return;
  if ((await client.getIndex(physicalUid, { signal: call.signal })) === null) return;
  const { numberOfDocuments } = await client.stats(physicalUid, { signal: call.signal });
  if (numberOfDocuments === 0) return;
  await client.deleteAll(physicalUid, {
    customMetadata: `sync:${call.runId}:leftovers`,
    ...(await sendOptions(numbered, span)),
  });
  await allWorkedOff(side, { clock: tools.clock, call });
}
