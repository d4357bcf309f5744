import type { Redis } from 'ioredis';
import { fleetTaskUid } from '../../core/ids';
import type { FleetTaskUid } from '../../core/ids';
import { scriptItemsMax } from '../../core/limits';
import type { Keys } from '../keys';
import { parsed } from '../script';
import type { ScriptRunner } from '../script';
import { SaveTaskCode, saveTaskScript } from '../scripts/save-task';
import { encodeSummary, isFinal, matchesOpenOnly, summaryMatcher } from '../task-summary';
import type { FleetTask, TaskFilter, TaskPage, TaskStore } from '../task-types';

export interface TaskStoreParts {
  readonly redis: Redis;
  readonly keys: Keys;
  readonly scripts: ScriptRunner;
  readonly tasksMax: number;
}

/** Kind `task`: created by begin, final by commit or by `save`; the oldest final ones beyond a bound go. */
export function createTaskStore(parts: TaskStoreParts): TaskStore {
  const { redis, keys, scripts } = parts;
  return {
    async get(uid) {
      return (await readTasks(parts, [uid]))[0] ?? null;
    },
    async list({ from, limit, reverse = false, filter = {} }) {
      if (Object.values(filter).every((member) => member === undefined)) {
        return pageOfAll(parts, { from, limit, reverse });
      }
      const matching = await matchingUids(parts, filter);
      const ordered = reverse ? matching : matching.reverse();
      const rest =
        from === undefined
          ? ordered
          : ordered.filter((uid) => (reverse ? uid >= from : uid <= from));
      const tasks = await readTasks(parts, rest.slice(0, limit));
      return { tasks, total: matching.length, next: rest[limit] ?? null };
    },
    async save(task) {
      const { uid, ...stored } = task;
      const code = await scripts.run(
        saveTaskScript,
        [keys.nextTaskUid, keys.openTasks, keys.finishedTasks, keys.taskSummaries],
        [
          ...[uid, JSON.stringify(stored), encodeSummary(stored), isFinal(task.status) ? 1 : 0],
          ...[keys.task(''), parts.tasksMax],
        ],
      );
      return code === SaveTaskCode.Ok;
    },
    async open() {
      return (await redis.zrange(keys.openTasks, 0, '-1')).map((uid) => fleetTaskUid(Number(uid)));
    },
    async lastUid() {
      const next = Number((await redis.get(keys.nextTaskUid)) ?? '0');
      return next === 0 ? null : fleetTaskUid(next - 1);
    },
    async delete(uids) {
      let deleted = 0;
      for (const chunk of chunksOf(uids)) {
        const replies = await redis
          .multi()
          .del(...chunk.map((uid) => keys.task(uid)))
          .zrem(keys.openTasks, ...chunk)
          .zrem(keys.finishedTasks, ...chunk)
          .hdel(keys.taskSummaries, ...chunk.map(String))
          .exec();
        deleted += Number(replies?.[0]?.[1] ?? 0);
      }
      return deleted;
    },
  };
}

/** The plain list reads one page of each set and merges the two, however many tasks there are. */
async function pageOfAll(
  parts: TaskStoreParts,
  { from, limit, reverse }: { from: FleetTaskUid | undefined; limit: number; reverse: boolean },
): Promise<TaskPage> {
  const { redis, keys } = parts;
  const request = redis.multi().zcard(keys.openTasks).zcard(keys.finishedTasks);
  for (const key of [keys.openTasks, keys.finishedTasks]) {
    if (reverse) request.zrangebyscore(key, from ?? '-inf', '+inf', 'LIMIT', 0, limit + 1);
    else request.zrevrangebyscore(key, from ?? '+inf', '-inf', 'LIMIT', 0, limit + 1);
  }
  const [open, finished, ...pages] = (await request.exec()) ?? [];
  const uids = pages.flatMap(([, members]) => (members as string[]).map(Number));
  uids.sort((a, b) => (reverse ? a - b : b - a));
  const tasks = await readTasks(parts, uids.slice(0, limit).map(fleetTaskUid));
  const next = uids[limit];
  return {
    tasks,
    total: Number(open?.[1] ?? 0) + Number(finished?.[1] ?? 0),
    next: next === undefined ? null : fleetTaskUid(next),
  };
}

/** Rising. One transaction reads both sets, so a task that finishes meanwhile is in exactly one. */
async function allUids({ redis, keys }: TaskStoreParts): Promise<FleetTaskUid[]> {
  const replies = await redis
    .multi()
    .zrange(keys.openTasks, 0, '-1')
    .zrange(keys.finishedTasks, 0, '-1')
    .exec();
  const uids = (replies ?? []).flatMap(([, members]) => (members as string[]).map(Number));
  return uids.sort((a, b) => a - b).map(fleetTaskUid);
}

/** Rising. Only what the filter needs is read: uids, open tasks, or short summaries of all. */
async function matchingUids(parts: TaskStoreParts, filter: TaskFilter): Promise<FleetTaskUid[]> {
  const { redis, keys } = parts;
  const { uids } = filter;
  const candidates =
    uids !== undefined
      ? [...new Set(uids)].sort((a, b) => a - b)
      : matchesOpenOnly(filter)
        ? (await redis.zrange(keys.openTasks, 0, '-1')).map((uid) => fleetTaskUid(Number(uid)))
        : await allUids(parts);
  const matches = summaryMatcher(filter);
  const matching: FleetTaskUid[] = [];
  for (const chunk of chunksOf(candidates)) {
    const summaries = await redis.hmget(keys.taskSummaries, ...chunk.map(String));
    summaries.forEach((summary, ordinal) => {
      const uid = chunk[ordinal];
      if (uid !== undefined && summary !== null && matches(summary)) matching.push(uid);
    });
  }
  return matching;
}

/** In the order of `uids`; those deleted meanwhile are left out. */
async function readTasks(
  { redis, keys }: TaskStoreParts,
  uids: readonly FleetTaskUid[],
): Promise<FleetTask[]> {
  const tasks: FleetTask[] = [];
  for (const chunk of chunksOf(uids)) {
    const values = await redis.mget(...chunk.map((uid) => keys.task(uid)));
    values.forEach((value, ordinal) => {
      const uid = chunk[ordinal];
      if (uid !== undefined && value !== null) {
        tasks.push({ uid, ...parsed<Omit<FleetTask, 'uid'>>(value) });
      }
    });
  }
  return tasks;
}

function chunksOf<T>(items: readonly T[]): T[][] {
  const chunks: T[][] = [];
  for (let at = 0; at < items.length; at += scriptItemsMax) {
    chunks.push(items.slice(at, at + scriptItemsMax));
  }
  return chunks;
}
