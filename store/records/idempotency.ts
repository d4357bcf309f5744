import { createHash } from 'node:crypto';
import type { IdempotencyRecord, Records } from '../record-types';
import { createRecordStore } from './record-store';
import type { RecordParts } from './record-store';

/** Clients choose the key: its hash has one length and no separator in it. */
export function idempotencyId(key: string): string {
  return createHash('sha256').update(key).digest('base64url');
}

/** Kind `idempotency`: made by begin together with its task; expires; bounded. */
export function createIdempotencyStore(
  parts: RecordParts,
  max: number,
): Records<IdempotencyRecord> {
  return createRecordStore(parts, {
    kind: 'idempotency',
    idOf: (record) => record.key,
    keyOf: idempotencyId,
    expiresAt: (record) => record.expiresAt,
    max,
  });
}
