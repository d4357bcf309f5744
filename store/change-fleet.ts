import type { Redis } from 'ioredis';
import { epoch as epochOf } from '../core/ids';
import type { Epoch } from '../core/ids';
import { encodeAudit, encodeOps } from './fleet-ops';
import type { FleetStoreParts } from './fleet-parts';
import type { Attempt, Audit, FleetOp } from './fleet-types';
import type { WaitAof } from './options';
import { listOf, numberOf, unknownCode } from './script';
import { ChangeFleetCode, changeFleetScript } from './scripts/change-fleet';
import { StoreError } from './store-error';

interface FleetChange {
  readonly ops: readonly FleetOp[];
  readonly audit: Audit;
  readonly attempt?: Attempt | undefined;
}

/**
 * One compare-and-set. `ok` is false where the epoch was another one; then nothing happened. Throws
 * StoreError `store_attempt_old`.
 */
export async function changeFleet(
  { redis, keys, scripts, waitAof }: FleetStoreParts,
  expected: Epoch,
  { ops, audit, attempt }: FleetChange,
): Promise<{ ok: boolean; epoch: Epoch }> {
  const encoded = encodeOps(keys, ops, 3);
  const [code, now] = listOf(
    await scripts.run(
      changeFleetScript,
      [keys.epoch, keys.topologyLog, keys.attempt(attempt?.runKey ?? ''), ...encoded.keys],
      [
        ...[keys.epochChannel, encodeAudit(audit), encoded.lines, expected],
        ...[attempt?.number ?? '', ...encoded.args],
      ],
    ),
  );
  const epoch = epochOf(numberOf(now));
  if (code === ChangeFleetCode.EpochMoved) return { ok: false, epoch };
  if (code === ChangeFleetCode.AttemptOld) {
    throw new StoreError('store_attempt_old', `A later attempt of ${attempt?.runKey} decides.`);
  }
  if (code !== ChangeFleetCode.Ok) throw unknownCode(changeFleetScript, code);
  await waitUntilOnDisk(redis, waitAof);
  return { ok: true, epoch };
}

/** Servers without AOF, or too old to be asked, keep their own promise and no better one. */
export async function waitUntilOnDisk(redis: Redis, how: WaitAof): Promise<void> {
  if (how === false) return;
  // Beyond this time the server's disk is ill; the change itself has already happened.
  await redis.call('WAITAOF', 1, how.replicas, how.ms).catch((error: unknown) => {
    if ((error as { name?: string }).name !== 'ReplyError') throw error;
  });
}
