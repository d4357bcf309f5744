import { randomBytes } from 'node:crypto';
import type { Config } from '../../config/config';
import type { Fleet, GroupPlacement, IndexEntry } from '../../core/fleet';
import type { GroupId, IndexUid, NodeId, PhysicalUid, ShardId } from '../../core/ids';
import { physicalUid as physicalUidOf, shardId } from '../../core/ids';
import { indexUidBytesMax } from '../../core/limits';
import { place } from '../../core/placement';
import { defaultSettings } from '../../core/settings/defaults';
import { physicalSettings } from '../../core/settings/physical';
import type { FleetOp, IndexMeta } from '../../store/types';
import type { NodeWork } from './plan';
import type { Step } from './steps';

/** The client's name with a suffix that is never used again, within what a node takes as a uid. */
export function newPhysicalUid(uid: string): PhysicalUid {
  const suffix = randomBytes(6).toString('hex');
  return physicalUidOf(`${uid.slice(0, indexUidBytesMax - suffix.length - 1)}-${suffix}`);
}

export interface NewIndex {
  readonly uid: IndexUid;
  readonly physicalUid: PhysicalUid;
  readonly primaryKey: string | null;
  /** RFC 3339. */
  readonly now: string;
}

/** The catalogue entry of an index that is to be made, placed over the nodes as they are now. */
export function newEntry(fleet: Fleet, defaults: Config['fleet'], index: NewIndex): IndexEntry {
  const groups = [...new Set(fleet.nodes.map((node) => node.group))].sort((a, b) => a - b);
  const { placement } = place({
    nodes: [...fleet.nodes],
    groups,
    shardCount: defaults.shards,
    replicationFactor: defaults.replicationFactor,
    present: null,
    seed: index.physicalUid,
  });
  return {
    uid: index.uid,
    physicalUid: index.physicalUid,
    primaryKey: index.primaryKey,
    createdAt: index.now,
    updatedAt: index.now,
    shardCount: defaults.shards,
    replicationFactor: defaults.replicationFactor,
    settings: defaultSettings(),
    settingsVersion: 1,
    placement,
  };
}

/** The steps that put a new entry, with all its rows, into the catalogue. */
export function creation(entry: IndexEntry): FleetOp[] {
  return [setIndex(entry), ...placementOps(entry.physicalUid, entry.placement)];
}

export function setIndex(entry: IndexEntry): FleetOp {
  const { placement: _placement, ...meta } = entry;
  return { op: 'set-index', entry: meta satisfies IndexMeta };
}

function placementOps(uid: PhysicalUid, placement: readonly GroupPlacement[]): FleetOp[] {
  return placement.flatMap(({ group, shards }) =>
    shards.map((replicas, shard): FleetOp => ({
      op: 'set-replicas',
      physicalUid: uid,
      group,
      shard: shardId(shard),
      replicas,
    })),
  );
}

/** What each node must have of an index before it gets documents of it. */
export function setupSteps(entry: IndexEntry): Step[] {
  return [
    { kind: 'create-index', primaryKey: entry.primaryKey },
    { kind: 'settings', settings: physicalSettings(entry.settings) },
  ];
}

/** Each node that takes writes for one of these shards, with those of them that it takes. */
export function writersOf(entry: IndexEntry, shards: readonly ShardId[]): Map<NodeId, ShardId[]> {
  const writers = new Map<NodeId, ShardId[]>();
  for (const shard of shards) {
    for (const { shards: rows } of entry.placement) {
      for (const { node, state } of rows[shard] ?? []) {
        if (state !== 'in-sync' && state !== 'joined') continue;
        const list = writers.get(node);
        if (list === undefined) writers.set(node, [shard]);
        else if (!list.includes(shard)) list.push(shard);
      }
    }
  }
  return writers;
}

/** Every node that holds any copy, in whatever state. */
export function holdersOf(entry: IndexEntry): Set<NodeId> {
  const rows = entry.placement.flatMap(({ shards }) => shards);
  return new Set(rows.flatMap((row) => row.map(({ node }) => node)));
}

/** The same steps for every holder; those that take no writes get them too, but decide nothing. */
export function workForHolders(
  entry: IndexEntry,
  shards: readonly ShardId[],
  steps: readonly Step[],
): NodeWork[] {
  const writers = writersOf(entry, shards);
  return [...holdersOf(entry)]
    .sort()
    .map((node) => ({ node, shards: writers.get(node) ?? [], steps }));
}

/**
 * How many copies of each touched shard a group writes to, where that is one number: the group's
 * counts of deleted documents divided by it are the number of documents.
 */
export function evenCopies(
  entry: IndexEntry,
  shards: readonly ShardId[],
): { readonly group: GroupId; readonly nodes: readonly NodeId[]; readonly copies: number } | null {
  for (const { group, shards: rows } of entry.placement) {
    const counts = new Set<number>();
    const nodes = new Set<NodeId>();
    for (const shard of shards) {
      const writing = (rows[shard] ?? []).filter(
        ({ state }) => state === 'in-sync' || state === 'joined',
      );
      counts.add(writing.length);
      for (const { node } of writing) nodes.add(node);
    }
    const [copies] = counts;
    if (counts.size === 1 && copies !== undefined && copies > 0) {
      return { group, nodes: [...nodes], copies };
    }
  }
  return null;
}
