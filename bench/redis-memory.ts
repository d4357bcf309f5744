import { connectRedis } from '../store/connect';
import { createStore } from '../store/create-store';
import type { FleetTask } from '../store/task-types';
import { fleetTaskUid, indexUid, nodeId, nodeTaskUid, physicalUid, shardId } from '../core/ids';
import { epoch, groupId } from '../core/ids';

export interface MemoryReport {
  readonly tasks: number;
  readonly sessions: number;
  readonly idempotencyKeys: number;
  /** What the server's `used_memory` rose by. */
  readonly bytes: number;
  readonly bytesPerTask: number;
}

/** The budget in store/DESIGN.md; a report above it means that a record grew. */
export const redisMemoryBudgetBytes = 16 * 1024 * 1024;

export type MemoryCounts = Pick<MemoryReport, 'tasks' | 'sessions' | 'idempotencyKeys'>;

/** What the budget is for. */
const budgetedCounts: MemoryCounts = { tasks: 10_000, sessions: 1_000, idempotencyKeys: 1_000 };

/**
 * Fills the given Redis with finished tasks of three nodes each, sessions and idempotency keys, and
 * measures by `INFO memory`. The server must be one that nobody else writes to meanwhile. Everything
 * is deleted again.
 */
export async function measureRedisMemory(
  url: string,
  counts: MemoryCounts = budgetedCounts,
): Promise<MemoryReport> {
  const redis = connectRedis(url);
  const prefix = `bench-memory-${process.pid}`;
  const store = createStore({ redis, prefix, requestDeadlineMs: 1_000, podLeaseMs: 1_000 });
  try {
    const before = await usedMemory(redis);
    await inParallel(counts.tasks, async (n) => void (await store.tasks.save(finishedTask(n))));
    const afterTasks = await usedMemory(redis);
    const expiresAt = Date.now() + 3_600_000;
    await inParallel(counts.sessions, async (n) => {
      await store.sessions.create({
        id: `session-${n}-0123456789abcdef`,
        writes: { products: fleetTaskUid(n) },
        pinnedGroup: groupId(0),
        epoch: epoch(12),
        createdAt: new Date(expiresAt).toISOString(),
        expiresAt,
      });
    });
    await inParallel(counts.idempotencyKeys, async (n) => {
      await store.idempotency.create({
        key: `order-${n}-0123456789abcdef0123456789abcdef`,
        bodyHash: 'f'.repeat(64),
        taskUid: fleetTaskUid(n),
        expiresAt,
      });
    });
    const bytes = (await usedMemory(redis)) - before;
    return { ...counts, bytes, bytesPerTask: Math.round((afterTasks - before) / counts.tasks) };
  } finally {
    await deleteAll(redis, `{${prefix}}:*`);
    await store.close();
    redis.disconnect();
  }
}

/** A document addition to two shards on three nodes, as the follower leaves it. */
function finishedTask(n: number): FleetTask {
  const at = '2026-01-01T00:00:00.123456Z';
  const result = { receivedDocuments: 1_000, indexedDocuments: 1_000 };
  return {
    uid: fleetTaskUid(n),
    indexUid: indexUid('products'),
    physicalUid: physicalUid('products-0123abcd'),
    type: 'documentAdditionOrUpdate',
    status: 'succeeded',
    details: result,
    error: null,
    canceledBy: null,
    enqueuedAt: at,
    startedAt: at,
    finishedAt: at,
    duration: 'PT0.123456S',
    batchUid: n,
    nodeTasks: ['meili-0', 'meili-1', 'meili-2'].map((id) => ({
      node: nodeId(id),
      uid: nodeTaskUid(n),
      status: 'succeeded' as const,
      result,
    })),
    shards: [shardId(17), shardId(42)],
    extra: {},
  };
}

async function usedMemory(redis: ReturnType<typeof connectRedis>): Promise<number> {
  const info = await redis.info('memory');
  return Number(/used_memory:(\d+)/.exec(info)?.[1] ?? NaN);
}

async function inParallel(count: number, act: (n: number) => Promise<void>): Promise<void> {
  for (let at = 0; at < count; at += 100) {
    const size = Math.min(100, count - at);
    await Promise.all(Array.from({ length: size }, async (_, i) => act(at + i)));
  }
}

async function deleteAll(redis: ReturnType<typeof connectRedis>, match: string): Promise<void> {
  for await (const keys of redis.scanStream({ match, count: 1_000 })) {
    if ((keys as string[]).length > 0) await redis.unlink(...(keys as string[]));
  }
}

async function main(): Promise<void> {
  const report = await measureRedisMemory(process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379');
  console.log(JSON.stringify({ ...report, budgetBytes: redisMemoryBudgetBytes }));
  if (report.bytes > redisMemoryBudgetBytes) process.exitCode = 1;
}

if (require.main === module) void main();
