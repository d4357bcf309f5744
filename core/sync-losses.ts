import type { JsonValue } from './fleet';
import type { GroupId, NodeId, ShardId } from './ids';

/** What a sync knows and says when a node that it needs is away. Only types: workflows import them. */

/** Some shards of a sync and the in-sync copy that they are read from. */
export interface SyncFeed {
  readonly node: NodeId;
  readonly group: GroupId;
  readonly shards: readonly ShardId[];
}

/**
 * Why a step of a sync could not go on, as the details of its failure: nodes that do not answer, or sources
 * that are not in sync any more.
 */
export interface SyncLoss {
  readonly nodes: readonly NodeId[];
  /** What the step had last told of its progress: the cursor of a copy. */
  readonly progress: JsonValue;
}

/** The types of the failures whose details are a `SyncLoss`. */
export type SyncLossType = 'node-away' | 'source-behind';

export type SourcesFound =
  | {
      readonly ok: true;
      readonly feeds: readonly SyncFeed[];
      /** Other copies than before are read from now on. */
      readonly changed: boolean;
    }
  | { readonly ok: false; readonly reason: string };
