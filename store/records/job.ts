import type { JobView, Records } from '../record-types';
import { createRecordStore } from './record-store';
import type { RecordParts } from './record-store';

/** Kind `job`: stays until it is deleted, so that history can be shown without Temporal. */
export function createJobStore(parts: RecordParts): Records<JobView> {
  return createRecordStore(parts, { kind: 'job', idOf: (job) => job.id });
}
