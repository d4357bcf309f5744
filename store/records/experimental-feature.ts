import type { ExperimentalFeature, Records } from '../record-types';
import { createRecordStore } from './record-store';
import type { RecordParts } from './record-store';

/** Kind `experimental-feature`: what the fleet has been told to switch on or off, by name. */
export function createExperimentalFeatureStore(parts: RecordParts): Records<ExperimentalFeature> {
  return createRecordStore(parts, { kind: 'experimental-feature', idOf: ({ name }) => name });
}
