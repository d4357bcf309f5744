import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';

/**
 * States are sealed before they are given to nodes: they hold embedders' keys and webhooks' headers,
 * which whoever has only the nodes' key cannot read elsewhere; and a state that somebody else wrote
 * there must not become the fleet's.
 */

const cipher = 'aes-256-gcm';
const nonceBytes = 12;
const tagBytes = 16;
/** A fixed salt: the same secret must open on every pod what any pod has sealed. */
const salt = 'miroir-meta-1';

const compress = promisify(gzip);
const expand = promisify(gunzip);

export class Sealer {
  #key: Promise<Buffer> | null = null;

  constructor(private readonly secret: string) {}

  /** Base 64. `label` is bound to the text: opened under another label it is refused. */
  async seal(text: string, label: string): Promise<string> {
    const nonce = randomBytes(nonceBytes);
    const sealing = createCipheriv(cipher, await this.#derived(), nonce);
    sealing.setAAD(Buffer.from(label));
    const body = Buffer.concat([sealing.update(await compress(text)), sealing.final()]);
    return Buffer.concat([nonce, sealing.getAuthTag(), body]).toString('base64');
  }

  /** Null: sealed with another secret, for another label, or not by Miroir. */
  async open(sealed: string, label: string): Promise<string | null> {
    const bytes = Buffer.from(sealed, 'base64');
    if (bytes.length < nonceBytes + tagBytes) return null;
    try {
      const nonce = bytes.subarray(0, nonceBytes);
      const opening = createDecipheriv(cipher, await this.#derived(), nonce);
      opening.setAAD(Buffer.from(label));
      opening.setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes));
      const body = bytes.subarray(nonceBytes + tagBytes);
      const text = await expand(Buffer.concat([opening.update(body), opening.final()]));
      return text.toString('utf8');
    } catch {
      return null;
    }
  }

  /** Slow on purpose, because a secret may be a short one; once a process. */
  #derived(): Promise<Buffer> {
    this.#key ??= new Promise((resolve, reject) => {
      scrypt(this.secret, salt, 32, (error, key) =>
        error === null ? resolve(key) : reject(error),
      );
    });
    return this.#key;
  }
}
