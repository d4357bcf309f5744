import type { ApiKey, Records } from '../record-types';
import { createRecordStore } from './record-store';
import type { RecordParts } from './record-store';

/** Keys of the API, by uid. The engine keeps expired keys and shows them, so these do not expire here. */
export function createApiKeyStore(parts: RecordParts): Records<ApiKey> {
  return createRecordStore(parts, { kind: 'api-key', idOf: (key) => key.uid });
}
