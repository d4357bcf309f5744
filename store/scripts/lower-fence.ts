import type { Script } from '../script';

/**
 * Ends every fence of a token at once, and of no other.
 *
 * KEYS: 1 fences
 * ARGV: 1 token
 * Returns how many shards were fenced by it.
 */
export const lowerFenceScript: Script = {
  name: 'miroirLowerFence',
  lua: `
local flat, lowered = redis.call('HGETALL', KEYS[1]), 0
for i = 1, #flat, 2 do
  if string.match(flat[i + 1], '^(.*)|%d+|%d+$') == ARGV[1] then
    lowered = lowered + redis.call('HDEL', KEYS[1], flat[i])
  end
end
return lowered
`,
};
