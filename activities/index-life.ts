import { holders } from '../core/covering-set';
import type { Fleet, IndexEntry } from '../core/fleet';
import { shardId } from '../core/ids';
import type { IndexUid, PhysicalUid } from '../core/ids';
import type { Origin } from '../core/operations';
import { place } from '../core/placement';
import type { FleetOp } from '../store/types';
import { passBarrier } from './barrier';
import { refuse } from './errors';
import { deleteIndexOn, preparePhysicalIndex } from './physical-index';
import { clientOf } from './tools';
import type { ActivityTools, Call } from './tools';

export type NewIndex = Pick<
  IndexEntry,
  'uid' | 'physicalUid' | 'primaryKey' | 'createdAt' | 'updatedAt' | 'settings' | 'ttl'
>;

function entryFor({ config }: ActivityTools, fleet: Fleet, index: NewIndex): IndexEntry {
  const { shards: shardCount, replicationFactor } = config.fleet;
  const groups = [...new Set(fleet.nodes.map(({ group }) => group))];
  const { placement } = place({
    ...{ nodes: fleet.nodes, groups, shardCount, replicationFactor },
    ...{ present: null, seed: index.physicalUid },
  });
  return { ...index, shardCount, replicationFactor, settingsVersion: 1, placement };
}

/**
 * Makes an index with its settings on its nodes, and then in the catalogue. The physical uid makes it
 * idempotent; refused when somebody else has made an index or an alias of that name.
 */
export async function createIndex(
  tools: ActivityTools,
  index: NewIndex,
  { who, why, call }: Origin & { readonly call: Call },
): Promise<void> {
  const before = await tools.store.fleet.load();
  const known = before.indexes.find((one) => one.physicalUid === index.physicalUid);
  const entry = known ?? entryFor(tools, before, index);
  // Documents come after settings, so that nothing is indexed twice.
  await prepareHolders(tools, entry, call);
  const audit = { who, why, what: `create ${index.uid}` };
  const after = await tools.store.fleet.update(audit, (fleet) =>
    isTaken(fleet, index) ? null : creationOps(entry),
  );
  const made = after.indexes.find(({ uid }) => uid === index.uid);
  if (made?.physicalUid !== index.physicalUid) {
    throw refuse('name-taken', `Somebody else has made an index or an alias ${index.uid}.`);
  }
}

const isTaken = ({ indexes, aliases }: Fleet, { uid }: NewIndex): boolean =>
  indexes.some((one) => one.uid === uid) || aliases.some(({ name }) => name === uid);

async function prepareHolders(tools: ActivityTools, entry: IndexEntry, call: Call): Promise<void> {
  const nodes = [...holders(entry).keys()].sort();
  await Promise.all(
    nodes.map(async (node) => {
      const side = { client: await clientOf(tools, node), physicalUid: entry.physicalUid };
      await preparePhysicalIndex(side, entry, { clock: tools.clock, call });
    }),
  );
}

function creationOps({ placement, ...entry }: IndexEntry): FleetOp[] {
  const { physicalUid } = entry;
  return [
    { op: 'set-index', entry },
    ...placement.flatMap(({ group, shards }) =>
      shards.map((replicas, at): FleetOp => {
        return { op: 'set-replicas', physicalUid, group, shard: shardId(at), replicas };
      }),
    ),
  ];
}

/**
 * Out of the catalogue first; the nodes' copies when no pod can ask for them any more. Nothing happens
 * to another index that has the name by now.
 */
export async function dropIndex(
  tools: ActivityTools,
  { uid, physicalUid }: { readonly uid: IndexUid; readonly physicalUid: PhysicalUid },
  { who, why, call }: Origin & { readonly call: Call },
): Promise<void> {
  const fleet = await tools.store.fleet.update({ who, why, what: `delete ${uid}` }, (present) => {
    const entry = present.indexes.find((one) => one.physicalUid === physicalUid);
    if (entry === undefined) return null;
    return [
      { op: 'remove-index', uid: entry.uid },
      { op: 'remove-placement', physicalUid },
    ];
  });
  await passBarrier(tools, { epoch: fleet.epoch, operation: `delete ${uid}` }, call);
  for (const { id } of fleet.nodes) await deleteIndexOn(tools, id, { physicalUid, call });
}
