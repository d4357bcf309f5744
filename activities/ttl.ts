import { joinFilters } from '../core/filter/normalize';
import type { IndexEntry } from '../core/fleet';
import { bucketFilter } from '../core/hidden-fields';
import type { NodeId, PhysicalUid, ShardId } from '../core/ids';
import type { SweepRequest, SweepResult } from '../core/index-life';
import type { ExpiredPart } from '../core/ttl';
import { expiredParts, halvesOf, shardsOfSlots, wholeHashSpace } from '../core/ttl';
import { isNodeError } from '../meili/node-error';
import { tryAgain } from './errors';
import { askOperatorApi } from './operator-api';
import { countDocuments } from './sync/read-documents';
import { createPace } from './sync/pace';
import { clientOf } from './tools';
import type { ActivityTools, Call } from './tools';

/** A delete that a node has not worked off after this is looked for by the next attempt. */
const taskDeadlineMs = 600_000;
const pollMs = { first: 20, max: 500 };
const answerDeadlineMs = 60_000;

/** Indexes whose documents expire, in the order of their names. */
export async function expiringIndexes({ store }: ActivityTools): Promise<PhysicalUid[]> {
  const { indexes } = await store.fleet.load();
  return indexes
    .filter(({ ttl }) => ttl?.enabled === true)
    .sort((a, b) => (a.uid < b.uid ? -1 : 1))
    .map(({ physicalUid }) => physicalUid);
}

/**
 * Deletes what has expired in one index, by writes through the api: they have their place in the order
 * of the index's writes, go to every copy, and make a copy that missed them stale. What is deleted is
 * decided by each node when the write's turn comes, so a document that was given more time meanwhile
 * stays. A part of the hash space with more expired documents than one write may delete is halved.
 */
export async function sweepIndex(
  tools: ActivityTools,
  { physicalUid, options, runKey }: SweepRequest,
  call: Call,
): Promise<SweepResult> {
  const began = tools.clock.now();
  const pace = createPace(tools, call, runKey);
  const parts: ExpiredPart[] = [{ before: began, ...wholeHashSpace }];
  let deleted = 0;
  let left = 0;
  let outcome: SweepResult['outcome'] = 'done';
  for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
    call.signal.throwIfAborted();
    const entry = await entryNow(tools, physicalUid);
    if (entry === null) {
      outcome = 'gone';
      break;
    }
    const count = await countExpired(tools, entry, { part, call });
    const halves = count > options.batchDocuments ? halvesOf(part) : null;
    if (count === 0) continue;
    if (deleted >= options.documentsMax) {
      left += count;
      continue;
    }
    if (halves !== null) {
      parts.push(halves[1], halves[0]);
      continue;
    }
    const gone = await deleteExpired(tools, physicalUid, { part, call });
    deleted += gone;
    call.beat({ deleted });
    if (await pace.after(gone, deleted)) continue;
    outcome = 'paused';
    break;
  }
  await note(tools, physicalUid, { deleted, left, began });
  return { deleted, left, outcome };
}

/** Null when the index is gone, or keeps its documents now. */
async function entryNow({ store }: ActivityTools, uid: PhysicalUid): Promise<IndexEntry | null> {
  const { indexes } = await store.fleet.load();
  const entry = indexes.find(({ physicalUid }) => physicalUid === uid);
  return entry?.ttl?.enabled === true ? entry : null;
}

interface Counting {
  readonly part: ExpiredPart;
  readonly call: Call;
}

/** Each shard is counted on one in-sync copy; a node that does not answer is passed over. */
async function countExpired(
  tools: ActivityTools,
  entry: IndexEntry,
  { part, call }: Counting,
): Promise<number> {
  const away = new Set<NodeId>();
  let open = shardsOfSlots(part, entry.shardCount);
  let total = 0;
  while (open.length > 0) {
    const asked = new Map<NodeId, ShardId[]>();
    for (const shard of open) {
      const node = readableNode(entry, shard, away);
      if (node === null) {
        throw tryAgain('shard-unreadable', `No copy of shard ${String(shard)} can be counted now.`);
      }
      asked.set(node, [...(asked.get(node) ?? []), shard]);
    }
    open = [];
    for (const [node, shards] of asked) {
      const filter = joinFilters(bucketFilter(shards, entry.shardCount), null, expiredParts(part));
      const side = { client: await clientOf(tools, node), physicalUid: entry.physicalUid };
      try {
        total += await countDocuments(side, filter, call.signal);
      } catch (error) {
        if (!isNodeError(error)) throw error;
        // The index is made on the node with its first document.
        if (error.status === 404) continue;
        away.add(node);
        open.push(...shards);
      }
    }
  }
  return total;
}

function readableNode(entry: IndexEntry, shard: ShardId, away: ReadonlySet<NodeId>): NodeId | null {
  const copy = entry.placement
    .flatMap(({ shards }) => shards[shard] ?? [])
    .find(({ node, state }) => state === 'in-sync' && !away.has(node));
  return copy?.node ?? null;
}

/** One write; returns how many documents it deleted when it is worked off. */
async function deleteExpired(
  tools: ActivityTools,
  physicalUid: PhysicalUid,
  { part, call }: Counting,
): Promise<number> {
  const { status, body } = await askOperatorApi<{ taskUid: number }>(
    tools,
    {
      ...{ method: 'POST', path: '/_miroir/ttl/expire', deadlineMs: answerDeadlineMs },
      body: { physicalUid, ...part },
    },
    call,
  );
  if (status < 200 || status > 299 || body.taskUid === undefined) {
    throw tryAgain(body.code ?? 'expire-refused', body.message ?? 'The api refused the deletion.');
  }
  return await waitDeleted(tools, body.taskUid, call);
}

async function waitDeleted(tools: ActivityTools, uid: number, call: Call): Promise<number> {
  const end = tools.clock.now() + taskDeadlineMs;
  let pauseMs = pollMs.first;
  for (;;) {
    const task = await tools.store.tasks.get(uid as Parameters<typeof tools.store.tasks.get>[0]);
    if (task === null) return 0;
    if (task.status === 'succeeded') return Number(task.details?.['deletedDocuments'] ?? 0);
    if (task.status === 'failed' || task.status === 'canceled') {
      throw tryAgain('expire-failed', `Task ${String(uid)} ended as ${task.status}.`);
    }
    if (tools.clock.now() >= end) {
      throw tryAgain('expire-slow', `Task ${String(uid)} is still ${task.status}.`);
    }
    await tools.clock.sleep(pauseMs, call.signal);
    pauseMs = Math.min(pauseMs * 2, pollMs.max);
  }
}

async function note(
  { store, clock }: ActivityTools,
  physicalUid: PhysicalUid,
  { deleted, left, began }: { deleted: number; left: number; began: number },
): Promise<void> {
  const before = await store.ttlSweeps.get(physicalUid);
  const now = clock.now();
  await store.ttlSweeps.put({
    physicalUid,
    at: new Date(now).toISOString(),
    deleted,
    durationMs: now - began,
    deletedTotal: (before?.deletedTotal ?? 0) + deleted,
    left,
  });
}
