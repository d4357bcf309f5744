/** API keys. A key is never stored: it is derived from the master key and the uid of the key. */
import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import { formatDate, nowMicros } from './clock';

export interface Key {
  name: string | null;
  description: string | null;
  readonly uid: string;
  readonly actions: readonly string[];
  readonly indexes: readonly string[];
  /** RFC 3339, or null for never. */
  readonly expiresAt: string | null;
  /** Microseconds since 1970. */
  readonly createdAt: number;
  updatedAt: number;
}

const DEFAULT_KEYS: readonly (readonly [string, string, readonly string[]])[] = [
  [
    'Default Chat API Key',
    'Use it to chat and search from the frontend',
    ['chatCompletions', 'search'],
  ],
  [
    'Default Read-Only Admin API Key',
    'Use it to read information across the whole database. Caution! Do not expose this key on a public frontend',
    ['*.get', 'keys.get'],
  ],
  [
    'Default Admin API Key',
    'Use it for anything that is not a search operation. Caution! Do not expose it on a public frontend',
    ['*'],
  ],
  ['Default Search API Key', 'Use it to search from the frontend', ['search']],
];

export class KeyStore {
  /** Oldest first. */
  private readonly keys = new Map<string, Key>();

  constructor(private readonly masterKey: string) {}

  /** The keys that a new node has. */
  addDefaults(): Key[] {
    return DEFAULT_KEYS.map(([name, description, actions], index) => {
      const createdAt = nowMicros() + index;
      const uid = randomUUID();
      const key = {
        name,
        description,
        uid,
        actions,
        indexes: ['*'],
        expiresAt: null,
        createdAt,
        updatedAt: createdAt,
      };
      this.put(key);
      return key;
    });
  }

  put(key: Key): void {
    this.keys.set(key.uid, key);
  }

  delete(uid: string): boolean {
    return this.keys.delete(uid);
  }

  has(uid: string): boolean {
    return this.keys.has(uid);
  }

  /** Newest first. */
  list(): Key[] {
    return [...this.keys.values()].reverse();
  }

  /** By uid, or by the key itself. */
  find(uidOrKey: string): Key | undefined {
    return this.keys.get(uidOrKey) ?? this.list().find(({ uid }) => this.derive(uid) === uidOrKey);
  }

  derive(uid: string): string {
    return createHmac('sha256', this.masterKey).update(uid).digest('hex');
  }

  /** Whether the bearer is the master key, or a key in force that may do everything. */
  mayDoAll(bearer: string): boolean {
    if (sameText(bearer, this.masterKey)) return true;
    return this.list().some(({ uid, actions, indexes, expiresAt }) => {
      const inForce = expiresAt === null || Date.parse(expiresAt) > Date.now();
      return (
        inForce &&
        actions.includes('*') &&
        indexes.includes('*') &&
        sameText(bearer, this.derive(uid))
      );
    });
  }

  shown(key: Key): Record<string, unknown> {
    return {
      name: key.name,
      description: key.description,
      key: this.derive(key.uid),
      uid: key.uid,
      actions: key.actions,
      indexes: key.indexes,
      expiresAt: key.expiresAt,
      createdAt: formatDate(key.createdAt),
      updatedAt: formatDate(key.updatedAt),
    };
  }
}

function sameText(left: string, right: string): boolean {
  const [a, b] = [Buffer.from(left), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}
