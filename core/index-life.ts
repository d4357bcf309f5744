import type { IndexUid, NodeId, PhysicalUid } from './ids';
import type { Origin } from './operations';

/** The data of the runs that look after indexes: settings that drifted, documents that expired. */

export interface SettingsCheckInput extends Origin {
  /** `null`: all indexes. */
  readonly physicalUid: PhysicalUid | null;
  /** Also apply the catalogue's settings again where they differ. */
  readonly repair: boolean;
}

/** An index and the nodes whose settings are not those of the catalogue. */
export interface DriftedIndex {
  readonly physicalUid: PhysicalUid;
  readonly index: IndexUid;
  readonly nodes: readonly { readonly node: NodeId; readonly settings: readonly string[] }[];
}

export interface SettingsCheckResult {
  readonly indexes: number;
  readonly drifted: readonly DriftedIndex[];
  /** Nodes that could not be asked; they are looked at by the next check. */
  readonly unanswered: readonly NodeId[];
}

export interface SettingsCheckReport extends SettingsCheckResult {
  readonly repaired: readonly PhysicalUid[];
  /** Those whose repair failed, with the reason. */
  readonly failed: readonly { readonly physicalUid: PhysicalUid; readonly reason: string }[];
}

export interface SweepOptions {
  /** `null`: not throttled. */
  readonly documentsPerSecond: number | null;
  /** One write deletes about so many documents. */
  readonly batchDocuments: number;
  /** A sweep of one index ends after so many. */
  readonly documentsMax: number;
}

export interface ExpireInput extends Origin {
  /** `null`: all indexes whose documents expire. */
  readonly physicalUid: PhysicalUid | null;
  readonly options: SweepOptions;
}

export interface SweepRequest {
  readonly physicalUid: PhysicalUid;
  readonly options: SweepOptions;
  /** The run whose view says whether it is paused and how fast it may go. */
  readonly runKey: string;
}

export interface SweepResult {
  readonly deleted: number;
  /** Expired documents that are left for the next sweep. */
  readonly left: number;
  /** `paused`: the operator paused it; call again. `gone`: the index was deleted or expires no more. */
  readonly outcome: 'done' | 'paused' | 'gone';
}

export interface ExpireReport {
  readonly indexes: number;
  readonly deleted: number;
  readonly left: number;
  /** Indexes whose sweep failed, with the reason; the next sweep tries them again. */
  readonly failed: readonly { readonly physicalUid: PhysicalUid; readonly reason: string }[];
}
