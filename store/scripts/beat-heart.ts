import type { Script } from '../script';
import { integerLua, nowMsLua } from './includes';

export enum BeatHeartCode {
  Ok = 1,
  LeaseLost = -1,
}

/** Enough for the epochs of any barrier that still waits; older acknowledgements only look later. */
const acknowledgementsMax = 64;
/** Acknowledgements outlive their pod's lease by far, and do not stay for ever. */
const acknowledgementsKeptMs = 7 * 24 * 3_600_000;

/**
 * Prolongs a lease that is not over and notes the first time at which an epoch was acknowledged. A
 * lease that is over cannot be prolonged: barriers may already count the pod as gone.
 *
 * KEYS: 1 pod leases · 2 its acknowledgements · 3 epoch
 * ARGV: 1 id · 2 acknowledged epoch · 3 lease ms
 * Returns {code, epoch now}.
 */
export const beatHeartScript: Script = {
  name: 'miroirBeatHeart',
  lua: `${nowMsLua}${integerLua}
local now = nowMs()
local epoch = tonumber(redis.call('GET', KEYS[3]) or '0')
local untilMs = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or '0')
if untilMs <= now then return { ${BeatHeartCode.LeaseLost}, epoch } end
redis.call('ZADD', KEYS[1], integer(now + ARGV[3]), ARGV[1])
local newest = redis.call('ZRANGE', KEYS[2], -1, -1, 'WITHSCORES')
if #newest == 0 or tonumber(newest[2]) < tonumber(ARGV[2]) then
  redis.call('ZADD', KEYS[2], ARGV[2], ARGV[2] .. ':' .. integer(now))
  redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -${acknowledgementsMax + 1})
end
redis.call('PEXPIRE', KEYS[2], ${acknowledgementsKeptMs})
return { ${BeatHeartCode.Ok}, epoch }
`,
};
