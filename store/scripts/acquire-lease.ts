import type { Script } from '../script';
import { integerLua, nowMsLua } from './includes';

export enum AcquireLeaseCode {
  Ok = 1,
  Held = -1,
}

/**
 * Of all who ask for a free lease exactly one gets it, with a fencing number higher than every one
 * before. The holder itself gets it prolonged under the same number.
 *
 * KEYS: 1 lease · 2 fence counter of the lease · 3 index of leases
 * ARGV: 1 name · 2 holder · 3 ttl ms
 * Returns {Ok, fence, until} or {Held}.
 */
export const acquireLeaseScript: Script = {
  name: 'miroirAcquireLease',
  lua: `${nowMsLua}${integerLua}
local now = nowMs()
local untilMs = integer(now + ARGV[3])
local held = redis.call('GET', KEYS[1])
local fence
if held then
  local number, holder = string.match(held, '^(%d+) (.*)$')
  if holder ~= ARGV[2] then return { ${AcquireLeaseCode.Held} } end
  fence = number
else
  fence = integer(redis.call('INCR', KEYS[2]))
end
redis.call('SET', KEYS[1], fence .. ' ' .. ARGV[2], 'PXAT', untilMs)
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', integer(now))
redis.call('ZADD', KEYS[3], untilMs, ARGV[1])
return { ${AcquireLeaseCode.Ok}, fence, untilMs }
`,
};
