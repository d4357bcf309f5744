import type { Script } from '../script';
import { integerLua, nowMsLua } from './includes';

export enum WriteRecordCode {
  Ok = 1,
  Exists = -1,
  Changed = -2,
}

/**
 * Stores one record and its place in the index of its kind. \`create\` does nothing when there is one,
 * \`replace\` nothing when it is not the expected one any more, \`put\` always stores. Records that
 * expire are ordered by it, and expired ones leave the index here; beyond the bound of the kind those
 * that expire first go.
 *
 * KEYS: 1 record · 2 index of the kind
 * ARGV: 1 create|put|replace · 2 id · 3 value · 4 expected value, for replace
 *       5 expires at, ms, or 0 · 6 how many at most, or 0 · 7 beginning of the kind's keys
 * Returns the code.
 */
export const writeRecordScript: Script = {
  name: 'miroirWriteRecord',
  lua: `${nowMsLua}${integerLua}
local before = redis.call('GET', KEYS[1])
if ARGV[1] == 'create' and before then return ${WriteRecordCode.Exists} end
if ARGV[1] == 'replace' and before ~= ARGV[4] then return ${WriteRecordCode.Changed} end
if ARGV[5] == '0' then
  redis.call('SET', KEYS[1], ARGV[3])
else
  redis.call('SET', KEYS[1], ARGV[3], 'PXAT', ARGV[5])
  redis.call('ZREMRANGEBYSCORE', KEYS[2], 1, integer(nowMs()))
end
redis.call('ZADD', KEYS[2], ARGV[5], ARGV[2])
local most = tonumber(ARGV[6])
if most > 0 and redis.call('ZCARD', KEYS[2]) > most then
  redis.call('DEL', ARGV[7] .. redis.call('ZPOPMIN', KEYS[2])[1])
end
return ${WriteRecordCode.Ok}
`,
};
