import type { Epoch } from '../core/ids';
import { StoreError } from './store-error';

/**
 * The highest epoch that this process has seen, in Redis or on a node. Redis that has a lower one has
 * lost changes: a fail-over to a replica that lagged, or an emptied server. What routes by such a state
 * could read a copy whose documents are deleted, so nothing of it is taken for true.
 */
export class EpochFloor {
  #epoch = 0 as Epoch;
  #told = 0 as Epoch;

  get epoch(): Epoch {
    return this.#epoch;
  }

  /** The highest epoch that was seen elsewhere than in Redis. */
  get told(): Epoch {
    return this.#told;
  }

  tell(seen: Epoch): void {
    if (seen > this.#told) this.#told = seen;
    this.raise(seen);
  }

  raise(seen: Epoch): void {
    if (seen > this.#epoch) this.#epoch = seen;
  }

  /** Throws StoreError `store_epoch_lowered` for an epoch below one that was seen. */
  demand(present: Epoch): void {
    if (present >= this.#epoch) return;
    throw new StoreError(
      'store_epoch_lowered',
      `Redis is at epoch ${present}, but epoch ${this.#epoch} was seen: it has lost changes of the fleet.`,
      { present, seen: this.#epoch },
    );
  }
}
