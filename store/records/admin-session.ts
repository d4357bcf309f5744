import type { Channels } from '../channels';
import type { AdminSession, AdminSessionStore } from '../record-types';
import { createRecordStore } from './record-store';
import type { RecordParts } from './record-store';

/**
 * Kind `admin-session`: expires. A revoked one is gone from Redis before the message is sent, so a pod
 * that misses the message and asks Redis still refuses it.
 */
export function createAdminSessionStore(parts: RecordParts, channels: Channels): AdminSessionStore {
  const { redis, keys } = parts;
  const records = createRecordStore<AdminSession>(parts, {
    kind: 'admin-session',
    idOf: (session) => session.id,
    expiresAt: (session) => session.expiresAt,
  });
  return {
    ...records,
    async revoke(id) {
      const existed = await records.delete(id);
      await redis.publish(keys.adminSessionRevokedChannel, id);
      return existed;
    },
    watchRevoked: (listener) => channels.listen(keys.adminSessionRevokedChannel, listener),
  };
}
