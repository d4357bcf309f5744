import type { Script } from '../script';

export enum AbandonNonceCode {
  Ok = 1,
  Begun = -1,
}

/**
 * Gives up a nonce that never began. From now on its begin is refused where a shard is syncing, so
 * what it noted may be copied and crossed off like the note of a settled write.
 *
 * KEYS: 1 pending
 * ARGV: 1 nonce
 * Returns the code; Ok also when the nonce is not known.
 */
export const abandonNonceScript: Script = {
  name: 'miroirAbandonNonce',
  lua: `
local noted = redis.call('HGET', KEYS[1], ARGV[1])
if noted and string.sub(noted, 1, 1) ~= ',' then return ${AbandonNonceCode.Begun} end
redis.call('HDEL', KEYS[1], ARGV[1])
return ${AbandonNonceCode.Ok}
`,
};
