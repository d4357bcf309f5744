import { IdFinder } from '../../core/documents/identity';
import type { IdSearch } from '../../core/documents/identity';
import { decodeSeq, hiddenField } from '../../core/hidden-fields';
import type { IndexEntry, JsonValue } from '../../core/fleet';
import type { FleetTaskUid, NodeId, PhysicalUid, ShardId } from '../../core/ids';
import { decodeString } from '../../core/json/keys';
import { findMember, scanArrayItems, scanObject } from '../../core/json/scan';
import { MeiliError } from '../../core/errors';
import type { NodeClient } from '../../meili/types';
import type { Store } from '../../store/types';
import { faultOf, sleep } from './node-fault';
import type { PlaceChange } from './place-change';

export interface PlacesParts {
  readonly store: Pick<Store, 'tasks'>;
  readonly client: (node: NodeId) => NodeClient | null;
  readonly usable: (node: NodeId) => boolean;
}

export interface SoughtId {
  readonly id: string;
  readonly shard: ShardId;
}

interface Known {
  /** Null: the id has no document once the task is worked off. */
  readonly seq: number | null;
  readonly task: FleetTaskUid;
}

/** One request asks for this many; 8,000 were measured at 21 ms. */
const idsPerRequest = 1_000;
/** A write with more documents leaves its places out of its task: they would fill Redis. */
const storedPlacesMax = 500;
/** Oldest open tasks that are asked about at once. */
const tasksPerLook = 16;
/** What is worked off may be known a while longer: asking about open tasks costs more than small writes do. */
const pruneMs = 50;
/** Ids whose places are kept in memory, about 150 MB; a write waits this long for them to get fewer. */
const knownMax = 1_000_000;
const roomMs = 20_000;
/** A new holder waits so long for writes whose places were left out; a busy node may take minutes. */
const drainMs = 2_000;

/**
 * Where the documents of one index stand in the order of insertion. A replaced document keeps its
 * place, as in the engine, so before each write one in-sync replica is asked for the places of its ids.
 * What nodes have not worked off yet is known from the writes themselves: in this pod, or for those of
 * another pod from their tasks.
 */
export class Places {
  readonly #known = new Map<string, Known>();
  /** Open tasks, oldest first, with the ids whose places they set. */
  readonly #open = new Map<FleetTaskUid, readonly string[]>();
  #clearedBy: FleetTaskUid | null = null;
  #prunedAt = -Infinity;

  constructor(
    private readonly parts: PlacesParts,
    private readonly uid: PhysicalUid,
  ) {}

  /** Must be called in the order of the tasks' uids. */
  record(task: FleetTaskUid, change: PlaceChange): void {
    const ids =
      change.kind === 'clear'
        ? []
        : change.kind === 'remove'
          ? change.ids
          : [...change.places.keys()];
    this.#open.set(task, ids);
    if (change.kind === 'clear') {
      this.#known.clear();
      this.#clearedBy = task;
    } else if (change.kind === 'remove') {
      for (const id of change.ids) this.#known.set(id, { seq: null, task });
    } else {
      for (const [id, seq] of change.places) this.#known.set(id, { seq, task });
    }
  }

  /** Starts over from the open tasks of the index, after another pod has written to it. */
  async reload(): Promise<void> {
    this.#known.clear();
    this.#open.clear();
    this.#clearedBy = null;
    for (const uid of (await this.parts.store.tasks.open()).sort((a, b) => a - b)) {
      const task = await this.parts.store.tasks.get(uid);
      if (task === null || task.physicalUid !== this.uid) continue;
      const change = changeFromStore(task.extra['places']);
      if (change === 'omitted') await this.#drain(uid);
      else if (change !== null) this.record(uid, change);
    }
  }

  /** The places of those ids that have a document once all earlier writes are worked off. */
  async find(
    entry: IndexEntry,
    primaryKey: string,
    sought: readonly SoughtId[],
  ): Promise<Map<string, number>> {
    await this.#makeRoom();
    const found = new Map<string, number>();
    const unknown: SoughtId[] = [];
    for (const one of sought) {
      const known = this.#known.get(one.id);
      if (known === undefined) unknown.push(one);
      else if (known.seq !== null) found.set(one.id, known.seq);
    }
    if (this.#clearedBy === null) await this.#ask(entry, primaryKey, { unknown, found });
    return found;
  }

  /** Forgets what is worked off; when too much is not, the write waits for the nodes. */
  async #makeRoom(): Promise<void> {
    const until = performance.now() + roomMs;
    if (performance.now() - this.#prunedAt >= pruneMs) await this.#prune();
    while (this.#known.size > knownMax) {
      if (performance.now() >= until) {
        throw new MeiliError(
          'too_many_search_requests',
          'The nodes have too many documents of this index to work off. Nothing was written. Retry after 10s.',
        );
      }
      await sleep(50);
      await this.#prune();
    }
  }

  /**
   * Forgets what the nodes have worked off: from then on they know it themselves. Tasks of one index
   * end in their order, so only the oldest are asked about.
   */
  async #prune(): Promise<void> {
    this.#prunedAt = performance.now();
    for (;;) {
      const oldest = [...take(this.#open.keys(), tasksPerLook)];
      const tasks = await Promise.all(oldest.map((uid) => this.parts.store.tasks.get(uid)));
      let done = 0;
      for (const [at, task] of tasks.entries()) {
        if (task !== null && task.finishedAt === null) break;
        this.#forget(oldest[at] as FleetTaskUid);
        done += 1;
      }
      if (done < tasksPerLook) return;
    }
  }

  #forget(uid: FleetTaskUid): void {
    for (const id of this.#open.get(uid) ?? []) {
      if (this.#known.get(id)?.task === uid) this.#known.delete(id);
    }
    this.#open.delete(uid);
    if (this.#clearedBy === uid) this.#clearedBy = null;
  }

  async #drain(uid: FleetTaskUid): Promise<void> {
    const until = performance.now() + drainMs;
    while (performance.now() < until) {
      const task = await this.parts.store.tasks.get(uid);
      if (task === null || task.finishedAt !== null) return;
      await sleep(20);
    }
  }

  async #ask(
    entry: IndexEntry,
    primaryKey: string,
    into: { unknown: readonly SoughtId[]; found: Map<string, number> },
  ): Promise<void> {
    const failed = new Set<NodeId>();
    let rest = into.unknown;
    while (rest.length > 0) {
      const byNode = this.#assign(entry, rest, failed);
      const left = await Promise.all(
        [...byNode].map(async ([node, ones]) => {
          const ids = ones.map(({ id }) => id);
          if (await this.#askNode(node, primaryKey, { ids, found: into.found })) return [];
          failed.add(node);
          return ones;
        }),
      );
      rest = left.flat();
    }
  }

  #assign(
    entry: IndexEntry,
    sought: readonly SoughtId[],
    failed: ReadonlySet<NodeId>,
  ): Map<NodeId, SoughtId[]> {
    const chosen = new Map<ShardId, NodeId>();
    const byNode = new Map<NodeId, SoughtId[]>();
    for (const one of sought) {
      let node = chosen.get(one.shard);
      if (node === undefined) {
        node = this.#readerOf(entry, one.shard, failed);
        chosen.set(one.shard, node);
      }
      const list = byNode.get(node);
      if (list === undefined) byNode.set(node, [one]);
      else list.push(one);
    }
    return byNode;
  }

  #readerOf(entry: IndexEntry, shard: ShardId, failed: ReadonlySet<NodeId>): NodeId {
    const readers = entry.placement
      .flatMap(({ shards }) => shards[shard] ?? [])
      .filter(({ node, state }) => state === 'in-sync' && !failed.has(node))
      .map(({ node }) => node);
    const node = readers.find((reader) => this.parts.usable(reader)) ?? readers[0];
    if (node !== undefined) return node;
    throw new MeiliError(
      'miroir_no_quorum',
      `No replica of shard ${shard} answers, so nothing can be written to it now. Nothing of this request was written.`,
    );
  }

  /** False when the node did not answer. */
  async #askNode(
    node: NodeId,
    primaryKey: string,
    into: { ids: readonly string[]; found: Map<string, number> },
  ): Promise<boolean> {
    const client = this.parts.client(node);
    if (client === null) return false;
    for (let at = 0; at < into.ids.length; at += idsPerRequest) {
      const ids = into.ids.slice(at, at + idsPerRequest);
      const body = { ids, fields: [primaryKey, hiddenField.seq], limit: ids.length };
      try {
        const answer = await client.fetchDocuments(this.uid, body);
        // The index is enqueued there and not made yet, so nothing of it is either.
        if (answer.status === 404) return true;
        if (answer.status >= 400) return false;
        readPlaces(answer.bytes, primaryKey, into.found);
      } catch (error) {
        const fault = faultOf(error);
        if (fault === null) throw error;
        if (fault.code === 'status_404') return true;
        return false;
      }
    }
    return true;
  }
}

function* take<T>(items: Iterable<T>, count: number): Iterable<T> {
  let taken = 0;
  for (const item of items) {
    if (taken === count) return;
    taken += 1;
    yield item;
  }
}

/** Reads ids by their bytes: an id above 2^53 would not survive a parsed number. */
export function readPlaces(bytes: Uint8Array, primaryKey: string, into: Map<string, number>): void {
  const finder = new IdFinder(primaryKey);
  const results = findMember(bytes, 0, 'results');
  if (results === null) return;
  scanArrayItems(bytes, results.start, (start) => {
    let search: IdSearch = { kind: 'none' };
    let seq: number | null = null;
    scanObject(bytes, start, (key, valueStart, valueEnd) => {
      if (key === hiddenField.seq) {
        seq = decodeSeq(decodeString(bytes, valueStart + 1, valueEnd - 1));
        return;
      }
      const level = finder.levelOf(key);
      if (level < 0) return;
      search = finder.join(search, bytes, { level, start: valueStart, end: valueEnd });
    });
    const found = search as IdSearch;
    if (found.kind === 'id' && seq !== null) into.set(found.id, seq);
  });
}

/** The change as the task keeps it until it is worked off. */
export function storedChange(change: PlaceChange): JsonValue {
  if (change.kind === 'clear') return { kind: 'clear' };
  const size = change.kind === 'set' ? change.places.size : change.ids.length;
  if (size > storedPlacesMax) return 'omitted';
  if (change.kind === 'remove') return { kind: 'remove', ids: [...change.ids] };
  return { kind: 'set', places: [...change.places].map(([id, seq]) => [id, seq]) };
}

function changeFromStore(stored: JsonValue | undefined): PlaceChange | 'omitted' | null {
  if (stored === 'omitted') return 'omitted';
  if (typeof stored !== 'object' || stored === null || Array.isArray(stored)) return null;
  const { kind, ids, places } = stored;
  if (kind === 'clear') return { kind };
  if (kind === 'remove') return { kind, ids: ids as string[] };
  return { kind: 'set', places: new Map(places as [string, number][]) };
}
