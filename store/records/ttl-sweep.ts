import type { Records, TtlSweep } from '../record-types';
import { createRecordStore } from './record-store';
import type { RecordParts } from './record-store';

/** Kind `ttl-sweep`: what sweeps did, one record for each index that has expiring documents. */
export function createTtlSweepStore(parts: RecordParts): Records<TtlSweep> {
  return createRecordStore(parts, { kind: 'ttl-sweep', idOf: (sweep) => sweep.physicalUid });
}
