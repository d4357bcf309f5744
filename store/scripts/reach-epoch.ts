import type { Script } from '../script';
import { integerLua, nowMsLua } from './includes';
import { topologyLogEntriesMax } from '../../core/limits';

/**
 * The end of a restore: the epoch jumps above all that was seen, and every pod is told. An epoch that is
 * there already, or a higher one, stays.
 *
 * KEYS: 1 epoch · 2 topology log
 * ARGV: 1 channel · 2 audit · 3 lines · 4 epoch
 * Returns the epoch.
 */
export const reachEpochScript: Script = {
  name: 'miroirReachEpoch',
  lua: `${nowMsLua}${integerLua}
local present = tonumber(redis.call('GET', KEYS[1]) or '0')
if present >= tonumber(ARGV[4]) then return present end
redis.call('SET', KEYS[1], ARGV[4])
redis.call('LPUSH', KEYS[2], ARGV[4] .. '\\n' .. integer(nowMs()) .. '\\n' .. ARGV[2] .. '\\n' .. ARGV[3])
redis.call('LTRIM', KEYS[2], 0, ${topologyLogEntriesMax - 1})
redis.call('PUBLISH', ARGV[1], ARGV[4])
return tonumber(ARGV[4])
`,
};
