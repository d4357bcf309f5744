import type { JsonValue } from '../core/fleet';
import type { OperationKind, OperationStatus, Origin } from '../core/operations';
import type { AnyPlan } from './messages';

/** What a run is about; constant through all of it. */
export interface OperationSpec {
  readonly kind: OperationKind;
  readonly origin: Origin;
  readonly index?: string;
  readonly nodes?: readonly string[];
  readonly shards?: string;
  readonly total: number;
  readonly documentsPerSecond: number | null;
  /** Set when the run goes on after continue-as-new. */
  readonly resumed?: {
    readonly startedAt: string;
    readonly paused: boolean;
    readonly documentsCopied: number;
    readonly approvedBy: string | null;
  };
}

/** What operators see and steer. Handlers and phases change it; nothing else does. */
export interface OperationState {
  status: OperationStatus;
  phase: string;
  waitingFor: string | null;
  paused: boolean;
  documentsPerSecond: number | null;
  approvedBy: string | null;
  canceledBy: string | null;
  reversedBy: string | null;
  /** Before the point of no return. */
  cancellable: boolean;
  /** After the cut-over and before the clean-up. */
  reversible: boolean;
  plan: AnyPlan | null;
  /** What stands in the view's `plan` where no shards are moved: an import's plan, a report. */
  shown: JsonValue | null;
  done: number;
  total: number;
  documentsCopied: number;
  /** How long documents were copied, for the rates that plans are made with. */
  copyMs: number;
  /** How long writes had to wait in the fence that succeeded. */
  fencedMs: number;
  /** The nodes that a sync reads from since it had to leave its source. */
  readFrom: readonly string[] | null;
  /** A node that did not answer when what was on it had to go. */
  leftOn: string | null;
  /** Why reads could not be flipped back by a `reverse` that was taken. */
  reverseRefused: string | null;
  /** What the run found or did, for whoever reads its view. */
  report: JsonValue;
  error: string | null;
  over: boolean;
}

/** The operator wants it back, as far as that is possible: no more work is begun. */
export const isStopped = ({ canceledBy, reversedBy }: OperationState): boolean =>
  canceledBy !== null || reversedBy !== null;
