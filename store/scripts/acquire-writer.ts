import type { Script } from '../script';
import { integerLua, nowMsLua } from './includes';

export enum AcquireWriterCode {
  Ok = 1,
  Held = -1,
}

/**
 * At most one pod holds the writer lease of an index. Each new holding gets a higher fencing number;
 * the number is never taken back. A refusal marks the lease as wanted. The holder itself only
 * prolongs, under the same number.
 *
 * KEYS: 1 writer
 * ARGV: 1 pod · 2 lease ms
 * Returns {Ok, fence, previous pod or '', previous fence} or {Held, holder}.
 */
export const acquireWriterScript: Script = {
  name: 'miroirAcquireWriter',
  lua: `${nowMsLua}${integerLua}
local now = nowMs()
local held = redis.call('HMGET', KEYS[1], 'pod', 'fence', 'until')
local pod, fence, untilMs = held[1] or '', tonumber(held[2] or '0'), tonumber(held[3] or '0')
if untilMs > now then
  if pod ~= ARGV[1] then
    redis.call('HSET', KEYS[1], 'wanted', '1')
    return { ${AcquireWriterCode.Held}, pod }
  end
  redis.call('HSET', KEYS[1], 'until', integer(now + ARGV[2]))
  return { ${AcquireWriterCode.Ok}, fence, '', 0 }
end
redis.call('HSET', KEYS[1], 'pod', ARGV[1], 'fence', fence + 1, 'until', integer(now + ARGV[2]), 'wanted', '0')
if pod == ARGV[1] then pod = '' end
return { ${AcquireWriterCode.Ok}, fence + 1, pod, fence }
`,
};
