import type { Script } from '../script';

export enum TakeNumberCode {
  Ok = 1,
  /** An attempt that the server scheduled later has a number already. */
  Late = -1,
}

/**
 * The next number of a run, unless whoever asks was scheduled before one that has a number. Order in
 * time of the asking says nothing: a worker may stand still between taking a task and asking.
 *
 * KEYS: 1 number · 2 when the newest was scheduled
 * ARGV: 1 scheduled at, ms · 2 how long both are kept, ms
 * Returns {code, number}.
 */
export const takeNumberScript: Script = {
  name: 'miroirTakeNumber',
  lua: `
local newest = tonumber(redis.call('GET', KEYS[2]) or '0')
if tonumber(ARGV[1]) < newest then return { ${TakeNumberCode.Late}, 0 } end
redis.call('SET', KEYS[2], ARGV[1])
local number = redis.call('INCR', KEYS[1])
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, ARGV[2]) end
return { ${TakeNumberCode.Ok}, number }
`,
};
