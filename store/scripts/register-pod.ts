import type { Script } from '../script';
import { integerLua, nowMsLua } from './includes';

/** A pod that nobody unregistered is forgotten this long after its lease: its requests are long over. */
const forgetMs = 7 * 24 * 3_600_000;

/**
 * Starts a pod's lease anew: whatever a pod of the same id had acknowledged is forgotten, so every
 * barrier waits for its first heartbeat.
 *
 * KEYS: 1 pods · 2 pod leases · 3 its acknowledgements
 * ARGV: 1 id · 2 JSON · 3 lease ms
 * Returns 1.
 */
export const registerPodScript: Script = {
  name: 'miroirRegisterPod',
  lua: `${nowMsLua}${integerLua}
local now = nowMs()
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', integer(now - ${forgetMs}), 'LIMIT', 0, 100)) do
  redis.call('HDEL', KEYS[1], id)
  redis.call('ZREM', KEYS[2], id)
end
redis.call('HSET', KEYS[1], ARGV[1], integer(now) .. ' ' .. ARGV[2])
redis.call('ZADD', KEYS[2], integer(now + ARGV[3]), ARGV[1])
redis.call('DEL', KEYS[3])
return 1
`,
};
