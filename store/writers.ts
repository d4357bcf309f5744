import type { Redis } from 'ioredis';
import {
  epoch as epochOf,
  fleetTaskUid,
  physicalUid as physicalUidOf,
  podId,
  shardId,
} from '../core/ids';
import type { PhysicalUid } from '../core/ids';
import { waitUntilOnDisk } from './change-fleet';
import type { WaitAof } from './options';
import { encodeAudit, encodeOps } from './fleet-ops';
import type { Keys } from './keys';
import { idempotencyId } from './records/idempotency';
import { assertItems, listOf, numberOf, parsed, textOf, unknownCode } from './script';
import type { ScriptReply, ScriptRunner } from './script';
import { AcquireWriterCode, acquireWriterScript } from './scripts/acquire-writer';
import { BeginWriteCode, beginWriteScript } from './scripts/begin-write';
import { CommitWriteCode, commitWriteScript } from './scripts/commit-write';
import { releaseWriterScript } from './scripts/release-writer';
import { RenewWriterCode, renewWriterScript } from './scripts/renew-writer';
import { encodeSummary, isFinal } from './task-summary';
import type { FleetTask } from './task-types';
import type {
  AcquireResult,
  BeginRequest,
  BeginResult,
  CommitRequest,
  CommitResult,
  OutstandingWrite,
  PodStore,
  WriterStore,
} from './types';

export interface WriterStoreParts {
  readonly redis: Redis;
  readonly keys: Keys;
  readonly scripts: ScriptRunner;
  readonly pods: PodStore;
  readonly tasksMax: number;
  readonly idempotencyKeysMax: number;
  readonly waitAof: WaitAof;
}

export function createWriterStore(parts: WriterStoreParts): WriterStore {
  const { keys, scripts } = parts;
  return {
    async acquire(physicalUid, pod, leaseMs) {
      const reply = await scripts.run(
        acquireWriterScript,
        [keys.writer(physicalUid)],
        [pod, leaseMs],
      );
      return decodeAcquired(listOf(reply));
    },
    async renew(physicalUid, pod, fence, leaseMs) {
      const code = await scripts.run(
        renewWriterScript,
        [keys.writer(physicalUid)],
        [pod, fence, leaseMs],
      );
      return { ok: code !== RenewWriterCode.Lost, wanted: code === RenewWriterCode.OkWanted };
    },
    async release(physicalUid, pod, fence) {
      await scripts.run(
        releaseWriterScript,
        [keys.writer(physicalUid), keys.outstanding(physicalUid)],
        [pod, fence],
      );
    },
    async begin(request) {
      const result = await begin(parts, request);
      if (result.kind === 'ok' && request.changes.length > 0) {
        await waitUntilOnDisk(parts.redis, parts.waitAof);
      }
      return result;
    },
    async commit(request) {
      const result = await commit(parts, request);
      if (result.kind !== 'lease-lost' && request.stale.length > 0) {
        await waitUntilOnDisk(parts.redis, parts.waitAof);
      }
      return result;
    },
    outstanding: async (physicalUid) => outstanding(parts, physicalUid),
    unsettled: async () => unsettled(parts),
  };
}

function decodeAcquired(reply: readonly ScriptReply[]): AcquireResult {
  const [code, first, previousPod, previousFence] = reply;
  switch (code) {
    case AcquireWriterCode.Held:
      return { ok: false, holder: podId(textOf(first)) };
    case AcquireWriterCode.Ok:
      return {
        ok: true,
        fence: numberOf(first),
        previous:
          previousPod === ''
            ? null
            : { pod: podId(textOf(previousPod)), fence: numberOf(previousFence) },
      };
    default:
      throw unknownCode(acquireWriterScript, code);
  }
}

/** Positions: see the header of the script. */
async function begin(parts: WriterStoreParts, request: BeginRequest): Promise<BeginResult> {
  const { keys, scripts } = parts;
  const { physicalUid, idempotency, shards } = request;
  if (shards !== 'all') assertItems('A write', shards.length);
  const index = physicalUid ?? ('' as PhysicalUid);
  const keyId = idempotency === undefined ? '' : idempotencyId(idempotency.key);
  const encoded = encodeOps(keys, request.changes, 15);
  const { pod, fence, epoch, nonce, sequences } = request;
  const task = { ...request.task, status: 'enqueuing' as const };
  const reply = await scripts.run(
    beginWriteScript,
    [
      ...[keys.epoch, keys.topologyLog, keys.nextTaskUid, keys.openTasks, keys.finishedTasks],
      ...[keys.taskSummaries, keys.writer(index), keys.fences(index), keys.sequence(index)],
      ...[keys.outstanding(physicalUid), keys.unsettled, keys.pending(physicalUid)],
      ...[
        keys.placement(index),
        keys.record('idempotency', keyId),
        keys.recordIndex('idempotency'),
      ],
      ...encoded.keys,
    ],
    [
      ...[keys.epochChannel, encodeAudit(request.audit ?? unnamed(request)), encoded.lines, epoch],
      ...[pod, fence ?? '', shards === 'all' ? 'all' : shards.join(','), sequences, nonce],
      ...[JSON.stringify({ pod, fence, nonce, shards, epoch }), JSON.stringify(task)],
      ...[encodeSummary(task), keys.task(''), parts.tasksMax, index],
      ...[keyId, idempotency?.bodyHash ?? '', idempotencyStart(idempotency)],
      ...[idempotency?.ttlMs ?? 0, parts.idempotencyKeysMax, keys.record('idempotency', '')],
      ...encoded.args,
    ],
  );
  return decodeBegun(listOf(reply));
}

/** The script adds the task and the expiry, which nobody knows before, and the closing brace. */
function idempotencyStart(idempotency: BeginRequest['idempotency']): string {
  if (idempotency === undefined) return '';
  const { key, bodyHash } = idempotency;
  return JSON.stringify({ key, bodyHash }).slice(0, -1);
}

function unnamed(request: BeginRequest): { who: string; why: string; what: string } {
  return { who: request.pod, why: 'a client asked for it', what: request.task.type };
}

function decodeBegun(reply: readonly ScriptReply[]): BeginResult {
  const [code, first, second, third] = reply;
  switch (code) {
    case BeginWriteCode.Ok:
      return {
        kind: 'ok',
        taskUid: fleetTaskUid(numberOf(first)),
        firstSequence: numberOf(second),
        epoch: epochOf(numberOf(third)),
      };
    case BeginWriteCode.Repeated:
      return { kind: 'repeated', taskUid: fleetTaskUid(numberOf(first)) };
    case BeginWriteCode.EpochMoved:
      return { kind: 'epoch-moved', epoch: epochOf(numberOf(first)) };
    case BeginWriteCode.Fenced:
      return { kind: 'fenced', retryMs: numberOf(first) };
    case BeginWriteCode.LeaseLost:
      return { kind: 'lease-lost' };
    case BeginWriteCode.KeyReused:
      return { kind: 'key-reused' };
    case BeginWriteCode.JournalMissing:
      return { kind: 'journal-missing' };
    default:
      throw unknownCode(beginWriteScript, code);
  }
}

function withoutUid({ uid: _, ...task }: FleetTask): Omit<FleetTask, 'uid'> {
  return task;
}

async function commit(parts: WriterStoreParts, request: CommitRequest): Promise<CommitResult> {
  const { keys, scripts } = parts;
  const { physicalUid, pod, taskUid, nonce } = request;
  assertItems('The stale replicas of a commit', request.stale.length);
  const index = physicalUid ?? ('' as PhysicalUid);
  const task = withoutUid(request.task);
  const untaken = request.untaken === undefined ? null : withoutUid(request.untaken);
  const stale = [...request.stale].sort((a, b) => a.shard - b.shard);
  const audit = { who: pod, why: `task ${taskUid} was not taken`, what: 'mark-stale' };
  const reply = await scripts.run(
    commitWriteScript,
    [
      ...[keys.epoch, keys.topologyLog, keys.writer(index), keys.outstanding(physicalUid)],
      ...[keys.unsettled, keys.pending(physicalUid), keys.placement(index)],
      ...[keys.openTasks, keys.finishedTasks, keys.taskSummaries],
    ],
    [
      ...[keys.epochChannel, encodeAudit(audit), pod, request.fence ?? '', index, taskUid, nonce],
      ...[JSON.stringify(task), encodeSummary(task), isFinal(task.status) ? 1 : 0],
      ...[keys.task(''), parts.tasksMax],
      ...(untaken === null ? ['', ''] : [JSON.stringify(untaken), encodeSummary(untaken)]),
      ...stale.flatMap(({ shard, group, node }) => [shard, group, node]),
    ],
  );
  const [code, now, kept] = listOf(reply);
  const epoch = epochOf(numberOf(now));
  switch (code) {
    case CommitWriteCode.Ok:
      return { kind: 'ok', epoch };
    case CommitWriteCode.LastInSync:
      return {
        kind: 'last-in-sync',
        shards: textOf(kept)
          .split(',')
          .map((shard) => shardId(Number(shard))),
        epoch,
      };
    case CommitWriteCode.LeaseLost:
      return { kind: 'lease-lost' };
    default:
      throw unknownCode(commitWriteScript, code);
  }
}

async function outstanding(
  { redis, keys }: WriterStoreParts,
  physicalUid: PhysicalUid | null,
): Promise<OutstandingWrite[]> {
  const writes = Object.entries(await redis.hgetall(keys.outstanding(physicalUid)));
  return writes
    .map(([uid, value]): OutstandingWrite => {
      const blank = value.indexOf(' ');
      return {
        ...parsed<Omit<OutstandingWrite, 'taskUid' | 'beganAt'>>(value.slice(blank + 1)),
        taskUid: fleetTaskUid(Number(uid)),
        beganAt: numberOf(value.slice(0, blank)),
      };
    })
    .sort((a, b) => a.taskUid - b.taskUid);
}

/** Tasks of no index have no lease: theirs are unsettled when the pod that began them is gone. */
async function unsettled(parts: WriterStoreParts): Promise<(PhysicalUid | null)[]> {
  const { redis, keys, pods } = parts;
  const uids = (await redis.smembers(keys.unsettled)).sort();
  const now = await pods.time();
  const idle: (PhysicalUid | null)[] = [];
  for (const uid of uids.filter((name) => name !== '')) {
    const until = await redis.hget(keys.writer(physicalUidOf(uid)), 'until');
    if (Number(until ?? 0) <= now) idle.push(physicalUidOf(uid));
  }
  if (uids.includes('')) {
    const alive = new Set((await pods.list()).filter((pod) => pod.alive).map((pod) => pod.id));
    if ((await outstanding(parts, null)).some((write) => !alive.has(write.pod))) idle.push(null);
  }
  return idle;
}
