import type { AliasEntry, Fleet, FleetNode, IndexEntry, Replica } from '../core/fleet';
import type { Epoch, GroupId, IndexUid, NodeId, PhysicalUid, ShardId } from '../core/ids';

/** An index without its placement rows, which are changed one by one with `set-replicas`. */
export type IndexMeta = Omit<IndexEntry, 'placement'>;

/** One step of a change of the fleet. A change is a list of steps, applied together or not at all. */
export type FleetOp =
  | { readonly op: 'set-node'; readonly node: FleetNode }
  | { readonly op: 'remove-node'; readonly id: NodeId }
  /** Creates or replaces the catalogue entry. The placement of its physical uid is not touched. */
  | { readonly op: 'set-index'; readonly entry: IndexMeta }
  /** Removes the catalogue entry; the placement goes with `remove-placement`. */
  | { readonly op: 'remove-index'; readonly uid: IndexUid }
  /** Replaces the row of one shard in one group; an empty list removes the row. */
  | {
      readonly op: 'set-replicas';
      readonly physicalUid: PhysicalUid;
      readonly group: GroupId;
      readonly shard: ShardId;
      readonly replicas: readonly Replica[];
    }
  | { readonly op: 'remove-placement'; readonly physicalUid: PhysicalUid }
  | { readonly op: 'set-alias'; readonly alias: AliasEntry }
  | { readonly op: 'remove-alias'; readonly name: IndexUid };

/** Who changed the fleet, for what reason, and what it was in a word or two. */
export interface Audit {
  readonly who: string;
  readonly why: string;
  readonly what: string;
}

/** The number that an attempt of a run has taken (`AttemptStore.nextAttempt`). */
export interface Attempt {
  readonly runKey: string;
  readonly number: number;
}

export interface TopologyLogEntry extends Audit {
  readonly epoch: Epoch;
  /** RFC 3339, by the clock of Redis. */
  readonly at: string;
  /** One line for each step, `set-replicas products-1 0/17 meili-0:in-sync`. */
  readonly ops: readonly string[];
}

export type PastFleet =
  | { readonly ok: true; readonly fleet: Fleet }
  /** `future`: it has not been reached. `forgotten`: the log does not reach back to it. */
  | { readonly ok: false; readonly reason: 'future' | 'forgotten'; readonly oldest: Epoch };

export interface RestoreRequest {
  /** The state that the fleet gets, whatever Redis has now. */
  readonly fleet: Fleet;
  /** The epoch that it gets: above every one that was ever seen. */
  readonly epoch: Epoch;
  readonly audit: Audit;
  /** No task of the fleet may get a uid below this again. */
  readonly nextTaskUid: number;
  /** For each index the first place in the order of insertion that no document has. */
  readonly sequences: ReadonlyMap<PhysicalUid, number>;
}

export interface FleetStore {
  /** One consistent snapshot. */
  load(): Promise<Fleet>;
  epoch(): Promise<Epoch>;
  /** Applies `ops` and raises the epoch by one, if it is still `expected`. At most 1,000 steps. */
  change(
    expected: Epoch,
    ops: readonly FleetOp[],
    audit: Audit,
  ): Promise<{ ok: true; epoch: Epoch } | { ok: false; epoch: Epoch }>;
  /**
   * Compare-and-set loop: `decide` gets the present fleet and returns the steps, or null for none.
   * Returns the fleet after the change. It may be called several times, so it must be pure.
   * Throws StoreError `store_contention` after a bounded number of lost races, and `store_attempt_old`
   * when the change would be made for an attempt that is not its run's newest any more.
   */
  update(
    audit: Audit,
    decide: (fleet: Fleet) => readonly FleetOp[] | null,
    attempt?: Attempt,
  ): Promise<Fleet>;
  /** Newest first. */
  log(limit: number): Promise<TopologyLogEntry[]>;
  /** The fleet as it was at an epoch, as far as the log reaches back. */
  at(epoch: Epoch): Promise<PastFleet>;
  /** The highest epoch that this process has seen, and that it was told of: below it all is refused. */
  floor(): Epoch;
  told(): Epoch;
  raiseFloor(seen: Epoch): void;
  /** Replaces the state by another one; see `store/restore.ts`. */
  restore(request: RestoreRequest): Promise<Epoch>;
  /** Calls the listener with each new epoch, from any pod. Returns the way to stop it. */
  watch(listener: (epoch: Epoch) => void): () => void;
}
