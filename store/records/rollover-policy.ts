import type { RolloverPolicy, Records } from '../record-types';
import { createRecordStore } from './record-store';
import type { RecordParts } from './record-store';

/** Kind `rollover-policy`: the truth that schedules are made from. */
export function createRolloverPolicyStore(parts: RecordParts): Records<RolloverPolicy> {
  return createRecordStore(parts, { kind: 'rollover-policy', idOf: (policy) => policy.name });
}
