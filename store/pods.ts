import type { Redis } from 'ioredis';
import { epoch as epochOf, podId } from '../core/ids';
import type { Epoch, PodId } from '../core/ids';
import { compareText } from './fleet';
import type { Keys } from './keys';
import { listOf, numberOf, parsed, textOf, unknownCode } from './script';
import type { ScriptRunner } from './script';
import { BeatHeartCode, beatHeartScript } from './scripts/beat-heart';
import { readPodsScript } from './scripts/read-pods';
import { registerPodScript } from './scripts/register-pod';
import type { Pod, PodStore } from './types';

export interface PodStoreParts {
  readonly redis: Redis;
  readonly keys: Keys;
  readonly scripts: ScriptRunner;
  readonly requestDeadlineMs: number;
  readonly podLeaseMs: number;
}

type PodReading = Pod & { readonly acknowledgedAt: number | null };

export function createPodStore(parts: PodStoreParts): PodStore {
  const { redis, keys, scripts, podLeaseMs } = parts;
  return {
    async register({ id, kind, nodeKeyUid }) {
      await scripts.run(
        registerPodScript,
        [keys.pods, keys.podLeases, keys.podAcknowledgements(id)],
        [id, JSON.stringify({ kind, nodeKeyUid }), podLeaseMs],
      );
    },
    async heartbeat(id, acknowledged) {
      const [code, now] = listOf(
        await scripts.run(
          beatHeartScript,
          [keys.podLeases, keys.podAcknowledgements(id), keys.epoch],
          [id, acknowledged, podLeaseMs],
        ),
      );
      if (code !== BeatHeartCode.Ok && code !== BeatHeartCode.LeaseLost) {
        throw unknownCode(beatHeartScript, code);
      }
      return { ok: code === BeatHeartCode.Ok, epoch: epochOf(numberOf(now)) };
    },
    async unregister(id) {
      await redis
        .multi()
        .hdel(keys.pods, id)
        .zrem(keys.podLeases, id)
        .del(keys.podAcknowledgements(id))
        .exec();
    },
    async list() {
      const { pods } = await readPods(parts, epochOf(0));
      return pods.map(({ acknowledgedAt: _, ...pod }) => pod);
    },
    async lagging(epoch) {
      const { now, pods } = await readPods(parts, epoch);
      return pods.filter((pod) => lags(parts, pod, now)).map((pod) => pod.id);
    },
    async lastAcknowledgedAt(epoch) {
      const { now, pods } = await readPods(parts, epoch);
      if (pods.some((pod) => lags(parts, pod, now))) return null;
      return pods.reduce((last, pod) => Math.max(last, pod.acknowledgedAt ?? pod.leaseUntil), 0);
    },
    async time() {
      const [seconds, microseconds] = await redis.time();
      return Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000);
    },
  };
}

/**
 * A pod that never acknowledged may have begun a request right before its lease ended, and that
 * request may last as long as any: only then is the pod out of the way.
 */
function lags({ requestDeadlineMs }: PodStoreParts, pod: PodReading, now: number): boolean {
  return pod.acknowledgedAt === null && now < pod.leaseUntil + requestDeadlineMs;
}

async function readPods(
  { keys, scripts }: PodStoreParts,
  epoch: Epoch,
): Promise<{ now: number; pods: PodReading[] }> {
  const [time, ...rows] = listOf(
    await scripts.run(
      readPodsScript,
      [keys.pods, keys.podLeases],
      [keys.podAcknowledgements('' as PodId), epoch],
    ),
  );
  const now = numberOf(time);
  const pods = rows.map((row) => decodePod(listOf(row).map(textOf), now));
  return { now, pods: pods.sort((a, b) => compareText(a.id, b.id)) };
}

function decodePod(row: readonly string[], now: number): PodReading {
  const [id, value, until, acknowledged, acknowledgedAt] = row;
  const [, registeredAt, json] = /^(\d+) (.*)$/s.exec(textOf(value)) ?? [];
  const leaseUntil = numberOf(until);
  return {
    id: podId(textOf(id)),
    ...parsed<Pick<Pod, 'kind' | 'nodeKeyUid'>>(textOf(json)),
    registeredAt: numberOf(registeredAt),
    leaseUntil,
    alive: leaseUntil > now,
    acknowledged: acknowledged === '' ? null : epochOf(numberOf(acknowledged)),
    acknowledgedAt: acknowledgedAt === '' ? null : numberOf(acknowledgedAt),
  };
}
