import type { Script } from '../script';
import { applyStepsLua, integerLua, nowMsLua, raiseEpochLua } from './includes';

export enum JoinTargetsCode {
  Ok = 1,
  /** Journals are not empty: the caller must look whether all they hold is pending. */
  JournalsToRead = 2,
  FenceLost = -1,
  AttemptOld = -2,
  EpochMoved = -3,
  Outstanding = -4,
}

/**
 * Makes copies `joined`: from the new epoch on they get every write. When it returns Ok, at that moment
 * the attempt was the newest, the epoch the expected one, every shard fenced by the token, no write of
 * these shards outstanding, and no journal held a settled write. The journals are gone then.
 *
 * Writers that wait for the fence have noted their ids, so journals may hold pending notes. Those do
 * not matter: their begin meets a new epoch. Journals can be long, so they are read outside, in parts,
 * and the number of the raise under which that was done is passed: while that raise lasts and
 * nothing is outstanding, no pending note can become a settled write.
 *
 * KEYS: 1 epoch · 2 topology log · 3 fences · 4 attempt · 5 outstanding · then the journals · then the
 *       hashes of the steps
 * ARGV: 1 channel · 2 audit · 3 lines · 4 epoch · 5 token · 6 attempt · 7 raise of the reading or ''
 *       8 shards 1,2,3 · 9 how many journals · 10… steps
 * Returns {Ok, epoch}, {JournalsToRead, raise} or {another code, epoch}.
 */
export const joinTargetsScript: Script = {
  name: 'miroirJoinTargets',
  lua: `${nowMsLua}${integerLua}${applyStepsLua}${raiseEpochLua}
local epoch = tonumber(redis.call('GET', KEYS[1]) or '0')
if redis.call('GET', KEYS[4]) ~= ARGV[6] then return { ${JoinTargetsCode.AttemptOld}, epoch } end
if epoch ~= tonumber(ARGV[4]) then return { ${JoinTargetsCode.EpochMoved}, epoch } end

local now, touched, raises = nowMs(), {}, {}
for shard in string.gmatch(ARGV[8], '%d+') do
  touched[tonumber(shard)] = true
  local fence = redis.call('HGET', KEYS[3], shard) or ''
  local token, untilMs, raise = string.match(fence, '^(.*)|(%d+)|(%d+)$')
  if token ~= ARGV[5] or tonumber(untilMs) <= now then
    return { ${JoinTargetsCode.FenceLost}, epoch }
  end
  raises[#raises + 1] = raise
end
local raise = table.concat(raises, ',')

for _, value in ipairs(redis.call('HVALS', KEYS[5])) do
  local shards = cjson.decode(string.match(value, '^%d+ (.*)$')).shards
  if shards == 'all' then return { ${JoinTargetsCode.Outstanding}, epoch } end
  for _, shard in ipairs(shards) do
    if touched[shard] then return { ${JoinTargetsCode.Outstanding}, epoch } end
  end
end

local journals = tonumber(ARGV[9])
for i = 6, 5 + journals do
  if redis.call('EXISTS', KEYS[i]) == 1 and raise ~= ARGV[7] then
    return { ${JoinTargetsCode.JournalsToRead}, raise }
  end
end
for i = 6, 5 + journals do redis.call('UNLINK', KEYS[i]) end
local change = { audit = ARGV[2], ops = ARGV[3], undo = applySteps(10) }
return { ${JoinTargetsCode.Ok}, raiseEpoch(KEYS[1], KEYS[2], ARGV[1], change) }
`,
};
