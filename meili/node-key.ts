import { createHmac } from 'node:crypto';

/** Meilisearch's rule: a key's text is HMAC-SHA256 of its uid under the master key, in hex. */
export function nodeKeyText(masterKey: string, uid: string): string {
  return createHmac('sha256', masterKey).update(uid).digest('hex');
}
