import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/**
 * Whether two secrets are equal, in a time that tells nothing of either. Both sides are hashed first,
 * because a comparison of unequal lengths would tell the length.
 */
export function sameSecret(a: string, b: string): boolean {
  return timingSafeEqual(sha256(a), sha256(b));
}

/** The text of an API key, as Meilisearch derives it: it is never stored. */
export function deriveKey(masterKey: string, keyUid: string): string {
  return createHmac('sha256', masterKey).update(keyUid.toLowerCase()).digest('hex');
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
