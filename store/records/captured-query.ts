import { capturedQueriesMax } from '../../core/limits';
import type { CapturedQuery, Records } from '../record-types';
import { createRecordStore } from './record-store';
import type { RecordParts } from './record-store';

/** Kind `captured-query`: searches to make canaries of. Bounded: those that expire first go. */
export function createCapturedQueryStore(parts: RecordParts): Records<CapturedQuery> {
  return createRecordStore(parts, {
    kind: 'captured-query',
    idOf: (query) => query.id,
    expiresAt: (query) => query.expiresAt,
    max: capturedQueriesMax,
  });
}
