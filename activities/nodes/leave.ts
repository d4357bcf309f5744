import { holders } from '../../core/covering-set';
import type { Fleet, FleetNode, IndexEntry } from '../../core/fleet';
import { shardId } from '../../core/ids';
import type { IndexUid, NodeId } from '../../core/ids';
import { scriptItemsMax } from '../../core/limits';
import type { Origin, Verdict } from '../../core/operations';
import type { FleetOp } from '../../store/types';
import { refuse } from '../errors';
import { openTasks } from '../open-tasks';
import type { ActivityTools, Call } from '../tools';
import type { MayLeave } from '../types';

type Named = Origin & { readonly node: NodeId };

/**
 * With `unlessLast` it is refused where no other active node of the group would be left for what the node
 * holds: of two drains that were both allowed at first, the second learns of the other here.
 */
export async function setNodeIntent(
  tools: ActivityTools,
  request: Named & { readonly intent: 'active' | 'draining'; readonly unlessLast?: boolean },
): Promise<void> {
  const { who, why, node, intent, unlessLast = false } = request;
  let last: FleetNode | null = null;
  await tools.store.fleet.update({ who, why, what: `${node} is ${intent}` }, (fleet) => {
    const present = fleet.nodes.find(({ id }) => id === node);
    if (present === undefined || present.intent === intent) return null;
    last = unlessLast && isLastHolder(fleet, present) ? present : null;
    return last === null ? [{ op: 'set-node', node: { ...present, intent } }] : null;
  });
  if (last !== null) throw refuse('change-refused', lastReason(last));
}

function isLastHolder(fleet: Fleet, { id, group }: FleetNode): boolean {
  const others = fleet.nodes.filter(
    (other) =>
      other.id !== id && other.group === group && other.intent === 'active' && other.weight > 0,
  );
  return others.length === 0 && fleet.indexes.some((entry) => holders(entry).has(id));
}

const lastReason = ({ id, group }: FleetNode): string =>
  `${id} is the last active node of group ${String(group)} and holds shards.`;

/** Indexes of which the node has the only in-sync copy of some shard, over all groups. */
export function onlyHere(fleet: Fleet, node: NodeId): IndexUid[] {
  const alone = ({ placement, shardCount }: IndexEntry): boolean =>
    Array.from({ length: shardCount }, (_, shard) =>
      placement.flatMap(({ shards }) => shards[shard] ?? []),
    ).some((row) => {
      const inSync = row.filter(({ state }) => state === 'in-sync');
      return inSync.length > 0 && inSync.every((replica) => replica.node === node);
    });
  return fleet.indexes.filter(alone).map(({ uid }) => uid);
}

/** Checked before a drain: is there a place for what the node holds? */
export async function mayLeave(
  tools: ActivityTools,
  { node, lost }: { readonly node: NodeId; readonly lost: boolean },
): Promise<MayLeave> {
  const fleet = await tools.store.fleet.load();
  const present = fleet.nodes.find(({ id }) => id === node);
  if (present === undefined) return { ok: false, reason: `There is no node ${node}.` };
  const { group } = present;
  const only = onlyHere(fleet, node);
  if (lost && only.length > 0) {
    return {
      ok: false,
      reason: `${node} has the last in-sync copy of shards of ${only.join(', ')}.`,
    };
  }
  if (!lost && isLastHolder(fleet, present)) return { ok: false, reason: lastReason(present) };
  return { ok: true, group };
}

/** A dead node's rows leave the table, as far as one change may go; the rest in further changes. */
export async function forgetCopies(
  tools: ActivityTools,
  { node, who, why }: Named,
): Promise<Verdict> {
  for (;;) {
    let left = 0;
    let only: string[] = [];
    await tools.store.fleet.update({ who, why, what: `forget ${node}` }, (fleet) => {
      only = onlyHere(fleet, node);
      const ops = only.length > 0 ? [] : forgetOps(fleet, node);
      left = Math.max(0, ops.length - scriptItemsMax);
      return ops.length === 0 ? null : ops.slice(0, scriptItemsMax);
    });
    if (only.length > 0) {
      return {
        ok: false,
        reason: `${node} has the last in-sync copy of shards of ${only.join(', ')}.`,
      };
    }
    if (left === 0) return { ok: true };
  }
}

function forgetOps(fleet: Fleet, node: NodeId): FleetOp[] {
  return fleet.indexes.flatMap(({ physicalUid, placement }) =>
    placement.flatMap(({ group, shards }) =>
      shards.flatMap((row, shard): FleetOp[] => {
        const replicas = row.filter((replica) => replica.node !== node);
        if (replicas.length === row.length) return [];
        return [{ op: 'set-replicas', physicalUid, group, shard: shardId(shard), replicas }];
      }),
    ),
  );
}

/** Pods read a node's tasks within moments; one that is dead has none to read. */
const tasksReadMsMax = 30_000;
const lookPauseMs = 200;

/**
 * Lets the pods read what became of the tasks that clients have on the node: when it has left the fleet
 * nobody can ask it any more, and a write that only it has taken would end as interrupted.
 */
async function tasksRead(
  tools: ActivityTools,
  node: NodeId,
  { signal }: Pick<Call, 'signal'>,
): Promise<void> {
  const { store, clock } = tools;
  const onNode = await openTasks(tools, (task) => task.nodeTasks.some((one) => one.node === node));
  if (onNode.length === 0) return;
  const unread = new Set(onNode.map(({ uid }) => uid));
  const until = clock.now() + tasksReadMsMax;
  while (clock.now() < until) {
    await clock.sleep(lookPauseMs, signal);
    const open = await store.tasks.open();
    if (!open.some((uid) => unread.has(uid))) return;
  }
}

/** Refused while the table has anything on the node: that would make its documents unreachable. */
export async function removeNode(
  tools: ActivityTools,
  { node, who, why }: Named,
  call: Pick<Call, 'signal'>,
): Promise<Verdict> {
  await tasksRead(tools, node, call);
  let held: string[] = [];
  await tools.store.fleet.update({ who, why, what: `remove ${node}` }, (fleet) => {
    held = fleet.indexes.filter((entry) => holders(entry).has(node)).map(({ uid }) => uid);
    const present = fleet.nodes.some(({ id }) => id === node);
    return held.length > 0 || !present ? null : [{ op: 'remove-node', id: node }];
  });
  if (held.length === 0) return { ok: true };
  return { ok: false, reason: `${node} still holds shards of ${held.join(', ')}.` };
}
