import type { Script } from '../script';
import { applyStepsLua, integerLua, nowMsLua, raiseEpochLua } from './includes';

export enum ChangeFleetCode {
  Ok = 1,
  EpochMoved = -1,
  AttemptOld = -2,
}

/**
 * Compare-and-set on the epoch. Either the epoch was the expected one, and then all steps are applied,
 * the epoch is one higher, the log has one more entry and every pod is told; or nothing happens.
 *
 * A change for an attempt is made only while that is the newest of its run.
 *
 * KEYS: 1 epoch · 2 topology log · 3 attempt · 4… the hashes that the steps name by ordinal
 * ARGV: 1 channel · 2 audit JSON · 3 JSON list of what the steps say · 4 expected epoch
 *       5 attempt's number or '' · 6… steps
 * Returns {code, epoch now}.
 */
export const changeFleetScript: Script = {
  name: 'miroirChangeFleet',
  lua: `${nowMsLua}${integerLua}${applyStepsLua}${raiseEpochLua}
local epoch = tonumber(redis.call('GET', KEYS[1]) or '0')
if epoch ~= tonumber(ARGV[4]) then return { ${ChangeFleetCode.EpochMoved}, epoch } end
if ARGV[5] ~= '' and redis.call('GET', KEYS[3]) ~= ARGV[5] then
  return { ${ChangeFleetCode.AttemptOld}, epoch }
end
local change = { audit = ARGV[2], ops = ARGV[3], undo = applySteps(6) }
return { ${ChangeFleetCode.Ok}, raiseEpoch(KEYS[1], KEYS[2], ARGV[1], change) }
`,
};
