import type { ArchiveContents, IndexContents } from '../../archives/archive';
import { isArchiveError } from '../../archives/depot';
import type { ImportPlan, ImportRef, PlannedImport } from '../../core/archives/types';
import type { Fleet } from '../../core/fleet';
import { indexUid, physicalUid } from '../../core/ids';
import { indexUidBytesMax } from '../../core/limits';
import { servedFeatures } from '../../core/served-features';
import type { InspectResult } from '../types';
import type { ActivityTools, Call } from '../tools';
import { openArchive, withArchives } from './open';
import { restoresRecords } from './restore-records';

/**
 * Reads the whole archive once and says what importing it would do. Nothing is changed; an archive that
 * is broken anywhere is refused here.
 */
export async function inspectArchive(
  tools: ActivityTools,
  ref: ImportRef,
  call: Call,
): Promise<InspectResult> {
  const archive = openArchive(tools, ref.source);
  try {
    const contents = await archive.contents((documents) => {
      call.signal.throwIfAborted();
      call.beat({ documents });
    });
    return planned(ref, contents, await tools.store.fleet.load());
  } catch (error) {
    if (isArchiveError(error) && error.code !== 'unreachable') {
      return { ok: false, reason: error.message };
    }
    return await withArchives(() => Promise.reject(error));
  } finally {
    archive.close();
  }
}

const uidPattern = /^[A-Za-z0-9_-]+$/;

function planned(ref: ImportRef, contents: ArchiveContents, fleet: Fleet): InspectResult {
  const wanted = contents.indexes.filter(
    ({ uid }) => ref.indexes === null || ref.indexes.includes(uid),
  );
  const missing = (ref.indexes ?? []).filter((uid) => !wanted.some((one) => one.uid === uid));
  if (missing.length > 0) {
    return { ok: false, reason: `The archive has no index ${missing.join(', ')}.` };
  }
  const indexes: PlannedImport[] = [];
  for (const one of wanted) {
    const index = plannedIndex(ref, one, fleet);
    if (typeof index === 'string') return { ok: false, reason: index };
    indexes.push(index);
  }
  const plan: ImportPlan = {
    version: contents.version,
    madeAt: contents.madeAt,
    indexes,
    documents: indexes.reduce((sum, { documents }) => sum + documents, 0),
    bytes: wanted.reduce((sum, { bytes }) => sum + bytes, 0),
    keys: ref.keys ? contents.keys.length : 0,
    aliases: ref.aliases ? contents.aliases.length : 0,
    policies: restoresRecords(ref) ? contents.policies.length + contents.canaries.length : 0,
    notes: [...contents.notes, ...featureNotes(ref, contents)],
  };
  return { ok: true, plan };
}

function plannedIndex(
  { id, prefix, existing }: ImportRef,
  { uid: from, primaryKey, documents, settings }: IndexContents,
  fleet: Fleet,
): PlannedImport | string {
  const uid = `${prefix}${from}`;
  if (!uidPattern.test(uid) || uid.length > indexUidBytesMax) {
    return `\`${uid}\` cannot be the name of an index.`;
  }
  if (fleet.aliases.some(({ name }) => name === uid)) return `There is an alias ${uid}.`;
  const present = fleet.indexes.find((one) => one.uid === uid);
  const base = { from, uid: indexUid(uid), documents };
  if (present === undefined) {
    if (settings === null) return `There is no index ${uid}.`;
    const fresh = `${uid.slice(0, indexUidBytesMax - id.length - 1)}-${id}`;
    return { ...base, physicalUid: physicalUid(fresh), primaryKey, exists: false };
  }
  if (existing === 'refuse') {
    return `There is an index ${uid}. Import under another name (prefix), or add to it (merge).`;
  }
  const other = present.primaryKey !== null && primaryKey !== null;
  if (other && present.primaryKey !== primaryKey) {
    return `The primary key of ${uid} is ${present.primaryKey ?? ''}, in the archive ${primaryKey}.`;
  }
  return {
    ...base,
    physicalUid: present.physicalUid,
    primaryKey: present.primaryKey ?? primaryKey,
    exists: true,
  };
}

const featureNotes = ({ features }: ImportRef, contents: ArchiveContents): string[] =>
  features
    ? contents.features
        .filter((name) => !servedFeatures.includes(name))
        .map((name) => `A fleet does not serve the experimental feature ${name}; it stays off.`)
    : [];
