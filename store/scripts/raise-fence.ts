import type { Script } from '../script';
import { integerLua, nowMsLua } from './includes';

export enum RaiseFenceCode {
  Ok = 1,
  Taken = -1,
}

/**
 * Fences all the shards or none. A fence that the same token holds without a break is prolonged under
 * its old number; if there was a break, however short, the number is new, because writes may have
 * begun in it.
 *
 * KEYS: 1 fences · 2 count of raises
 * ARGV: 1 token · 2 ttl ms · 3… shards
 * Returns the code.
 */
export const raiseFenceScript: Script = {
  name: 'miroirRaiseFence',
  lua: `${nowMsLua}${integerLua}
local now, token = nowMs(), ARGV[1]
local wanted, raise = {}, nil
local flat, kept, last = redis.call('HGETALL', KEYS[1]), {}, now
for i = 1, #flat, 2 do
  local holder, untilMs, number = string.match(flat[i + 1], '^(.*)|(%d+)|(%d+)$')
  if tonumber(untilMs) > now then
    kept[flat[i]] = { holder, number }
    last = math.max(last, tonumber(untilMs))
  else
    redis.call('HDEL', KEYS[1], flat[i])
  end
end
local unbroken = true
for i = 3, #ARGV do
  local held = kept[ARGV[i]]
  if held and held[1] ~= token then return ${RaiseFenceCode.Taken} end
  if held then raise = held[2] else unbroken = false end
  wanted[ARGV[i]] = true
end
if not unbroken or not raise then raise = redis.call('INCR', KEYS[2]) end
for shard, held in pairs(kept) do
  if held[1] == token then wanted[shard] = true end
end
local untilMs = now + ARGV[2]
for shard in pairs(wanted) do
  redis.call('HSET', KEYS[1], shard, token .. '|' .. integer(untilMs) .. '|' .. raise)
end
redis.call('PEXPIREAT', KEYS[1], integer(math.max(last, untilMs)))
return ${RaiseFenceCode.Ok}
`,
};
