import type { Records, RestoreDrill } from '../record-types';
import { createRecordStore } from './record-store';
import type { RecordParts } from './record-store';

/** Kind `restore-drill`: the newest result for each backup. Bounded by whoever writes them. */
export const createRestoreDrillStore = (parts: RecordParts): Records<RestoreDrill> =>
  createRecordStore(parts, { kind: 'restore-drill', idOf: ({ id }) => id });
