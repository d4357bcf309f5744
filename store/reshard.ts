import { epoch as epochOf } from '../core/ids';
import { waitUntilOnDisk } from './change-fleet';
import type { FleetStoreParts } from './fleet-parts';
import { encodeAudit, encodeOps } from './fleet-ops';
import { listOf, numberOf, unknownCode } from './script';
import { ReshardIndexCode, reshardIndexScript } from './scripts/reshard-index';
import type { Store } from './types';

/** One change of all rows of an index; see the header of the script for what it demands. */
export function createReshard(parts: Omit<FleetStoreParts, 'channels'>): Store['reshard'] {
  const { redis, keys, scripts, waitAof } = parts;
  return async (physicalUid, { changes, audit, epoch, fenceToken, fenced }) => {
    const encoded = encodeOps(keys, changes, 4);
    const [code, now] = listOf(
      await scripts.run(
        reshardIndexScript,
        [
          ...[keys.epoch, keys.topologyLog, keys.fences(physicalUid)],
          ...[keys.outstanding(physicalUid), ...encoded.keys],
        ],
        [
          ...[keys.epochChannel, encodeAudit(audit), encoded.lines, epoch, fenceToken, fenced],
          ...encoded.args,
        ],
      ),
    );
    switch (code) {
      case ReshardIndexCode.Ok:
        await waitUntilOnDisk(redis, waitAof);
        return { kind: 'ok', epoch: epochOf(numberOf(now)) };
      case ReshardIndexCode.FenceLost:
        return { kind: 'no', reason: 'fence-lost' };
      case ReshardIndexCode.EpochMoved:
        return { kind: 'no', reason: 'epoch-moved' };
      case ReshardIndexCode.Outstanding:
        return { kind: 'no', reason: 'outstanding' };
      default:
        throw unknownCode(reshardIndexScript, code);
    }
  };
}
