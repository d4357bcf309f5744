import type { Fleet } from '../core/fleet';
import { epoch as epochOf } from '../core/ids';
import type { Epoch } from '../core/ids';
import { scriptItemsMax } from '../core/limits';
import { changeFleet } from './change-fleet';
import { encodeAudit } from './fleet-ops';
import type { FleetStoreParts } from './fleet-parts';
import { numberOf } from './script';
import { raiseNumberScript } from './scripts/raise-number';
import { reachEpochScript } from './scripts/reach-epoch';
import type { Audit, FleetOp, RestoreRequest } from './fleet-types';

/**
 * Writes a whole state in parts and raises the epoch in the last one. Until then the epoch is below
 * what every process has seen, so none of them takes a part for the whole; a restore that breaks off
 * is begun again from its start.
 */
export async function restoreFleet(
  parts: FleetStoreParts,
  request: RestoreRequest,
): Promise<Epoch> {
  const { redis, keys, scripts } = parts;
  const { fleet, audit, epoch, nextTaskUid, sequences } = request;
  await redis.del(keys.nodes, keys.indexes, keys.aliases);
  for (const { physicalUid } of fleet.indexes) await redis.del(keys.placement(physicalUid));
  const ops = opsOf(fleet);
  for (let at = 0; at < ops.length; at += scriptItemsMax) {
    await apply(parts, ops.slice(at, at + scriptItemsMax), audit);
  }
  await scripts.run(raiseNumberScript, [keys.nextTaskUid], [nextTaskUid]);
  for (const [uid, sequence] of sequences) {
    await scripts.run(raiseNumberScript, [keys.sequence(uid)], [sequence]);
  }
  const reached = await scripts.run(
    reachEpochScript,
    [keys.epoch, keys.topologyLog],
    [
      keys.epochChannel,
      encodeAudit(audit),
      JSON.stringify([`restore epoch ${fleet.epoch}`]),
      epoch,
    ],
  );
  return epochOf(numberOf(reached));
}

async function apply(parts: FleetStoreParts, ops: readonly FleetOp[], audit: Audit): Promise<void> {
  for (;;) {
    const present = epochOf(Number((await parts.redis.get(parts.keys.epoch)) ?? '0'));
    if ((await changeFleet(parts, present, { ops, audit })).ok) return;
  }
}

function opsOf(fleet: Fleet): FleetOp[] {
  return [
    ...fleet.nodes.map((node): FleetOp => ({ op: 'set-node', node })),
    ...fleet.indexes.flatMap(({ placement, ...entry }): FleetOp[] => [
      { op: 'set-index', entry },
      ...placement.flatMap(({ group, shards }) =>
        shards.map((replicas, shard): FleetOp => ({
          ...{ op: 'set-replicas', physicalUid: entry.physicalUid },
          ...{ group, shard: shard as never, replicas },
        })),
      ),
    ]),
    ...fleet.aliases.map((alias): FleetOp => ({ op: 'set-alias', alias })),
  ];
}
