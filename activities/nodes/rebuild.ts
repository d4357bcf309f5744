import { randomUUID } from 'node:crypto';
import type { Fleet, IndexEntry } from '../../core/fleet';
import type { Epoch, NodeId } from '../../core/ids';
import type { Origin, Verdict } from '../../core/operations';
import { disown } from '../../core/replicas';
import { foreignIndexes, readIdentity, writeIdentity } from '../../meili/node-identity';
import { disownNode } from '../../store/disown';
import { tryAgain } from '../errors';
import { preparePhysicalIndex } from '../physical-index';
import { nodeOf } from '../tools';
import type { ActivityTools, Call } from '../tools';
import type { RebuildCheck } from '../types';
import { inspect } from './inspect';

type Named = Origin & { readonly node: NodeId };

/** Indexes of which the node has the last in-sync copy of some shard. */
export function lastCopiesOn(fleet: Fleet, node: NodeId): string[] {
  const last = (entry: IndexEntry): boolean => disown(entry, node).refused.length > 0;
  return fleet.indexes.filter(last).map(({ uid }) => uid);
}

/**
 * May what is on the node's disk go? Without `acceptLoss` only when nothing is lost by it: its copies
 * are elsewhere, and the disk is not one that another node may miss.
 */
export async function checkRebuild(
  tools: ActivityTools,
  { node: id, acceptLoss }: { readonly node: NodeId; readonly acceptLoss: boolean },
): Promise<RebuildCheck> {
  const fleet = await tools.store.fleet.load();
  const node = await nodeOf(tools, id);
  const verdict = await inspect(tools, node);
  if (verdict.kind !== 'strange') return { ok: false, reason: `${id} is the node that it was.` };
  const group = node.group;
  if (acceptLoss) return { ok: true, group };
  const last = lastCopiesOn(fleet, id);
  if (last.length > 0) {
    return {
      ok: false,
      reason: `${id} had the last in-sync copy of shards of ${last.join(', ')}. Bring its disk back, or accept the loss.`,
    };
  }
  if (verdict.why !== 'other-disk') return { ok: true, group };
  const found = await readIdentity(tools.nodes.client(node));
  return {
    ok: false,
    reason: `The disk of ${id} ${found === null ? 'has indexes and no name' : `is that of ${found.node}`}. Bring the right one back, or accept that what is on it is deleted.`,
  };
}

export async function disownCopies(
  tools: ActivityTools,
  { node, who, why }: Named,
): Promise<{ readonly epoch: Epoch }> {
  await disownNode(tools.store, node, { who, why });
  return { epoch: await tools.store.fleet.epoch() };
}

/** Everything but Miroir's own indexes goes. Only on a node that is not the one that it was. */
export async function emptyNode(
  tools: ActivityTools,
  { node: id }: { readonly node: NodeId },
  call: Call,
): Promise<{ readonly deleted: number }> {
  const node = await nodeOf(tools, id);
  if ((await inspect(tools, node)).kind !== 'strange') return { deleted: 0 };
  const client = tools.nodes.client(node);
  const uids = await foreignIndexes(client, { signal: call.signal });
  for (const uid of uids) {
    const task = await client.deleteIndex(uid as never, { signal: call.signal });
    await client.waitForTask(task, { signal: call.signal });
    call.beat({ deleted: uid });
  }
  if ((await foreignIndexes(client, { signal: call.signal })).length > 0) {
    throw tryAgain('not-empty', `${id} still has indexes.`);
  }
  return { deleted: uids.length };
}

/**
 * Gives the emptied node a new instance: from then on pods take it for a node of the fleet that holds
 * nothing but stale copies. Where a loss was accepted its last copies are in sync, and empty.
 */
export async function renameNode(
  tools: ActivityTools,
  { node: id, who, why }: Named,
  call: Call,
): Promise<Verdict> {
  const { store, nodes, clock } = tools;
  const node = await nodeOf(tools, id);
  if ((await inspect(tools, node)).kind !== 'strange') return { ok: true };
  const client = nodes.client(node);
  for (const { physicalUid, node: of } of await store.nodeSettingsVersions.list({
    limit: 100_000,
  })) {
    if (of === id) await store.nodeSettingsVersions.delete(`${physicalUid}/${id}`);
  }
  for (const entry of (await store.fleet.load()).indexes) {
    if (disown(entry, id).refused.length === 0) continue;
    const side = { client, physicalUid: entry.physicalUid };
    await preparePhysicalIndex(side, entry, { clock, call });
  }
  const instance = randomUUID();
  await writeIdentity(client, { node: id, instance });
  const identity = await readIdentity(client);
  if (identity === null) throw tryAgain('identity-missing', `${id} lost its identity.`);
  await store.nodeMarks.drop(id);
  await store.fleet.update({ who, why, what: `${id} has a new disk` }, (fleet) => {
    const present = fleet.nodes.find((one) => one.id === id);
    if (present === undefined || present.instanceId === identity.instance) return null;
    return [{ op: 'set-node', node: { ...present, instanceId: identity.instance } }];
  });
  return { ok: true };
}
