import type { Script } from '../script';

export enum ReleaseWriterCode {
  Ok = 1,
  NotHeld = -1,
}

/**
 * Ends a lease. When nothing of the index is outstanding the holder's name goes too, so the next
 * holder has no predecessor to shut out.
 *
 * KEYS: 1 writer · 2 outstanding
 * ARGV: 1 pod · 2 fence
 * Returns the code.
 */
export const releaseWriterScript: Script = {
  name: 'miroirReleaseWriter',
  lua: `
local held = redis.call('HMGET', KEYS[1], 'pod', 'fence')
if held[1] ~= ARGV[1] or held[2] ~= ARGV[2] then return ${ReleaseWriterCode.NotHeld} end
if redis.call('HLEN', KEYS[2]) == 0 then
  redis.call('HSET', KEYS[1], 'pod', '', 'until', '0', 'wanted', '0')
else
  redis.call('HSET', KEYS[1], 'until', '0', 'wanted', '0')
end
return ${ReleaseWriterCode.Ok}
`,
};
