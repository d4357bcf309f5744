import type { Records, SealedSecret } from '../record-types';
import { createRecordStore } from './record-store';
import type { RecordParts } from './record-store';

/** Operations that need one are few; a flood of them must not fill Redis. */
const secretsMax = 1_000;

/** Kind `secret`: sealed, expires, deleted when its operation is over. */
export function createSecretStore(parts: RecordParts): Records<SealedSecret> {
  return createRecordStore(parts, {
    kind: 'secret',
    idOf: (secret) => secret.id,
    expiresAt: (secret) => secret.expiresAt,
    max: secretsMax,
  });
}
