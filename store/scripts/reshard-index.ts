import type { Script } from '../script';
import { applyStepsLua, integerLua, nowMsLua, raiseEpochLua } from './includes';

export enum ReshardIndexCode {
  Ok = 1,
  FenceLost = -1,
  EpochMoved = -2,
  Outstanding = -3,
}

/**
 * Changes the numbering of an index's shards. When it returns Ok, at that moment the epoch was the
 * expected one, every shard of the old and of the new numbering was fenced by the token, and no write
 * of the index was outstanding: none that knows shards by their old numbers can commit any more.
 *
 * KEYS: 1 epoch · 2 topology log · 3 fences · 4 outstanding · then the hashes of the steps
 * ARGV: 1 channel · 2 audit · 3 lines · 4 epoch · 5 token · 6 how many shards are fenced · 7… steps
 * Returns {code, epoch}.
 */
export const reshardIndexScript: Script = {
  name: 'miroirReshardIndex',
  lua: `${nowMsLua}${integerLua}${applyStepsLua}${raiseEpochLua}
local epoch = tonumber(redis.call('GET', KEYS[1]) or '0')
if epoch ~= tonumber(ARGV[4]) then return { ${ReshardIndexCode.EpochMoved}, epoch } end
local now = nowMs()
for shard = 0, tonumber(ARGV[6]) - 1 do
  local fence = redis.call('HGET', KEYS[3], integer(shard)) or ''
  local token, untilMs = string.match(fence, '^(.*)|(%d+)|%d+$')
  if token ~= ARGV[5] or tonumber(untilMs) <= now then
    return { ${ReshardIndexCode.FenceLost}, epoch }
  end
end
if redis.call('HLEN', KEYS[4]) > 0 then return { ${ReshardIndexCode.Outstanding}, epoch } end
local change = { audit = ARGV[2], ops = ARGV[3], undo = applySteps(7) }
return { ${ReshardIndexCode.Ok}, raiseEpoch(KEYS[1], KEYS[2], ARGV[1], change) }
`,
};
