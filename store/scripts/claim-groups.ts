import type { Script } from '../script';
import { integerLua } from './includes';

export enum ClaimGroupsCode {
  Ok = 1,
  Busy = -1,
  Full = -2,
}

/**
 * All groups or none, in the order of asking. An operation has its groups when nobody else holds one of
 * them and nobody who asked earlier waits for one of them; so nobody holds some and waits for others,
 * which rules out a deadlock, and nobody is overtaken for ever. Asking again keeps the place in the
 * queue; an operation that has its groups already has them still.
 *
 * KEYS: 1 claims · 2 queue · 3 groups of the queued · 4 count of tickets
 * ARGV: 1 operation · 2 queue max · 3… groups
 * Returns {Ok}, {Busy, operation, …} with those that are in the way, or {Full, how many wait}.
 */
export const claimGroupsScript: Script = {
  name: 'miroirClaimGroups',
  lua: `${integerLua}
local operation = ARGV[1]
local wanted, blockers, known, mine = {}, {}, {}, true
local function block(other)
  if known[other] then return end
  known[other] = true
  blockers[#blockers + 1] = other
end
for i = 3, #ARGV do
  wanted[ARGV[i]] = true
  local holder = redis.call('HGET', KEYS[1], ARGV[i])
  if holder ~= operation then
    mine = false
    if holder then block(holder) end
  end
end
-- Who waits waits for this operation: it must not be made to wait for them.
if mine and #ARGV > 2 then return { ${ClaimGroupsCode.Ok} } end
local ticket = redis.call('ZSCORE', KEYS[2], operation)
local earlier = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ticket and '(' .. ticket or '+inf')
for _, other in ipairs(earlier) do
  for group in string.gmatch(redis.call('HGET', KEYS[3], other) or '', '[^,]+') do
    if wanted[group] then block(other) end
  end
end
if #blockers == 0 then
  for group in pairs(wanted) do redis.call('HSET', KEYS[1], group, operation) end
  redis.call('ZREM', KEYS[2], operation)
  redis.call('HDEL', KEYS[3], operation)
  return { ${ClaimGroupsCode.Ok} }
end
if not ticket then
  local waiting = redis.call('ZCARD', KEYS[2])
  if waiting >= tonumber(ARGV[2]) then return { ${ClaimGroupsCode.Full}, waiting } end
  redis.call('ZADD', KEYS[2], integer(redis.call('INCR', KEYS[4])), operation)
  redis.call('HSET', KEYS[3], operation, table.concat(ARGV, ',', 3))
end
return { ${ClaimGroupsCode.Busy}, unpack(blockers) }
`,
};
