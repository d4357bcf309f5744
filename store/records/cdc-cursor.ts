import type { CdcCursor, Records } from '../record-types';
import { createRecordStore } from './record-store';
import type { RecordParts } from './record-store';

/** Kind `cdc-cursor`: by `<sink>/<index>`. */
export function createCdcCursorStore(parts: RecordParts): Records<CdcCursor> {
  return createRecordStore(parts, {
    kind: 'cdc-cursor',
    idOf: ({ sink, index }) => cdcCursorId(sink, index),
  });
}

/** No index uid has a `/`, so the last one separates. */
export function cdcCursorId(sink: string, index: string): string {
  return `${sink}/${index}`;
}
