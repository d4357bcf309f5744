import type { Epoch } from '../core/ids';
import type { Audit, FleetOp } from './types';

export interface ReshardRequest {
  readonly fenceToken: string;
  /** Shards `0 … fenced - 1` are fenced: those of the old and of the new numbering. */
  readonly fenced: number;
  readonly epoch: Epoch;
  readonly changes: readonly FleetOp[];
  readonly audit: Audit;
}

export type ReshardResult =
  | { readonly kind: 'ok'; readonly epoch: Epoch }
  | { readonly kind: 'no'; readonly reason: 'fence-lost' | 'epoch-moved' | 'outstanding' };
