import type { Script } from '../script';
import { integerLua, nowMsLua } from './includes';

/**
 * All pods as of one moment, each with the highest epoch it acknowledged and with the time of its
 * first acknowledgement of at least the asked epoch. Pods are few; their keys are computed under the
 * same hash tag.
 *
 * KEYS: 1 pods · 2 pod leases
 * ARGV: 1 beginning of acknowledgement keys · 2 epoch
 * Returns {now, {id, "<registeredAt> <JSON>", lease until, highest epoch or '', acknowledged at or ''} …}.
 */
export const readPodsScript: Script = {
  name: 'miroirReadPods',
  lua: `${nowMsLua}${integerLua}
local reply = { integer(nowMs()) }
local pods = redis.call('HGETALL', KEYS[1])
for i = 1, #pods, 2 do
  local key = ARGV[1] .. pods[i]
  local highest = redis.call('ZRANGE', key, -1, -1)[1]
  local first = redis.call('ZRANGEBYSCORE', key, ARGV[2], '+inf', 'LIMIT', 0, 1)[1]
  reply[#reply + 1] = {
    pods[i],
    pods[i + 1],
    redis.call('ZSCORE', KEYS[2], pods[i]) or '0',
    highest and string.match(highest, '^(%d+):') or '',
    first and string.match(first, ':(%d+)$') or '',
  }
end
return reply
`,
};
