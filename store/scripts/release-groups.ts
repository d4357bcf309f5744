import type { Script } from '../script';

/**
 * Takes everything that an operation holds, and its place in the queue.
 *
 * KEYS: 1 claims · 2 queue · 3 groups of the queued
 * ARGV: 1 operation
 * Returns how many groups were released.
 */
export const releaseGroupsScript: Script = {
  name: 'miroirReleaseGroups',
  lua: `
local released = 0
local flat = redis.call('HGETALL', KEYS[1])
for i = 1, #flat, 2 do
  if flat[i + 1] == ARGV[1] then
    redis.call('HDEL', KEYS[1], flat[i])
    released = released + 1
  end
end
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('HDEL', KEYS[3], ARGV[1])
return released
`,
};
