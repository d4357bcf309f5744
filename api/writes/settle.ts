import type { IndexEntry, JsonValue } from '../../core/fleet';
import { MeiliError } from '../../core/errors';
import type { NodeId, PhysicalUid, PodId } from '../../core/ids';
import type { FleetTask, NodeTaskRef } from '../../store/task-types';
import type { OutstandingWrite } from '../../store/types';
import type { ApiContext } from '../context';
import { clientOf } from '../client-of';
import { finished } from '../follower/task-times';
import { faultOf, sleep } from './node-fault';
import { holdersOf } from './index-changes';
import type { shardsOf } from './quorum';
import { judge } from './quorum';
import type { Readiness } from './readiness';
import { findSent, writeMetadata } from './sent-tasks';
import { carriesMetadata, sendStep, stepFromStore } from './steps';
import type { Step } from './steps';

export interface Settlement {
  readonly physicalUid: PhysicalUid | null;
  readonly fence: number | null;
  /** Settle just these; else all that are outstanding. */
  readonly only?: readonly OutstandingWrite[];
}

export type SettleContext = Pick<
  ApiContext,
  'config' | 'store' | 'fleet' | 'nodes' | 'identities' | 'pod' | 'log' | 'webhooks'
> & {
  readonly readiness: Readiness;
};

/**
 * Ends the writes that another pod (or this one, before it lost its lease) began and did not commit.
 * First that pod's key is deleted on the nodes, so that none of its requests can be admitted any more;
 * then the longest deadline of a request passes, so that those admitted are enqueued; only then the
 * nodes are asked what arrived.
 */
export async function settleOutstanding(ctx: SettleContext, at: Settlement): Promise<void> {
  const outstanding = at.only ?? (await ctx.store.writers.outstanding(at.physicalUid));
  if (at.physicalUid !== null) await abandonNonces(ctx, at.physicalUid, outstanding);
  if (outstanding.length === 0) return;
  ctx.log.warn(
    { index: at.physicalUid, writes: outstanding.length },
    'settling writes that were left',
  );
  await ctx.fleet.reload();
  let open: ReadonlySet<NodeId> = new Set();
  if (at.physicalUid !== null) {
    open = await shutOut(ctx, at.physicalUid, new Set(outstanding.map(({ pod }) => pod)));
    await sleep(ctx.config.nodes.deadlineMs);
  }
  for (const write of [...outstanding].sort((a, b) => a.taskUid - b.taskUid)) {
    await settleOne(ctx, { ...at, open }, write);
  }
}

/**
 * Journal notes of pods that are gone and never began the write would hold up a copy for ever. Those of
 * pods that live are theirs to give up: each abandoned note is one more document to copy.
 */
async function abandonNonces(
  ctx: SettleContext,
  uid: PhysicalUid,
  outstanding: readonly OutstandingWrite[],
): Promise<void> {
  const begun = new Set(outstanding.map(({ nonce }) => nonce));
  const living = new Set(
    (await ctx.store.pods.list()).flatMap((pod) => (pod.alive ? [pod.id] : [])),
  );
  for (const nonce of await ctx.store.journals.pending(uid)) {
    const pod = nonce.slice(0, nonce.lastIndexOf(':')) as PodId;
    if (!begun.has(nonce) && !living.has(pod)) await ctx.store.journals.abandon(uid, nonce);
  }
}

/** A request that gets lost is sent again; a node that is away is not waited for. */
const shutOutsMax = 3;

/** Returns the nodes on which the keys of these pods may still be good. */
async function shutOut(
  ctx: SettleContext,
  uid: PhysicalUid,
  pods: ReadonlySet<PodId>,
): Promise<ReadonlySet<NodeId>> {
  const entry = ctx.fleet.physical(uid);
  const holders =
    entry === null ? new Set(ctx.fleet.current().nodes.map(({ id }) => id)) : holdersOf(entry);
  const keys = (await ctx.store.pods.list())
    .filter(({ id }) => pods.has(id) && id !== ctx.pod.id)
    .map(({ nodeKeyUid }) => nodeKeyUid);
  const open = new Set<NodeId>();
  await Promise.all(
    [...holders].flatMap((id) =>
      keys.map(async (key) => {
        if (!(await isShutOut(ctx, id, key))) open.add(id);
      }),
    ),
  );
  return open;
}

async function isShutOut(ctx: SettleContext, id: NodeId, key: string): Promise<boolean> {
  const node = ctx.fleet.node(id);
  if (node === null) return true;
  for (let attempt = 1; ; attempt += 1) {
    try {
      await ctx.nodes.revokeKey(node, key);
      return true;
    } catch (error) {
      const code = faultOf(error)?.code;
      ctx.log.warn({ node: id, code, attempt }, 'could not shut a pod out of a node');
      if (attempt === shutOutsMax) return false;
      await sleep(lookAgainMs);
    }
  }
}

const lookAgainMs = 50;

interface Settling extends Settlement {
  /** Nodes that could not be told to refuse the pod that died: what is not there may still come. */
  readonly open: ReadonlySet<NodeId>;
}

/** One node's part as the intent describes it. */
interface StoredWork {
  readonly node: NodeId;
  readonly shards: readonly number[];
  readonly steps: readonly JsonValue[];
}

export function storedWork(task: Pick<FleetTask, 'extra'>): StoredWork[] {
  const work = task.extra['work'];
  return Array.isArray(work) ? (work as unknown as StoredWork[]) : [];
}

async function settleOne(ctx: SettleContext, at: Settling, write: OutstandingWrite): Promise<void> {
  const task = await ctx.store.tasks.get(write.taskUid);
  if (task === null) return;
  const work = storedWork(task);
  const tasks: NodeTaskRef[] = [];
  const accepted = new Set<NodeId>();
  const unsure = new Set<NodeId>();
  if (at.physicalUid !== null) {
    for (const part of work) {
      const refs = await settlePart(ctx, at.physicalUid, {
        part,
        metadata: writeMetadata(task.uid),
      });
      if (refs === 'no-answer' || (refs === null && at.open.has(part.node))) unsure.add(part.node);
      if (refs === 'no-answer' || refs === null) continue;
      tasks.push(...refs);
      accepted.add(part.node);
    }
  }
  const entry = at.physicalUid === null ? null : ctx.fleet.physical(at.physicalUid);
  await commitSettled(ctx, at, { write, task, tasks, accepted, unsure, entry, work });
}

/**
 * The node tasks of one part, found or sent again; null when the part is not there and cannot be;
 * `no-answer` when the node does not say.
 */
async function settlePart(
  ctx: SettleContext,
  uid: PhysicalUid,
  { part, metadata }: { part: StoredWork; metadata: string },
): Promise<NodeTaskRef[] | 'no-answer' | null> {
  // A node that is not known to be the one it was gets nothing again, and what it has is not known.
  if (!(await ctx.identities.trusted(part.node))) return 'no-answer';
  const client = clientOf(ctx, part.node);
  if (client === null) return null;
  const refs: NodeTaskRef[] = [];
  const role = part.shards.length === 0 ? 'side' : 'main';
  const entry = ctx.fleet.physical(uid);
  try {
    const work = {
      node: part.node,
      shards: [],
      steps: part.steps.flatMap((one) => stepFromStore(one) ?? []),
    };
    for (const step of entry === null ? [] : await ctx.readiness.setup(entry, work)) {
      const sent = await again(ctx, part, { uid, step, metadata });
      refs.push({ node: part.node, uid: sent, result: { role: 'setup' } });
    }
    for (const stored of part.steps) {
      const step = stepFromStore(stored);
      const sent =
        step === null || carriesMetadata(step) ? await findSent(client, uid, metadata) : null;
      if (sent !== null) refs.push({ node: part.node, uid: sent, result: { role } });
      else if (step === null) return null;
      else
        refs.push({
          node: part.node,
          uid: await again(ctx, part, { uid, step, metadata }),
          result: { role },
        });
    }
  } catch (error) {
    if (faultOf(error) === null) throw error;
    return 'no-answer';
  }
  return refs;
}

async function again(
  ctx: SettleContext,
  part: StoredWork,
  { uid, step, metadata }: { uid: PhysicalUid; step: Step; metadata: string },
): Promise<NodeTaskRef['uid']> {
  const client = clientOf(ctx, part.node);
  if (client === null) throw new Error(`Node ${part.node} has left the fleet.`);
  const { deadlineMs } = ctx.config.nodes;
  return await sendStep(client, uid, step, { customMetadata: metadata, deadlineMs });
}

async function commitSettled(
  ctx: SettleContext,
  at: Settlement,
  found: {
    write: OutstandingWrite;
    task: FleetTask;
    tasks: readonly NodeTaskRef[];
    accepted: ReadonlySet<NodeId>;
    unsure: ReadonlySet<NodeId>;
    entry: IndexEntry | null;
    work: readonly StoredWork[];
  },
): Promise<void> {
  const { write, task, tasks, accepted, unsure, entry, work } = found;
  const touched = [...new Set(work.flatMap(({ shards }) => shards))] as ReturnType<typeof shardsOf>;
  const verdict =
    entry === null
      ? null
      : judge(entry, touched, accepted, { minInSync: 1, writeQuorum: 'one', unsure });
  const { places: _places, work: _work, final, ...extra } = task.extra;
  const settled: FleetTask =
    verdict !== null && verdict.lacking.length > 0
      ? finished({ ...task, extra, nodeTasks: tasks }, interrupted().toBody())
      : final !== undefined
        ? finished({ ...task, extra, details: asFinal(final).details }, asFinal(final).error)
        : {
            ...task,
            extra: { ...extra, nodes: nodesOf(work, accepted) },
            status: 'enqueued',
            nodeTasks: tasks,
          };
  const untaken = finished({ ...task, extra, nodeTasks: tasks }, interrupted().toBody());
  const result = await ctx.store.writers.commit({
    pod: ctx.pod.id,
    physicalUid: at.physicalUid,
    fence: at.fence,
    taskUid: task.uid,
    nonce: write.nonce,
    task: settled,
    untaken,
    stale: verdict?.stale ?? [],
  });
  ctx.log.info({ task: task.uid, result: result.kind, status: settled.status }, 'settled a write');
  if (result.kind === 'lease-lost') return;
  const stands = result.kind === 'last-in-sync' ? untaken : settled;
  if (stands.finishedAt !== null) ctx.webhooks.finished(stands);
  await ctx.fleet.reload(result.epoch);
}

export function nodesOf(
  work: readonly { readonly node: NodeId; readonly shards: readonly number[] }[],
  accepted: ReadonlySet<NodeId>,
): JsonValue {
  return Object.fromEntries(
    work.filter(({ node }) => accepted.has(node)).map(({ node, shards }) => [node, [...shards]]),
  );
}

function asFinal(stored: JsonValue): { details: FleetTask['details']; error: FleetTask['error'] } {
  return stored as unknown as { details: FleetTask['details']; error: FleetTask['error'] };
}

export function interrupted(): MeiliError {
  return new MeiliError(
    'miroir_interrupted',
    'The process that carried this task died before every shard had taken it. What was taken stays; send it again.',
  );
}
