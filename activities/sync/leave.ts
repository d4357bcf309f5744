import { holders } from '../../core/covering-set';
import { bucketFilter } from '../../core/hidden-fields';
import type { IndexEntry } from '../../core/fleet';
import type { Epoch, ShardId } from '../../core/ids';
import { removeReplica, startLeaving as leaveStep } from '../../core/replicas';
import type { ReplicaChange } from '../../core/replicas';
import { isNodeError } from '../../meili/node-error';
import { refuse, tryAgain } from '../errors';
import type { NodeSide } from '../node-queue';
import { allWorkedOff } from '../node-queue';
import { clientOf } from '../tools';
import type { ActivityTools, Call } from '../tools';
import type { LeaveRequest } from '../types';
import { presenceOf } from './away';
import { demandAnotherCopy } from './beside';
import { stateIsKept } from './kept-state';
import { countDocuments } from './read-documents';
import { changeReplicas, findEntry, stateOf } from './replica-changes';
import { attemptOf, beginSpan, sendOptions, takeNumber } from './session';
import type { Numbered } from './session';

/** The copies of the request that are still in the table. */
async function present(tools: ActivityTools, request: LeaveRequest): Promise<readonly ShardId[]> {
  const entry = findEntry(await tools.store.fleet.load(), request.physicalUid);
  if (entry === null) return [];
  const { group, node } = request;
  return request.shards.filter((shard) => stateOf(entry, { group, shard, node }) !== null);
}

/** After the barrier of the returned epoch no pod writes to these copies any more. */
export const startLeaving = (
  tools: ActivityTools,
  request: LeaveRequest,
  call: Call,
): Promise<Epoch | null> =>
  leaveUnless(tools, request, {
    call,
    demand: (shards) => demandAnotherCopy(tools, request, { shards, call }),
  });

interface Leave {
  readonly call: Pick<Call, 'scheduledAt'>;
  readonly demand: (shards: readonly ShardId[]) => Promise<void>;
}

/** `demand` throws where the copies are needed. Simulated nodes have no disks that could be lost. */
export async function leaveUnless(
  tools: ActivityTools,
  request: LeaveRequest,
  { call, demand }: Leave,
): Promise<Epoch | null> {
  // Attempts of the sync that are still running somewhere may send nothing more.
  const attempt = attemptOf(await takeNumber(tools, request, call));
  const shards = await present(tools, request);
  if (shards.length === 0) return null;
  await demand(shards);
  const { group, node, physicalUid } = request;
  const { fleet, verdict } = await changeReplicas(
    tools,
    { ...request, attempt, what: `take ${physicalUid} from ${node}` },
    (entry) => leaveStep(entry, { group, node, shards }),
  );
  // It is read until another copy is in sync, and a repair of one waits for the groups that this run has.
  if (!verdict.ok) throw refuse('copy-needed', verdict.reason);
  return fleet.epoch;
}

/**
 * One delete by filter for all leaving shards of the node. The rows stay in the table, and so keep the
 * bucket filter on, until nothing is left of the documents. It waits until the nodes keep the state that
 * says they are leaving, so that no recovery of Redis takes a deleted copy for a whole one. A node that was forgotten meanwhile has no
 * rows, and nothing is asked of it.
 */
export async function removeLeaving(
  tools: ActivityTools,
  request: LeaveRequest,
  call: Call,
): Promise<{ deleted: number }> {
  try {
    return await removeNow(tools, request, call);
  } catch (error) {
    if (!(await isGivenUp(tools, request, { error, call }))) throw error;
    const what = `the copies of ${request.physicalUid} on ${request.node} stay, leaving, until it is back`;
    const why = `${request.node} does not answer`;
    await tools.store.figures.tellOnce(`${call.runId}/left/${request.node}`, {
      ...{ answer: true, operations: [request.runKey], sourceChange: null },
      event: {
        ...{ at: tools.clock.now(), who: 'sync', what, why },
        figures: { shards: request.shards.length },
      },
    });
    throw refuse('node-away', `${request.node} does not answer, so its old copies stay on it.`);
  }
}

/** The rows keep the bucket filter on meanwhile, so what stays on the node is seen by nobody. */
async function isGivenUp(
  tools: ActivityTools,
  { node, until }: LeaveRequest,
  { error, call }: { readonly error: unknown; readonly call: Call },
): Promise<boolean> {
  if (until === undefined || call.signal.aborted || !isNodeError(error)) return false;
  if (tools.clock.now() < until) return false;
  return (await presenceOf(tools, [node], call)).get(node) === 'away';
}

async function removeNow(
  tools: ActivityTools,
  request: LeaveRequest,
  call: Call,
): Promise<{ deleted: number }> {
  const { physicalUid, node } = request;
  const numbered = await takeNumber(tools, request, call);
  // What an attempt before this one may still send is over by then.
  if (call.attempt > 1) await tools.clock.sleep(tools.config.nodeDeadlineMs, call.signal);
  const leaving = { tools, request, call, numbered };
  const shards = await present(tools, request);
  const entry = findEntry(await tools.store.fleet.load(), physicalUid);
  if (entry === null || shards.length === 0) return { deleted: 0 };
  await stateIsKept(tools, call);
  const side = { client: await clientOf(tools, node), physicalUid };
  const deleted = await deleteShards(leaving, side, { shards, entry });
  await dropRows(leaving, shards);
  await dropEmptyIndex(leaving, side);
  return { deleted };
}

interface Leaving {
  readonly tools: ActivityTools;
  readonly request: LeaveRequest;
  readonly call: Call;
  readonly numbered: Numbered;
}

async function deleteShards(
  leaving: Leaving,
  side: NodeSide,
  { shards, entry }: { shards: readonly ShardId[]; entry: IndexEntry },
): Promise<number> {
  const { tools, request, call, numbered } = leaving;
  const { client, physicalUid } = side;
  const { signal } = call;
  const filter = bucketFilter(shards, entry.shardCount);
  if ((await client.getIndex(physicalUid, { signal })) === null) return 0;
  // Writes that came before the barrier are in the queue and must not come back after the deletion.
  await allWorkedOff(side, { clock: tools.clock, call });
  const count = await countDocuments(side, filter, signal);
  if (count === 0) return 0;
  const span = beginSpan(tools);
  const still = new Set(await present(tools, request));
  if (shards.some((shard) => !still.has(shard))) throw tryAgain('rows-moved', 'The rows moved.');
  await client.deleteByFilter(physicalUid, filter, {
    customMetadata: `sync:${call.runId}:leave`,
    ...(await sendOptions(numbered, span)),
  });
  await allWorkedOff(side, { clock: tools.clock, call });
  const left = await countDocuments(side, filter, signal);
  if (left > 0) throw tryAgain('not-gone', `${String(left)} documents are still there.`);
  return count;
}

async function dropRows(
  { tools, request, numbered }: Leaving,
  shards: readonly ShardId[],
): Promise<void> {
  const { physicalUid, group, node } = request;
  const attempt = attemptOf(numbered);
  const { verdict } = await changeReplicas(
    tools,
    { ...request, attempt, what: `forget ${physicalUid} on ${node}` },
    (entry) => removeReplica(entry, { group, node, shards }),
  );
  if (!verdict.ok) throw tryAgain('replicas-changed', verdict.reason);
  for (const shard of shards) await tools.store.journals.drop(physicalUid, shard, node);
}

/**
 * An empty index that nothing in the table refers to would only be found again by an operator. Another
 * sync may be making it ready at the same moment: its copy begins after the barrier of rows that were
 * not there when this looked, so after this span, and makes the index again where it is gone.
 */
async function dropEmptyIndex(
  { tools, request, numbered }: Leaving,
  { client, physicalUid }: NodeSide,
): Promise<void> {
  const span = beginSpan(tools);
  const entry = findEntry(await tools.store.fleet.load(), physicalUid);
  if (entry === null || holders(entry).has(request.node)) return;
  if ((await client.getIndex(physicalUid)) === null) return;
  if ((await client.stats(physicalUid)).numberOfDocuments === 0) {
    await client.deleteIndex(physicalUid, await sendOptions(numbered, span));
  }
}

/** A roll-back of a repair: the copies are what they were before, stale, and are not read. */
export async function restoreStale(
  tools: ActivityTools,
  request: LeaveRequest,
  call: Pick<Call, 'scheduledAt'>,
): Promise<void> {
  const attempt = attemptOf(await takeNumber(tools, request, call));
  const { physicalUid, group, node } = request;
  await changeReplicas(
    tools,
    { ...request, attempt, what: `leave ${physicalUid} stale on ${node}` },
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
