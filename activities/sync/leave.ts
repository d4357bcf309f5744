import { holders } from '../../core/covering-set';
import { bucketFilter } from '../../core/hidden-fields';
import type { Epoch, ShardId } from '../../core/ids';
import { removeReplica, startLeaving as leaveStep } from '../../core/replicas';
import type { ReplicaChange } from '../../core/replicas';
import { tryAgain } from '../errors';
import type { NodeSide } from '../node-queue';
import { allWorkedOff } from '../node-queue';
import { clientOf } from '../tools';
import type { ActivityTools, Call } from '../tools';
import type { LeaveRequest } from '../types';
import { countDocuments } from './read-documents';
import { changeReplicas, findEntry, stateOf } from './replica-changes';

/** The copies of the request that are still in the table. */
async function present(tools: ActivityTools, request: LeaveRequest): Promise<readonly ShardId[]> {
  const entry = findEntry(await tools.store.fleet.load(), request.physicalUid);
  if (entry === null) return [];
  const { group, node } = request;
  return request.shards.filter((shard) => stateOf(entry, { group, shard, node }) !== null);
}

/** After the barrier of the returned epoch no pod writes to these copies any more. */
export async function startLeaving(
  tools: ActivityTools,
  request: LeaveRequest,
): Promise<Epoch | null> {
  // Attempts of the sync that are still running somewhere may send nothing more.
  await tools.store.attempts.nextAttempt(request.runKey);
  const shards = await present(tools, request);
  if (shards.length === 0) return null;
  const { group, node, physicalUid } = request;
  const { fleet, verdict } = await changeReplicas(
    tools,
    { ...request, what: `take ${physicalUid} from ${node}` },
    (entry) => leaveStep(entry, { group, node, shards }),
  );
  if (!verdict.ok) throw tryAgain('replicas-changed', verdict.reason);
  return fleet.epoch;
}

/**
 * One delete by filter for all leaving shards of the node. The rows stay in the table, and so keep the
 * bucket filter on, until nothing is left of the documents. A node that was forgotten meanwhile has no
 * rows, and nothing is asked of it.
 */
export async function removeLeaving(
  tools: ActivityTools,
  request: LeaveRequest,
  call: Call,
): Promise<{ deleted: number }> {
  const { physicalUid, node } = request;
  const shards = await present(tools, request);
  const entry = findEntry(await tools.store.fleet.load(), physicalUid);
  if (entry === null || shards.length === 0) return { deleted: 0 };
  const side = { client: await clientOf(tools, node), physicalUid };
  const deleted = await deleteShards(side, bucketFilter(shards, entry.shardCount), { tools, call });
  await dropRows(tools, request, shards);
  await dropEmptyIndex(tools, side, request);
  return { deleted };
}

async function deleteShards(
  side: NodeSide,
  filter: string,
  { tools, call }: { tools: ActivityTools; call: Call },
): Promise<number> {
  const { client, physicalUid } = side;
  const { signal } = call;
  if ((await client.getIndex(physicalUid, { signal })) === null) return 0;
  // Writes that came before the barrier are in the queue and must not come back after the deletion.
  await allWorkedOff(side, { clock: tools.clock, call });
  const count = await countDocuments(side, filter, signal);
  if (count === 0) return 0;
  await client.deleteByFilter(physicalUid, filter, { customMetadata: `sync:${call.runId}:leave` });
  await allWorkedOff(side, { clock: tools.clock, call });
  const left = await countDocuments(side, filter, signal);
  if (left > 0) throw tryAgain('not-gone', `${String(left)} documents are still there.`);
  return count;
}

async function dropRows(
  tools: ActivityTools,
  request: LeaveRequest,
  shards: readonly ShardId[],
): Promise<void> {
  const { physicalUid, group, node } = request;
  const { verdict } = await changeReplicas(
    tools,
    { ...request, what: `forget ${physicalUid} on ${node}` },
    (entry) => removeReplica(entry, { group, node, shards }),
  );
  if (!verdict.ok) throw tryAgain('replicas-changed', verdict.reason);
  for (const shard of shards) await tools.store.journals.drop(physicalUid, shard, node);
}

/** An empty index that nothing in the table refers to would only be found again by an operator. */
async function dropEmptyIndex(
  tools: ActivityTools,
  { client, physicalUid }: NodeSide,
  { node }: LeaveRequest,
): Promise<void> {
  const entry = findEntry(await tools.store.fleet.load(), physicalUid);
  if (entry === null || holders(entry).has(node)) return;
  if ((await client.stats(physicalUid)).numberOfDocuments === 0) {
    await client.deleteIndex(physicalUid);
  }
}

/** A roll-back of a repair: the copies are what they were before, stale, and are not read. */
export async function restoreStale(tools: ActivityTools, request: LeaveRequest): Promise<void> {
  await tools.store.attempts.nextAttempt(request.runKey);
  const { physicalUid, group, node } = request;
  await changeReplicas(
    tools,
    { ...request, what: `leave ${physicalUid} stale on ${node}` },
    (entry) => ({
      ok: true,
      changes: request.shards.flatMap((shard): ReplicaChange[] => {
        const row = entry.placement.find((placed) => placed.group === group)?.shards[shard] ?? [];
        if (!row.some((r) => r.node === node && ['syncing', 'joined'].includes(r.state))) return [];
        const replicas = row.map((r) => (r.node === node ? { node, state: 'stale' as const } : r));
        return [{ group, shard, replicas }];
      }),
    }),
  );
  for (const shard of request.shards) await tools.store.journals.drop(physicalUid, shard, node);
}
