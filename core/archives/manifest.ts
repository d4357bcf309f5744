import type { ArchivedKey } from './keys';
import type { ArchivedIndex } from './types';

/** The file that makes a backup one: it is written last, so a backup without it is not complete. */
export const manifestName = 'manifest.json';
export const manifestVersion = 1;

export interface BackupManifest {
  readonly format: 'miroir-backup';
  readonly version: number;
  readonly id: string;
  /** RFC 3339. */
  readonly startedAt: string;
  readonly finishedAt: string;
  /** Every fleet task up to this one is in it. */
  readonly upToTask: number;
  readonly epoch: number;
  readonly indexes: readonly ArchivedIndex[];
  readonly aliases: readonly { readonly name: string; readonly targets: readonly string[] }[];
  readonly keys: readonly ArchivedKey[];
  /** Records of rollover policies and canaries as they were; a restore makes those that are not there. */
  readonly policies: readonly object[];
  readonly canaries: readonly object[];
  readonly features: readonly string[];
}

export type ManifestOutcome =
  | { readonly ok: true; readonly manifest: BackupManifest }
  | { readonly ok: false; readonly reason: string };

/** Reads a manifest; a wrong shape is a reason and never an exception. */
export function parseManifest(text: string): ManifestOutcome {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { ok: false, reason: 'The manifest is no JSON.' };
  }
  const { format, version, indexes } = (value ?? {}) as Partial<BackupManifest>;
  if (format !== 'miroir-backup') return { ok: false, reason: 'This is no manifest of a backup.' };
  if (version !== manifestVersion) {
    return { ok: false, reason: `The manifest's version is ${String(version)}, not 1.` };
  }
  if (!Array.isArray(indexes) || !indexes.every(isIndex)) {
    return { ok: false, reason: 'The manifest does not list its indexes.' };
  }
  return { ok: true, manifest: value as BackupManifest };
}

function isIndex(value: unknown): boolean {
  const { uid, parts, documents, digest } = (value ?? {}) as Partial<ArchivedIndex>;
  return (
    typeof uid === 'string' &&
    typeof documents === 'number' &&
    typeof digest === 'string' &&
    Array.isArray(parts)
  );
}
