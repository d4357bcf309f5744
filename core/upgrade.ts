import type { Epoch, GroupId, IndexUid, NodeId } from './ids';
import type { Origin, RunOptions } from './operations';

/** The data of a rolling upgrade: what starts one, what its plan says, what it reports. Types only. */

export interface UpgradeInput extends Origin {
  /** One after another, in this order. */
  readonly nodes: readonly NodeId[];
  /** What each node must answer at `/version` when it is back; null: any version. */
  readonly version: string | null;
  /** Who restarts a node: the operator, who then says `proceed`, or the worker's configured command. */
  readonly restart: 'operator' | 'command';
  /** Go on also where a node has the only in-sync copy of shards, which cannot be read meanwhile. */
  readonly acceptUnavailable: boolean;
  readonly options: RunOptions;
  readonly resume?: UpgradeResume;
}

export interface UpgradePlanNode {
  readonly node: NodeId;
  readonly group: GroupId;
  /** What it runs now; null: it does not answer. */
  readonly version: string | null;
  /** Copies that are not read while it restarts. */
  readonly copies: number;
  /** Indexes of which it has the only in-sync copy of some shards: not readable while it is down. */
  readonly unavailable: readonly IndexUid[];
}

export interface UpgradePlan {
  readonly kind: 'upgrade';
  readonly epoch: Epoch;
  readonly nodes: readonly UpgradePlanNode[];
  /** Why it may not run as it is; empty: it may. */
  readonly refused: readonly string[];
}

/** What is carried over continue-as-new. Only between two nodes. */
export interface UpgradeResume {
  readonly plan: UpgradePlan;
  readonly approvedBy: string | null;
  readonly finished: readonly UpgradedNode[];
  readonly startedAt: string;
  readonly paused: boolean;
}

export interface UpgradedNode {
  readonly node: NodeId;
  readonly from: string | null;
  readonly to: string;
  /** Copies that missed a write while the node was down and were filled again. */
  readonly repaired: number;
}

export interface UpgradeReport {
  readonly outcome: 'done' | 'canceled' | 'expired' | 'nothing-to-do';
  readonly nodes: readonly UpgradedNode[];
}

/** A node as it is when somebody says that it was restarted. */
export interface NodeInspection {
  readonly ok: boolean;
  /** Why it must not be read yet; null when it may. */
  readonly reason: string | null;
  readonly version: string | null;
  /** Indexes it has copies of. */
  readonly indexes: readonly IndexUid[];
}
