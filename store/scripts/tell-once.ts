import type { Script } from '../script';

/**
 * What an activity found, told once however often it is started: its answer is kept, and with it, in one
 * step, its event is added to some operations and a change of sources is counted.
 *
 * KEYS: 1 answer · 2 changes of sources · 3… events of an operation
 * ARGV: 1 answer · 2 how long it is kept, ms · 3 event · 4 events at most, of each operation
 *       5 how long events are kept, s · 6 index whose change of sources is counted, or ''
 * Returns the answer that was told first.
 */
export const tellOnceScript: Script = {
  name: 'miroirTellOnce',
  lua: `
local first = redis.call('GET', KEYS[1])
if first then return first end
redis.call('SET', KEYS[1], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
for at = 3, #KEYS do
  redis.call('RPUSH', KEYS[at], ARGV[3])
  redis.call('LTRIM', KEYS[at], -tonumber(ARGV[4]), -1)
  redis.call('EXPIRE', KEYS[at], ARGV[5])
end
if ARGV[6] ~= '' then redis.call('HINCRBY', KEYS[2], ARGV[6], 1) end
return ARGV[1]
`,
};
