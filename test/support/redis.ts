import { randomUUID } from 'node:crypto';
import { requiredEnv } from './env';

/** The run's one Valkey, with a key prefix that no other test file has. */
export function redisForTest(): { url: string; prefix: string } {
  return { url: requiredEnv('MIROIR_TEST_REDIS_URL'), prefix: `test-${randomUUID().slice(0, 8)}` };
}
