import type { Script } from '../script';
import { integerLua, nowMsLua } from './includes';

export enum RenewWriterCode {
  Ok = 1,
  OkWanted = 2,
  Lost = -1,
}

/**
 * Prolongs a lease that is still held with this fence and not over. One that is over stays over, even
 * if nobody took it: its holder acquires again and gets a new number.
 *
 * KEYS: 1 writer
 * ARGV: 1 pod · 2 fence · 3 lease ms
 * Returns the code.
 */
export const renewWriterScript: Script = {
  name: 'miroirRenewWriter',
  lua: `${nowMsLua}${integerLua}
local now = nowMs()
local held = redis.call('HMGET', KEYS[1], 'pod', 'fence', 'until', 'wanted')
if held[1] ~= ARGV[1] or held[2] ~= ARGV[2] or tonumber(held[3]) <= now then
  return ${RenewWriterCode.Lost}
end
redis.call('HSET', KEYS[1], 'until', integer(now + ARGV[3]))
if held[4] == '1' then return ${RenewWriterCode.OkWanted} end
return ${RenewWriterCode.Ok}
`,
};
