import { PayloadError, parseDocuments } from '../../core/documents/parse';
import { prepareDocuments } from '../../core/documents/prepare';
import type { IndexEntry } from '../../core/fleet';
import { embeddersOf, hasGeo } from '../../core/settings/checks';

export interface Fault {
  readonly code: string;
  readonly message: string;
}

/** Why the fleet would not take this one document; null when nothing is wrong with it by itself. */
export function faultOf(bytes: Uint8Array, entry: IndexEntry): Fault | null {
  try {
    const parsed = parseDocuments(bytes, 'ndjson');
    if (entry.primaryKey === null) return null;
    const prepared = prepareDocuments({
      parsed,
      primaryKey: entry.primaryKey,
      shardCount: entry.shardCount,
      ttl: entry.ttl !== undefined,
      indexUid: entry.uid,
      geo: hasGeo(entry.settings),
      embedders: embeddersOf(entry.settings),
    });
    return prepared.ok ? null : { code: prepared.error.code, message: prepared.error.message };
  } catch (error) {
    if (error instanceof PayloadError) return { code: error.code, message: error.message };
    throw error;
  }
}
