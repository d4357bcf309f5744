import type { AliasEntry, Fleet, FleetNode, IndexEntry } from '../core/fleet';
import { epoch as epochOf } from '../core/ids';
import type { Epoch, PhysicalUid } from '../core/ids';
import { topologyLogEntriesMax } from '../core/limits';
import { changeFleet } from './change-fleet';
import { decodePlacement } from './fleet-ops';
import { EpochFloor } from './epoch-floor';
import { restoreFleet } from './restore';
import { listOf, numberOf, parsed, textOf } from './script';
import type { ScriptReply } from './script';
import { loadFleetScript } from './scripts/load-fleet';
import { decodeLogEntry, fleetAt } from './topology';
import { StoreError } from './store-error';
import type { FleetStoreParts } from './fleet-parts';
import type { Attempt, Audit, FleetOp, FleetStore, IndexMeta } from './fleet-types';

/** A lost race costs one reload; this many in a row mean that something spins. */
const updateAttemptsMax = 50;
export function createFleetStore(parts: FleetStoreParts): FleetStore {
  const { redis, keys, channels } = parts;
  const floor = new EpochFloor();
  const load = async (): Promise<Fleet> => {
    const fleet = await loadFleet(parts);
    floor.demand(fleet.epoch);
    floor.raise(fleet.epoch);
    return fleet;
  };
  const presentEpoch = async (): Promise<Epoch> =>
    epochOf(numberOf((await redis.get(keys.epoch)) ?? '0'));
  const change = async (
    expected: Epoch,
    ops: readonly FleetOp[],
    audit: Audit,
    attempt?: Attempt,
  ): Promise<{ ok: boolean; epoch: Epoch }> => {
    if (expected < floor.epoch) {
      // Either the caller is behind, or Redis is: only its own epoch tells.
      const present = await presentEpoch();
      floor.demand(present);
      return { ok: false, epoch: present };
    }
    const changed = await changeFleet(parts, expected, { ops, audit, attempt });
    if (changed.ok) floor.raise(changed.epoch);
    return changed;
  };
  return {
    load,
    change,
    epoch: presentEpoch,
    async update(audit, decide, attempt) {
      for (let round = 0; round < updateAttemptsMax; round += 1) {
        const fleet = await load();
        const ops = decide(fleet);
        if (ops === null || ops.length === 0) return fleet;
        const result = await change(fleet.epoch, ops, audit, attempt);
        if (result.ok) return loadAtLeast(load, result.epoch);
      }
      throw new StoreError(
        'store_contention',
        `The fleet changed ${updateAttemptsMax} times while "${audit.what}" was decided.`,
      );
    },
    async log(limit) {
      const entries = await redis.lrange(keys.topologyLog, 0, Math.max(limit, 0) - 1);
      return limit <= 0 ? [] : entries.map((text) => decodeLogEntry(text).entry);
    },
    async at(wanted) {
      // The fleet is loaded first: what the log has beyond it is newer and is passed over.
      const fleet = await load();
      const texts = await redis.lrange(keys.topologyLog, 0, topologyLogEntriesMax - 1);
      return fleetAt(keys, wanted, { fleet, changes: texts.map(decodeLogEntry) });
    },
    floor: () => floor.epoch,
    told: () => floor.told,
    raiseFloor: (seen) => floor.tell(seen),
    restore: (request) => restoreFleet(parts, request),
    watch(listener) {
      return channels.listen(keys.epochChannel, (message) => listener(epochOf(Number(message))));
    },
  };
}

async function loadAtLeast(load: () => Promise<Fleet>, epoch: Epoch): Promise<Fleet> {
  const fleet = await load();
  if (fleet.epoch < epoch) {
    throw new StoreError('store_corrupt', `Epoch ${epoch} was reached and is now ${fleet.epoch}.`);
  }
  return fleet;
}

async function loadFleet({ keys, scripts }: FleetStoreParts): Promise<Fleet> {
  const reply = listOf(
    await scripts.run(
      loadFleetScript,
      [keys.epoch, keys.nodes, keys.indexes, keys.aliases],
      [keys.placement('' as PhysicalUid)],
    ),
  );
  const placements = new Map<string, string[]>();
  const flat = listOf(reply[4]);
  for (let i = 0; i + 1 < flat.length; i += 2) {
    placements.set(textOf(flat[i]), listOf(flat[i + 1]).map(textOf));
  }
  const indexes = values<IndexMeta>(reply[2]).map((meta): IndexEntry => {
    const rows = placements.get(meta.physicalUid) ?? [];
    return { ...meta, placement: decodePlacement(rows, meta.shardCount) };
  });
  return {
    epoch: epochOf(numberOf(reply[0])),
    nodes: values<FleetNode>(reply[1]).sort((a, b) => compareText(a.id, b.id)),
    indexes: indexes.sort((a, b) => compareText(a.uid, b.uid)),
    aliases: values<AliasEntry>(reply[3]).sort((a, b) => compareText(a.name, b.name)),
  };
}

function values<T>(reply: ScriptReply | undefined): T[] {
  return listOf(reply).map((json) => parsed<T>(textOf(json)));
}

/** By code unit, so that every pod and every locale has one order. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
