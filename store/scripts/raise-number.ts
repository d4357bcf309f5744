import type { Script } from '../script';

/**
 * A counter that only goes up. When it returns, the counter is at least the given number.
 *
 * KEYS: 1 counter
 * ARGV: 1 number
 * Returns 1.
 */
export const raiseNumberScript: Script = {
  name: 'miroirRaiseNumber',
  lua: `
local present = tonumber(redis.call('GET', KEYS[1]) or '0')
if present < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], ARGV[1]) end
return 1
`,
};
