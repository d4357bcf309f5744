import { MeiliError } from '../../../core/errors';
import type { ErrorBody } from '../../../core/errors';
import type { IndexEntry, JsonValue } from '../../../core/fleet';
import { hiddenPrefix } from '../../../core/hidden-fields';
import type { IndexUid } from '../../../core/ids';
import { indexUid as indexUidOf } from '../../../core/ids';
import { indexUidBytesMax } from '../../../core/limits';
import { hiddenInWrittenFilter } from '../../../core/search/hidden-names';
import type { FleetTaskType } from '../../../store/task-types';
import type { FleetCache } from '../../fleet-cache';
import type { JsonObject, WritePlan } from '../plan';

const uidPattern = /^[A-Za-z0-9_-]+$/;

export function isIndexUid(text: string): boolean {
  return text.length <= indexUidBytesMax && uidPattern.test(text);
}

/** Meilisearch's text; it names 512 bytes although 400 is what counts. */
export function invalidIndexUid(text: string, prefix = ''): MeiliError {
  return new MeiliError(
    'invalid_index_uid',
    `${prefix}\`${text}\` is not a valid index uid. Index uid can be an integer or a string containing only alphanumeric characters, hyphens (-) and underscores (_), and can not be more than 512 bytes.`,
  );
}

export function demandIndexUid(text: string, prefix = ''): IndexUid {
  if (!isIndexUid(text)) throw invalidIndexUid(text, prefix);
  if (text.startsWith(hiddenPrefix)) {
    throw new MeiliError(
      'miroir_reserved_field',
      `${prefix}\`${text}\` is not possible: names of indexes that begin with \`${hiddenPrefix}\` are Miroir's own.`,
    );
  }
  return indexUidOf(text);
}

/**
 * The index that a name means for a write: the alias's target where it is an alias. Throws for an
 * alias of several targets, which a write cannot choose between.
 */
export function writeName(fleet: FleetCache, name: string): IndexUid {
  if (fleet.index(name)?.viaAlias === null) return indexUidOf(name);
  const alias = fleet.alias(name);
  if (alias === null) return indexUidOf(name);
  const [target, ...more] = alias.targets;
  if (target !== undefined && more.length === 0) return target;
  throw new MeiliError(
    'miroir_multi_alias_not_writable',
    `The alias \`${name}\` has ${alias.targets.length} targets and is for reading only.`,
  );
}

export function indexNotFound(uid: string): ErrorBody {
  return new MeiliError('index_not_found', `Index \`${uid}\` not found.`).toBody();
}

/** A task that no node hears of: it has failed, or the catalogue is all it changes. */
export function finalPlan(
  task: { type: FleetTaskType; indexUid: string | null; details: JsonObject },
  error: ErrorBody | null,
): WritePlan {
  return {
    physicalUid: null,
    entry: null,
    type: task.type,
    indexUid: task.indexUid,
    details: task.details,
    extra: {},
    shards: [],
    journal: null,
    sequences: 0,
    changes: [],
    final: { error, details: task.details },
    work: () => [],
  };
}

/** What a selection of documents by a filter is written to; or why there is no such thing. */
export type Selection =
  | { readonly uid: IndexUid; readonly entry: IndexEntry; readonly refused: null }
  | { readonly uid: IndexUid; readonly entry: null; readonly refused: ErrorBody };

/**
 * The index whose documents a write selects, and not by a hidden field: a node knows these and would
 * select by them. `filter` as the client wrote it; null without one.
 */
export function selectIn(fleet: FleetCache, name: string, filter: JsonValue | null): Selection {
  const uid = writeName(fleet, name);
  const entry = fleet.index(uid)?.entry ?? null;
  if (entry === null) return { uid, entry, refused: indexNotFound(uid) };
  const hidden = filter === null ? null : hiddenInWrittenFilter(filter, entry.settings);
  if (hidden === null) return { uid, entry, refused: null };
  const error = new MeiliError('invalid_document_filter', `Index \`${uid}\`: ${hidden}`);
  return { uid, entry: null, refused: error.toBody() };
}
