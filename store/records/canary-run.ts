import { canaryRunsMax } from '../../core/limits';
import type { CanaryRun, CanaryRunStore } from '../record-types';
import { parsed } from '../script';
import type { RecordParts } from './record-store';

/** Kind `canary-run`: a sorted set for each canary, by time, bounded. */
export function createCanaryRunStore({ redis, keys }: RecordParts): CanaryRunStore {
  const read = async (canaryId: string, at: number): Promise<string | undefined> =>
    (await redis.zrangebyscore(keys.canaryRuns(canaryId), at, at))[0];
  return {
    async add(run) {
      const key = keys.canaryRuns(run.canaryId);
      await redis
        .multi()
        .zremrangebyscore(key, run.at, run.at)
        .zadd(key, run.at, JSON.stringify(run))
        .zremrangebyrank(key, 0, -(canaryRunsMax + 1))
        .exec();
    },
    async get(canaryId, at) {
      const value = await read(canaryId, at);
      return value === undefined ? null : parsed<CanaryRun>(value);
    },
    async update(run) {
      const key = keys.canaryRuns(run.canaryId);
      // A run is written by the one activity that made it, so nobody races with this read.
      if ((await read(run.canaryId, run.at)) === undefined) return false;
      await redis
        .multi()
        .zremrangebyscore(key, run.at, run.at)
        .zadd(key, run.at, JSON.stringify(run))
        .exec();
      return true;
    },
    async list(canaryId, limit) {
      if (limit <= 0) return [];
      const values = await redis.zrevrange(keys.canaryRuns(canaryId), 0, limit - 1);
      return values.map((value) => parsed<CanaryRun>(value));
    },
    async delete(canaryId) {
      const key = keys.canaryRuns(canaryId);
      const replies = await redis.multi().zcard(key).del(key).exec();
      return Number(replies?.[0]?.[1] ?? 0);
    },
  };
}
