import type { Redis } from 'ioredis';
import type { PhysicalUid } from '../core/ids';
import type { Keys } from './keys';
import { assertItems, listOf, numberOf, unknownCode } from './script';
import type { ScriptRunner } from './script';
import { lowerFenceScript } from './scripts/lower-fence';
import { RaiseFenceCode, raiseFenceScript } from './scripts/raise-fence';
import { TakeNumberCode, takeNumberScript } from './scripts/take-number';
import type { AttemptStore, FenceStore, PodStore } from './types';

/** A run that is this long without a new attempt is over; its numbers may go. */
const attemptKeptMs = 90 * 24 * 3_600_000;

export interface FenceStoreParts {
  readonly redis: Redis;
  readonly keys: Keys;
  readonly scripts: ScriptRunner;
  readonly pods: PodStore;
}

export function createFenceStore({ redis, keys, scripts, pods }: FenceStoreParts): FenceStore {
  return {
    async raise(physicalUid, shards, token, ttlMs) {
      assertItems('A fence', shards.length);
      if (shards.length === 0 || token === '') {
        throw new RangeError('A fence needs a token and at least one shard.');
      }
      const code = await scripts.run(
        raiseFenceScript,
        [keys.fences(physicalUid), keys.fenceRaises],
        [token, ttlMs, ...shards],
      );
      return code === RaiseFenceCode.Ok;
    },
    async lower(physicalUid, token) {
      await scripts.run(lowerFenceScript, [keys.fences(physicalUid)], [token]);
    },
    async held(physicalUid: PhysicalUid, token) {
      // The time is read after the fences, so an answer of true was true at that later moment, unless
      // the fence was lowered in between by its own holder.
      const fences = Object.values(await redis.hgetall(keys.fences(physicalUid)));
      const now = await pods.time();
      return fences.some((value) => {
        const [, holder, until] = /^(.*)\|(\d+)\|\d+$/s.exec(value) ?? [];
        return holder === token && Number(until) > now;
      });
    },
  };
}

export function createAttemptStore({
  redis,
  keys,
  scripts,
}: Omit<FenceStoreParts, 'pods'>): AttemptStore {
  return {
    async nextAttempt(runKey, scheduledAt) {
      const [code, number] = listOf(
        await scripts.run(
          takeNumberScript,
          [keys.attempt(runKey), keys.attemptScheduled(runKey)],
          [scheduledAt, attemptKeptMs],
        ),
      );
      if (code === TakeNumberCode.Late) return null;
      if (code !== TakeNumberCode.Ok) throw unknownCode(takeNumberScript, code);
      return numberOf(number);
    },
    async isCurrent(runKey, attempt) {
      return (await redis.get(keys.attempt(runKey))) === String(attempt);
    },
  };
}
