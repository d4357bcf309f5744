/**
 * Goal: 10,000 tasks, 1,000 sessions and 1,000 idempotency keys stay within the stated budget.
 * Method: a Valkey of this file's own, so that `INFO memory` counts nothing else.
 */
import { measureRedisMemory, redisMemoryBudgetBytes } from '../../bench/redis-memory';
import { valkeyOnDisk } from '../support/valkey-for-store';

test('the measured bytes are within the budget', async () => {
  const server = await valkeyOnDisk();
  try {
    await server.start();
    const report = await measureRedisMemory(server.url);
    process.stdout.write(`redis memory: ${JSON.stringify(report)}\n`);
    expect(report.bytes).toBeGreaterThan(1_000_000);
    expect(report.bytes).toBeLessThan(redisMemoryBudgetBytes);
  } finally {
    await server.close();
  }
}, 120_000);
