import type { Script } from '../script';

/**
 * Keeps the newest mark of a disk. When it returns: the hash holds a mark of this disk that is at least
 * as new as the given one, or the given one.
 *
 * KEYS: 1 node marks
 * ARGV: 1 node · 2 mark as JSON [instance, task uid, time] · 3 instance · 4 task uid
 * Returns 1 when the given mark was stored, else 0.
 */
export const noteMarkScript: Script = {
  name: 'miroirNoteMark',
  lua: `
local present = redis.call('HGET', KEYS[1], ARGV[1])
if present then
  local mark = cjson.decode(present)
  if mark[1] == ARGV[3] and mark[2] >= tonumber(ARGV[4]) then return 0 end
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return 1
`,
};
