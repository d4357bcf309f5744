import type { JsonValue } from '../fleet';

/** A key as Miroir keeps it; the text that clients send is derived from the master key and the uid. */
export interface ArchivedKey {
  readonly uid: string;
  readonly name: string | null;
  readonly description: string | null;
  readonly actions: readonly string[];
  readonly indexes: readonly string[];
  readonly expiresAt: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

const texts = (value: JsonValue | undefined): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string');

/** One line of a dump's `keys.jsonl`; null for what is no key. */
export function keyOfDump(line: JsonValue): ArchivedKey | null {
  if (typeof line !== 'object' || line === null || Array.isArray(line)) return null;
  const { uid, actions, indexes, name, description } = line;
  const { expires_at: expires, created_at: created, updated_at: updated } = line;
  if (typeof uid !== 'string' || !uuid.test(uid) || !texts(actions) || !texts(indexes)) return null;
  if (typeof created !== 'string' || typeof updated !== 'string') return null;
  if (expires !== null && expires !== undefined && typeof expires !== 'string') return null;
  return {
    uid: uid.toLowerCase(),
    name: typeof name === 'string' ? name : null,
    description: typeof description === 'string' ? description : null,
    actions,
    indexes,
    expiresAt: expires ?? null,
    createdAt: created,
    updatedAt: updated,
  };
}

/** The same line, as the engine writes it: absent texts are left out. */
export function keyForDump(key: ArchivedKey): { [member: string]: JsonValue } {
  return {
    ...(key.description === null ? {} : { description: key.description }),
    ...(key.name === null ? {} : { name: key.name }),
    uid: key.uid,
    actions: [...key.actions],
    indexes: [...key.indexes],
    expires_at: key.expiresAt,
    created_at: key.createdAt,
    updated_at: key.updatedAt,
  };
}
