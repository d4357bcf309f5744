import type { AliasEntry, Fleet, FleetNode, IndexEntry } from '../core/fleet';
import type { Epoch, IndexUid, NodeId, PhysicalUid } from '../core/ids';
import { epoch as epochOf } from '../core/ids';
import { decodePlacement, encodeRow, rowField } from './fleet-ops';
import type { Keys } from './keys';
import { numberOf, parsed, textOf } from './script';
import type { Audit, IndexMeta, PastFleet, TopologyLogEntry } from './fleet-types';

/** What was overwritten: the key, the field and its value before, false where there was none. */
type Undo = readonly [key: string, field: string, before: string | false];

export interface LoggedChange {
  readonly entry: TopologyLogEntry;
  /** Null: this entry was written without its past. */
  readonly undo: readonly Undo[] | null;
}

/** One entry as the scripts wrote it: epoch, time, audit, steps, past; each on a line of its own. */
export function decodeLogEntry(text: string): LoggedChange {
  const [epoch, at, audit, ops, undo] = text.split('\n');
  const entry: TopologyLogEntry = {
    ...parsed<Audit>(textOf(audit)),
    epoch: epochOf(numberOf(epoch)),
    at: new Date(numberOf(at)).toISOString(),
    ops: parsed<string[]>(textOf(ops)),
  };
  return { entry, undo: undo === undefined ? null : parsed<Undo[] | null>(undo) };
}

/**
 * The fleet as it was at an earlier epoch: the present one with every later change taken back, newest
 * first. `changes` is the log, newest first; entries above the fleet's epoch came after it was loaded.
 */
export function fleetAt(
  keys: Keys,
  wanted: Epoch,
  { fleet, changes }: { readonly fleet: Fleet; readonly changes: readonly LoggedChange[] },
): PastFleet {
  let at = fleet.epoch;
  if (wanted > at) return { ok: false, reason: 'future', oldest: at };
  const past = openPast(keys, fleet);
  for (const { entry, undo } of changes) {
    if (entry.epoch > at) continue;
    if (at === wanted || undo === null || entry.epoch !== at) break;
    past.takeBack(undo);
    at = epochOf(at - 1);
  }
  if (at === wanted) return { ok: true, fleet: past.fleet(at) };
  return { ok: false, reason: 'forgotten', oldest: at };
}

interface Past {
  takeBack(undo: readonly Undo[]): void;
  fleet(at: Epoch): Fleet;
}

/** The fleet as the hashes in which it is kept, so that a past value goes back where it came from. */
function openPast(keys: Keys, fleet: Fleet): Past {
  const hashes = new Map<string, Map<string, string>>();
  const hash = (key: string): Map<string, string> => {
    const known = hashes.get(key) ?? new Map<string, string>();
    hashes.set(key, known);
    return known;
  };
  for (const node of fleet.nodes) hash(keys.nodes).set(node.id, JSON.stringify(node));
  for (const alias of fleet.aliases) hash(keys.aliases).set(alias.name, JSON.stringify(alias));
  for (const { placement, ...meta } of fleet.indexes) {
    hash(keys.indexes).set(meta.uid, JSON.stringify(meta));
    for (const { group, shards } of placement) {
      shards.forEach((row, shard) => {
        if (row.length === 0) return;
        hash(keys.placement(meta.physicalUid)).set(
          rowField(group, shard as Parameters<typeof rowField>[1]),
          encodeRow(row),
        );
      });
    }
  }
  return {
    takeBack(undo) {
      for (const [key, field, before] of [...undo].reverse()) {
        if (before === false) hash(key).delete(field);
        else hash(key).set(field, before);
      }
    },
    fleet: (at) => fleetOf(at, keys, hash),
  };
}

function fleetOf(at: Epoch, keys: Keys, hash: (key: string) => Map<string, string>): Fleet {
  const values = <T>(key: string): T[] => [...hash(key).values()].map((text) => parsed<T>(text));
  const rowsOf = (uid: PhysicalUid): string[] => [...hash(keys.placement(uid))].flat();
  return {
    epoch: at,
    nodes: sortedBy(values<FleetNode>(keys.nodes), ({ id }): NodeId => id),
    indexes: sortedBy(
      values<IndexMeta>(keys.indexes).map((meta): IndexEntry => {
        const rows = rowsOf(meta.physicalUid);
        return { ...meta, placement: decodePlacement(rows, meta.shardCount) };
      }),
      ({ uid }): IndexUid => uid,
    ),
    aliases: sortedBy(values<AliasEntry>(keys.aliases), ({ name }): IndexUid => name),
  };
}

const sortedBy = <T>(values: readonly T[], nameOf: (value: T) => string): T[] =>
  [...values].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
