import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

/**
 * Secrets of others (the key of an old instance) are kept sealed: AES-256-GCM under a key that is derived
 * from the nodes' master key, which every process of the fleet has and Redis has not. A sealed text is
 * `v1.<nonce>.<tag>.<text>`, base64url each.
 */
const algorithm = 'aes-256-gcm';
const nonceBytes = 12;

function sealingKey(masterKey: string): Buffer {
  return Buffer.from(hkdfSync('sha256', masterKey, '', 'miroir sealed secrets v1', 32));
}

export function seal(masterKey: string, text: string): string {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv(algorithm, sealingKey(masterKey), nonce);
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return ['v1', nonce, cipher.getAuthTag(), sealed]
    .map((part) => (typeof part === 'string' ? part : part.toString('base64url')))
    .join('.');
}

/** Null: it was sealed under another key, or changed since. */
export function unseal(masterKey: string, sealed: string): string | null {
  const [version, ...parts] = sealed.split('.');
  const [nonce, tag, text] = parts.map((part) => Buffer.from(part, 'base64url'));
  if (version !== 'v1' || nonce === undefined || tag === undefined || text === undefined) {
    return null;
  }
  try {
    const decipher = createDecipheriv(algorithm, sealingKey(masterKey), nonce, {
      authTagLength: 16,
    });
    decipher.setAuthTag(tag);
    return Buffer.concat([decipher.update(text), decipher.final()]).toString('utf8');
  } catch {
    // Node.js says no more than that the text does not belong to the key.
    return null;
  }
}
