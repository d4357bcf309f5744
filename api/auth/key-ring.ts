import { randomUUID } from 'node:crypto';
import type { ApiKey } from '../../store/record-types';
import type { Store } from '../../store/types';
import { deriveKey } from './secrets';

/**
 * Miroir's own API keys, in memory by the text that clients send. The text is derived from the master
 * key and the key's uid as Meilisearch derives it, so the keys and tenant tokens of an existing
 * installation go on working; it is not stored anywhere.
 *
 * Every change of a key raises the epoch, and every pod reloads its ring when it reloads the fleet:
 * a revoked key is refused on every pod as soon as the pod has acknowledged that epoch.
 */
export class KeyRing {
  #byText = new Map<string, ApiKey>();
  #byUid = new Map<string, ApiKey>();

  constructor(
    private readonly masterKey: string | null,
    private readonly store: Pick<Store, 'apiKeys'>,
  ) {}

  async reload(): Promise<void> {
    const keys = await this.store.apiKeys.list({ limit: apiKeysMax });
    this.#byUid = new Map(keys.map((key) => [key.uid, key]));
    const { masterKey } = this;
    this.#byText =
      masterKey === null
        ? new Map()
        : new Map(keys.map((key) => [deriveKey(masterKey, key.uid), key]));
  }

  /** The text is the secret itself; a look-up by its hash in a map tells nothing by its time. */
  byText(text: string): ApiKey | null {
    return this.#byText.get(text) ?? null;
  }

  byUid(uid: string): ApiKey | null {
    return this.#byUid.get(uid.toLowerCase()) ?? null;
  }

  textOf(uid: string): string {
    return this.masterKey === null ? '' : deriveKey(this.masterKey, uid);
  }

  /** Newest first, as the list route shows them. */
  list(): ApiKey[] {
    return [...this.#byUid.values()].sort((a, b) =>
      a.createdAt === b.createdAt ? 0 : a.createdAt < b.createdAt ? 1 : -1,
    );
  }
}

/** Bounded, because every pod holds all of them in memory. */
export const apiKeysMax = 10_000;

/** The four keys that a new Meilisearch comes with, in the order of their creation. */
export function defaultKeys(now: Date): ApiKey[] {
  const make = (ordinal: number, name: string, description: string, actions: string[]): ApiKey => {
    // A millisecond apart, so that the list shows them in Meilisearch's order, newest first.
    const at = new Date(now.getTime() - ordinal).toISOString();
    const indexes = ['*'];
    const expiresAt = null;
    return {
      uid: randomUUID(),
      name,
      description,
      actions,
      indexes,
      expiresAt,
      createdAt: at,
      updatedAt: at,
    };
  };
  return [
    make(0, 'Default Search API Key', 'Use it to search from the frontend', ['search']),
    make(
      1,
      'Default Admin API Key',
      'Use it for anything that is not a search operation. Caution! Do not expose it on a public frontend',
      ['*'],
    ),
    make(
      2,
      'Default Read-Only Admin API Key',
      'Use it to read information across the whole database. Caution! Do not expose this key on a public frontend',
      ['*.get', 'keys.get'],
    ),
    make(3, 'Default Chat API Key', 'Use it to chat and search from the frontend', [
      'chatCompletions',
      'search',
    ]),
  ];
}
