import type { IndexUpdate, Records } from '../record-types';
import { createRecordStore } from './record-store';
import type { RecordParts } from './record-store';

/**
 * Kind `index-update`: when the last task of an index was worked off. It is not in the catalogue,
 * because then every write would raise the epoch of the fleet.
 */
export function createIndexUpdateStore(parts: RecordParts): Records<IndexUpdate> {
  return createRecordStore(parts, { kind: 'index-update', idOf: (update) => update.physicalUid });
}
