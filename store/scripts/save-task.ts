import type { Script } from '../script';
import { storeTaskLua } from './includes';

export enum SaveTaskCode {
  Ok = 1,
  Deleted = -1,
  Final = -2,
}

/**
 * Stores a task that exists, or one with a uid that was never allocated (an import), and then raises
 * the next uid above it. A deleted task does not come back, and a final one does not become open
 * again: a slow follower must not undo what a faster one saw.
 *
 * KEYS: 1 next task uid · 2 open tasks · 3 finished tasks · 4 summaries
 * ARGV: 1 uid · 2 JSON · 3 summary · 4 final 0|1 · 5 beginning of task keys · 6 tasks max
 * Returns the code.
 */
export const saveTaskScript: Script = {
  name: 'miroirSaveTask',
  lua: `${storeTaskLua}
local uid, final = ARGV[1], ARGV[4] == '1'
local isFinished = redis.call('ZSCORE', KEYS[3], uid)
if isFinished and not final then return ${SaveTaskCode.Final} end
if not isFinished and not redis.call('ZSCORE', KEYS[2], uid) then
  if tonumber(uid) < tonumber(redis.call('GET', KEYS[1]) or '0') then return ${SaveTaskCode.Deleted} end
  redis.call('SET', KEYS[1], uid + 1)
end
storeTask({ uid = uid, json = ARGV[2], summary = ARGV[3], final = final },
  { task = ARGV[5], summaries = KEYS[4], open = KEYS[2], finished = KEYS[3], max = tonumber(ARGV[6]) })
return ${SaveTaskCode.Ok}
`,
};
