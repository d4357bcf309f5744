import type { FleetTask } from '../../store/task-types';
import type { Operation } from './plan';

export interface WriteOutcome {
  readonly task: FleetTask;
  /** The value of `X-Miroir-Degraded`, or null. */
  readonly degraded: string | null;
}

/** The one way in which routes change documents, indexes and settings. */
export interface Writes {
  /**
   * Resolves when the write has its place in the order and enough replicas have taken it. Throws
   * MeiliErrors: what is wrong with the request, `miroir_no_quorum`, `miroir_fenced`,
   * `miroir_not_ready`.
   */
  submit(operation: Operation): Promise<WriteOutcome>;
}
