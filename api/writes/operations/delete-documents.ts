import { shardOfId } from '../../../core/hash';
import { bucketFilter, hiddenField } from '../../../core/hidden-fields';
import type { ExpiredPart } from '../../../core/ttl';
import { expiredParts, shardsOfSlots } from '../../../core/ttl';
import { joinFilters } from '../../../core/filter/normalize';
import type { FilterPart } from '../../../core/filter/normalize';
import type { IndexEntry, JsonValue } from '../../../core/fleet';
import type { NodeId, PhysicalUid, ShardId } from '../../../core/ids';
import type { FleetCache } from '../../fleet-cache';
import { evenCopies, holdersOf, writersOf } from '../index-changes';
import type { JsonObject, NodeWork, Operation, PlanInput, WritePlan } from '../plan';
import { shardsOf } from '../quorum';
import type { Step } from '../steps';
import { finalPlan, selectIn, writeName } from './common';

/** What a deletion names. */
export type Doomed =
  | { readonly kind: 'ids'; readonly ids: readonly string[] }
  | {
      readonly kind: 'filter';
      /** As the client wrote it, for the task; and as nodes get it. */
      readonly original: JsonValue;
      readonly parts: readonly FilterPart[];
    }
  | { readonly kind: 'all' }
  /** What has expired by then, of a part of the hash space. */
  | ({ readonly kind: 'expired' } & ExpiredPart);

/** Counts documents of the index that match; for tasks whose counts cannot be told from the nodes'. */
export type CountDocuments = (entry: IndexEntry, doomed: Doomed) => Promise<number>;

/** Deletes by ids, by filter, or all documents. It never makes an index. */
export class DeleteDocuments implements Operation {
  readonly names: readonly string[];

  constructor(
    private readonly input: { name: string; doomed: Doomed; count: CountDocuments },
    readonly customMetadata?: string,
    readonly idempotency?: { readonly key: string; readonly bodyHash: string },
  ) {
    this.names = [input.name];
  }

  target(fleet: FleetCache): PhysicalUid | null {
    return fleet.index(writeName(fleet, this.input.name))?.entry.physicalUid ?? null;
  }

  async plan({ fleet }: PlanInput): Promise<WritePlan> {
    const { name, doomed } = this.input;
    const filter = doomed.kind === 'filter' ? doomed.original : null;
    const { uid, entry, refused } = selectIn(fleet, name, filter);
    if (refused !== null) {
      const task = { type: 'documentDeletion' as const, indexUid: uid, details: this.#details(0) };
      return finalPlan(task, refused);
    }
    const byShard = doomed.kind === 'ids' ? idsByShard(doomed.ids, entry.shardCount) : null;
    const shards =
      doomed.kind === 'expired'
        ? shardsOfSlots(doomed, entry.shardCount)
        : byShard === null
          ? ('all' as const)
          : [...byShard.keys()].sort((a, b) => a - b);
    const touched = shardsOf(entry, shards);
    const even = evenCopies(entry, touched);
    // Where shards have different numbers of copies the nodes' counts cannot be divided.
    const expected = even === null ? await this.input.count(entry, doomed) : null;
    return {
      physicalUid: entry.physicalUid,
      entry,
      type: 'documentDeletion',
      indexUid: uid,
      details: this.#details(null),
      extra: { count: countRule(even, expected) },
      shards,
      journal: byShard ?? 'all',
      sequences: 0,
      changes: [],
      // What is counted before it is sent must find what was written before.
      overlaps: byShard !== null && expected === null && touched.length > 0,
      final: touched.length === 0 ? { error: null, details: this.#details(0) } : null,
      work: () => this.#work(entry, touched, byShard),
      ...this.#places(),
    };
  }

  #places(): Pick<WritePlan, 'places'> {
    const { doomed } = this.input;
    if (doomed.kind === 'ids') return { places: () => ({ kind: 'remove', ids: doomed.ids }) };
    // What a filter takes is known only to the nodes: an id that it deletes and that comes again soon
    // keeps its place, as it may in the engine, which uses freed numbers again.
    return doomed.kind === 'all' ? { places: () => ({ kind: 'clear' }) } : {};
  }

  #work(
    entry: IndexEntry,
    touched: readonly ShardId[],
    byShard: ReadonlyMap<ShardId, readonly string[]> | null,
  ): NodeWork[] {
    return [...writersOf(entry, touched)].map(([node, shards]) => ({
      node,
      shards,
      steps: [this.#step(entry, { node, shards }, byShard)],
    }));
  }

  #step(
    entry: IndexEntry,
    part: { node: NodeId; shards: readonly ShardId[] },
    byShard: ReadonlyMap<ShardId, readonly string[]> | null,
  ): Step {
    const { doomed } = this.input;
    if (byShard !== null) {
      return { kind: 'delete-ids', ids: part.shards.flatMap((shard) => byShard.get(shard) ?? []) };
    }
    const held = shardsHeld(entry, part.node);
    const only = held > part.shards.length ? bucketFilter(part.shards, entry.shardCount) : null;
    if (doomed.kind === 'filter') {
      return { kind: 'delete-filter', filter: joinFilters(only, null, doomed.parts) };
    }
    if (doomed.kind === 'expired') {
      return { kind: 'delete-filter', filter: joinFilters(only, null, expiredParts(doomed)) };
    }
    return only === null ? { kind: 'delete-all' } : { kind: 'delete-filter', filter: only };
  }

  #details(deletedDocuments: number | null): JsonObject {
    const { doomed } = this.input;
    if (doomed.kind === 'all') return { deletedDocuments };
    const originalFilter =
      doomed.kind === 'filter'
        ? JSON.stringify(doomed.original)
        : doomed.kind === 'expired'
          ? JSON.stringify(`${hiddenField.expiresAt} <= ${doomed.before}`)
          : null;
    const providedIds = doomed.kind === 'ids' ? doomed.ids.length : 0;
    return { providedIds, deletedDocuments, originalFilter };
  }
}

/** How the follower makes one number of the nodes' counts. */
export function countRule(
  even: { readonly nodes: readonly NodeId[]; readonly copies: number } | null,
  expected: number | null,
): JsonValue {
  return even === null ? { expected } : { nodes: [...even.nodes], copies: even.copies };
}

function idsByShard(ids: readonly string[], shardCount: number): Map<ShardId, string[]> {
  const byShard = new Map<ShardId, string[]>();
  for (const id of new Set(ids)) {
    const shard = shardOfId(id, shardCount);
    const list = byShard.get(shard);
    if (list === undefined) byShard.set(shard, [id]);
    else list.push(id);
  }
  return byShard;
}

/** Copies in any state count: their documents are on the node's disk. */
export function shardsHeld(entry: IndexEntry, node: NodeId): number {
  if (!holdersOf(entry).has(node)) return 0;
  const held = new Set<number>();
  for (const { shards } of entry.placement) {
    shards.forEach((replicas, shard) => {
      if (replicas.some((replica) => replica.node === node)) held.add(shard);
    });
  }
  return held.size;
}
