import type { Script } from '../script';
import { integerLua, nowMsLua } from './includes';

export enum ChangeLeaseCode {
  Ok = 1,
  NotHeld = -1,
}

/**
 * Prolongs a lease, or ends it when the ttl is 0, if it is still held by this holder with this fence.
 *
 * KEYS: 1 lease · 2 index of leases
 * ARGV: 1 name · 2 value "<fence> <holder>" · 3 ttl ms
 * Returns {Ok, until} or {NotHeld}.
 */
export const changeLeaseScript: Script = {
  name: 'miroirChangeLease',
  lua: `${nowMsLua}${integerLua}
if redis.call('GET', KEYS[1]) ~= ARGV[2] then return { ${ChangeLeaseCode.NotHeld} } end
if ARGV[3] == '0' then
  redis.call('DEL', KEYS[1])
  redis.call('ZREM', KEYS[2], ARGV[1])
  return { ${ChangeLeaseCode.Ok}, '0' }
end
local untilMs = integer(nowMs() + ARGV[3])
redis.call('PEXPIREAT', KEYS[1], untilMs)
redis.call('ZADD', KEYS[2], untilMs, ARGV[1])
return { ${ChangeLeaseCode.Ok}, untilMs }
`,
};
