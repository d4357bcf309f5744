import type { Canary, Records } from '../record-types';
import { createRecordStore } from './record-store';
import type { RecordParts } from './record-store';

/** Kind `canary`: its policy; the runs are a kind of their own. */
export function createCanaryStore(parts: RecordParts): Records<Canary> {
  return createRecordStore(parts, { kind: 'canary', idOf: (canary) => canary.id });
}
