import type { Records, SessionRecord } from '../record-types';
import { createRecordStore } from './record-store';
import type { RecordParts } from './record-store';

/** A client can make sessions at will; those that expire first make room. */
export const sessionsMax = 100_000;

/** Kind `session`: expires. */
export function createSessionStore(parts: RecordParts): Records<SessionRecord> {
  return createRecordStore(parts, {
    kind: 'session',
    idOf: (session) => session.id,
    expiresAt: (session) => session.expiresAt,
    max: sessionsMax,
  });
}
