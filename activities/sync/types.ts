import type { Epoch, GroupId, NodeId, PhysicalUid, ShardId } from '../../core/ids';
import type { Origin, SyncRef } from '../../core/operations';

export interface OpenResult {
  readonly epoch: Epoch;
  /** Shards that were stale on the target just before. A second attempt finds none: `staleCopies` is asked first. */
  readonly wasStale: readonly ShardId[];
}

/** Copies that go: the source's after a move, the target's at a roll-back, and those nobody wants. */
export interface LeaveRequest extends Origin {
  readonly physicalUid: PhysicalUid;
  readonly group: GroupId;
  readonly node: NodeId;
  readonly shards: readonly ShardId[];
  /** The sync they belong to, if any: its attempts may send nothing more. */
  readonly runKey: string;
  /**
   * When a node that does not answer is left with its rows, milliseconds since 1970: the next repair or
   * rebalance deletes the documents when it is back. Absent: it is waited for as long as it takes.
   */
  readonly until?: number;
}

export interface SourcesRequest {
  readonly ref: SyncRef;
  /** A source that is in sync and does not answer is waited for until then, milliseconds since 1970. */
  readonly graceUntil: number;
  /** Everything else is waited for until then. */
  readonly until: number;
  /** Whose events say what was found: the sync and what started it. */
  readonly operations: readonly string[];
}
