import type { JsonValue, Settings } from '../fleet';
import { applySettings } from '../settings/apply';
import { defaultChat, defaultSettings } from '../settings/defaults';
import { canonicalJson } from '../settings/physical';

/**
 * The layout of a Meilisearch dump of version 6: a gzipped tar of `metadata.json`, `keys.jsonl`,
 * `experimental-features.json`, and for each index `indexes/<uid>/{metadata.json,settings.json,
 * documents.jsonl}`, in whatever order.
 */

export type DumpMember =
  | { readonly kind: 'metadata' }
  | { readonly kind: 'keys' }
  | { readonly kind: 'features' }
  | { readonly kind: 'webhooks' }
  | { readonly kind: 'tasks' }
  | { readonly kind: 'index-metadata'; readonly uid: string }
  | { readonly kind: 'index-settings'; readonly uid: string }
  | { readonly kind: 'index-documents'; readonly uid: string };

const single: Readonly<Record<string, DumpMember>> = {
  'metadata.json': { kind: 'metadata' },
  'keys.jsonl': { kind: 'keys' },
  'experimental-features.json': { kind: 'features' },
  'webhooks.json': { kind: 'webhooks' },
  'tasks/queue.jsonl': { kind: 'tasks' },
};
const ofIndex: Readonly<Record<string, 'index-metadata' | 'index-settings' | 'index-documents'>> = {
  'metadata.json': 'index-metadata',
  'settings.json': 'index-settings',
  'documents.jsonl': 'index-documents',
};

/** What a path in the archive is; null for what an import does not read. */
export function memberOf(path: string): DumpMember | null {
  const name = path.replace(/^(\.\/)+/, '');
  const one = single[name];
  if (one !== undefined) return one;
  const [folder, uid, file, ...more] = name.split('/');
  const kind = ofIndex[file ?? ''];
  if (folder !== 'indexes' || uid === undefined || uid === '' || more.length > 0) return null;
  return kind === undefined ? null : { kind, uid };
}

export interface DumpMetadata {
  readonly dbVersion: string;
  /** RFC 3339. */
  readonly dumpDate: string;
}

export type Read<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string };

export function readMetadata(text: string): Read<DumpMetadata> {
  const value = parsed(text);
  const { dumpVersion, dbVersion, dumpDate } = (value ?? {}) as { [name: string]: JsonValue };
  if (dumpVersion !== 'V6') {
    const found = typeof dumpVersion === 'string' ? dumpVersion : 'unknown';
    return {
      ok: false,
      reason: `This dump is of version ${found}; only V6 is read. Load it into a Meilisearch of today and make a new dump.`,
    };
  }
  return {
    ok: true,
    value: {
      dbVersion: typeof dbVersion === 'string' ? dbVersion : 'unknown',
      dumpDate: typeof dumpDate === 'string' ? dumpDate : '1970-01-01T00:00:00Z',
    },
  };
}

export interface DumpIndex {
  readonly uid: string;
  readonly primaryKey: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export function readIndexMetadata(text: string, uid: string): Read<DumpIndex> {
  const {
    uid: name,
    primaryKey,
    createdAt,
    updatedAt,
  } = (parsed(text) ?? {}) as {
    [name: string]: JsonValue;
  };
  if (name !== uid || typeof createdAt !== 'string' || typeof updatedAt !== 'string') {
    return { ok: false, reason: `The metadata of the index ${uid} cannot be read.` };
  }
  return {
    ok: true,
    value: {
      ...{ uid, createdAt, updatedAt },
      primaryKey: typeof primaryKey === 'string' ? primaryKey : null,
    },
  };
}

export interface DumpSettings {
  readonly settings: Settings;
  /** Settings of features that a fleet does not serve, by name: they are left out. */
  readonly leftOut: readonly string[];
}

/** The settings of an index as GET shows them, of what a dump has. */
export function readSettings(text: string, uid: string): Read<DumpSettings> {
  const value = parsed(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { ok: false, reason: `The settings of the index ${uid} cannot be read.` };
  }
  const { chat, foreignKeys, ...rest } = value;
  const leftOut: string[] = [];
  if (chat !== undefined && chat !== null && canonicalJson(chat) !== canonicalJson(defaultChat)) {
    leftOut.push('chat');
  }
  if (Array.isArray(foreignKeys) && foreignKeys.length > 0) leftOut.push('foreignKeys');
  const applied = applySettings(defaultSettings(), rest);
  if (!applied.ok) {
    return { ok: false, reason: `The settings of the index ${uid}: ${applied.error.message}` };
  }
  return { ok: true, value: { settings: applied.settings, leftOut } };
}

/** The names of the features that are on. */
export function readFeatures(text: string): readonly string[] {
  const value = parsed(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  return Object.entries(value)
    .filter(([, enabled]) => enabled === true)
    .map(([name]) => name);
}

export function countWebhooks(text: string): number {
  const { webhooks } = (parsed(text) ?? {}) as { webhooks?: JsonValue };
  return typeof webhooks === 'object' && webhooks !== null ? Object.keys(webhooks).length : 0;
}

function parsed(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}

/** `YYYYMMDD-HHMMSSmmm` in UTC, as the engine names its dumps. */
export function dumpUidOf(millis: number): string {
  const digits = new Date(millis).toISOString().replace(/\D/g, '');
  return `${digits.slice(0, 8)}-${digits.slice(8, 17)}`;
}
