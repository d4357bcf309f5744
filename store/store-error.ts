import type { JsonValue } from '../core/fleet';

/** Thrown for what the caller cannot decide by a value. Match on `code`. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  constructor(
    readonly code:
      | 'store_contention'
      | 'store_attempt_old'
      | 'store_epoch_lowered'
      | 'store_too_many_items'
      | 'store_corrupt'
      | 'store_closed',
    message: string,
    readonly details: { readonly [name: string]: JsonValue } = {},
  ) {
    super(message);
  }
}
