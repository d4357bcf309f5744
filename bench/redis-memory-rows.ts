import { withOwnRedis } from './own-redis';
import { measureRedisMemory, redisMemoryBudgetBytes } from './redis-memory';
import { row } from './row';
import type { Row } from './row';
import { sizeOf } from './workload';
import type { Size } from './workload';

/** The memory of the records that the size counts, each run in a Redis of its own. */
export async function benchRedisMemory(size: Size, runs: number): Promise<Row[]> {
  const counts = {
    tasks: sizeOf(size, 'tasks'),
    sessions: sizeOf(size, 'sessions'),
    idempotencyKeys: sizeOf(size, 'idempotencyKeys'),
  };
  const ours: number[] = [];
  for (let run = 0; run < runs; run += 1) {
    const report = await withOwnRedis((url) => measureRedisMemory(url, counts));
    ours.push(report.bytes / 2 ** 20);
  }
  const budget = redisMemoryBudgetBytes / 2 ** 20;
  return [
    row({
      name: 'redis-memory.bytes/budget',
      unit: 'MiB',
      better: 'lower',
      against: 'the budget',
      ours,
      theirs: ours.map(() => budget),
    }),
  ];
}
