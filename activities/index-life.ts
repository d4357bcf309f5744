import { holders } from '../core/covering-set';
import type { Fleet, IndexEntry } from '../core/fleet';
import { shardId } from '../core/ids';
import type { IndexUid, NodeId, PhysicalUid } from '../core/ids';
import type { Origin } from '../core/operations';
import { place } from '../core/placement';
import type { FleetOp } from '../store/types';
import { passBarrier } from './barrier';
import { refuse, tryAgain } from './errors';
import { demandKnown } from './nodes/inspect';
import { deleteIndexOn, preparePhysicalIndex } from './physical-index';
import { stateIsKept } from './sync/kept-state';
import { clientOf } from './tools';
import type { ActivityTools, Call } from './tools';

export type NewIndex = Pick<
  IndexEntry,
  'uid' | 'physicalUid' | 'primaryKey' | 'createdAt' | 'updatedAt' | 'settings' | 'ttl'
>;

/** Shards and copies in each group. */
export interface IndexSize {
  readonly shards: number;
  readonly replicationFactor: number;
}

/** The new index as it would be placed on the nodes of this fleet. */
export function placedEntry(fleet: Fleet, index: NewIndex, size: IndexSize): IndexEntry {
  const { shards: shardCount, replicationFactor } = size;
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
  const entry = known ?? placedEntry(before, index, tools.config.fleet);
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

/** The index with its settings on every node that holds a part of it; nothing where it is there already. */
export async function prepareHolders(
  tools: ActivityTools,
  entry: IndexEntry,
  call: Call,
): Promise<void> {
  const nodes = [...holders(entry).keys()].sort();
  await Promise.all(
    nodes.map(async (node) => {
      await demandKnown(tools, [node], tryAgain);
      const side = { client: await clientOf(tools, node), physicalUid: entry.physicalUid };
      await preparePhysicalIndex(side, entry, { clock: tools.clock, call });
      call.beat({ prepared: node });
    }),
  );
}

/** Puts an index and its table into the catalogue. */
export function creationOps({ placement, ...entry }: IndexEntry): FleetOp[] {
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

/** An index that goes. `nodes`: where its copies are; by default every node is looked at. */
export interface GoingIndex {
  readonly uid: IndexUid;
  readonly physicalUid: PhysicalUid;
  readonly nodes?: readonly NodeId[];
}

/** One change of the fleet takes no more: a script of the store takes a thousand steps at most. */
const dropsAtOnceMax = 200;

/**
 * Out of the catalogue first; the nodes' copies when no pod can ask for them any more, and when the nodes
 * keep a state without the indexes: else a recovery of Redis would bring back indexes without documents. All
 * of them go in one change, so that one wait is enough. Nothing happens to another index that has the name of
 * one by now. Returns those that went: an index that an alias names stays where `spareAliased` is asked for.
 */
export async function dropIndexes(
  tools: ActivityTools,
  going: readonly GoingIndex[],
  options: Origin & Dropping,
): Promise<readonly IndexUid[]> {
  const dropped: IndexUid[] = [];
  for (let at = 0; at < going.length; at += dropsAtOnceMax) {
    dropped.push(...(await dropSome(tools, going.slice(at, at + dropsAtOnceMax), options)));
  }
  return dropped;
}

async function dropSome(
  tools: ActivityTools,
  going: readonly GoingIndex[],
  { who, why, call, spareAliased = false }: Origin & Dropping,
): Promise<readonly IndexUid[]> {
  const spared = new Set<PhysicalUid>();
  const what = deletionOf(going);
  const fleet = await tools.store.fleet.update({ who, why, what }, (present) => {
    spared.clear();
    const ops = going.flatMap(({ physicalUid }): FleetOp[] => {
      const entry = present.indexes.find((one) => one.physicalUid === physicalUid);
      if (entry === undefined) return [];
      if (spareAliased && isAliased(present, entry.uid)) {
        spared.add(physicalUid);
        return [];
      }
      return [
        { op: 'remove-index', uid: entry.uid },
        { op: 'remove-placement', physicalUid },
      ];
    });
    return ops.length === 0 ? null : ops;
  });
  const gone = going.filter(({ physicalUid }) => !spared.has(physicalUid));
  if (gone.length === 0) return [];
  await passBarrier(tools, { epoch: fleet.epoch, operation: what }, call);
  await stateIsKept(tools, call);
  for (const { physicalUid, nodes, uid } of gone) {
    const holding = nodes ?? fleet.nodes.map(({ id }) => id);
    for (const node of holding) await deleteIndexOn(tools, node, { physicalUid, call });
    call.beat({ dropped: uid });
  }
  return gone.map(({ uid }) => uid);
}

function deletionOf(going: readonly GoingIndex[]): string {
  const [first, ...others] = going.map(({ uid }) => uid);
  return `delete ${first ?? ''}${others.length === 0 ? '' : ` and ${String(others.length)} more`}`;
}

interface Dropping {
  readonly call: Call;
  /** An index that an alias names stays. */
  readonly spareAliased?: boolean;
}

const isAliased = ({ aliases }: Fleet, uid: IndexUid): boolean =>
  aliases.some(({ targets }) => targets.includes(uid));
