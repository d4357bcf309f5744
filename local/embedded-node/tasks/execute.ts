/** Does the work of one task. What it returns are the details that the finished task shows. */
import { ApiError, indexNotFound } from '../errors';
import { inferPrimaryKey } from '../index/document-id';
import { IndexStore, primaryKeyExists } from '../index/index-store';
import { compileFilter } from '../filter/compile';
import type { Details, Task, TaskContent } from './types';

/** The indexes of a node by uid. */
export type Indexes = Map<string, IndexStore>;

/** After so many documents the event loop gets a turn, so that searches are answered meanwhile. */
const DOCUMENTS_PER_TURN = 200;

/** Errors that Meilisearch reports without naming the index. */
const UNPREFIXED = new Set([
  'missing_document_id',
  'invalid_document_id',
  'index_primary_key_no_candidate_found',
  'index_primary_key_multiple_candidates_found',
  'index_primary_key_already_exists',
  'index_not_found',
]);

export async function turn(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
}

function indexExists(uid: string): ApiError {
  return new ApiError('index_already_exists', `Index \`${uid}\` already exists.`);
}

function existing(indexes: Indexes, uid: string): IndexStore {
  const index = indexes.get(uid);
  if (index === undefined) throw indexNotFound(uid);
  return index;
}

function existingOrNew(indexes: Indexes, uid: string, now: number): IndexStore {
  let index = indexes.get(uid);
  if (index === undefined) {
    index = new IndexStore(now);
    indexes.set(uid, index);
  }
  return index;
}

type AddContent = Extract<TaskContent, { kind: 'addDocuments' }>;

/** Decides the primary key; an empty payload decides none. */
function settlePrimaryKey(index: IndexStore, content: AddContent): string | null {
  const { primaryKey: asked, documents } = content;
  if (index.primaryKey !== null) {
    if (asked !== null && asked !== index.primaryKey) throw primaryKeyExists(index.primaryKey);
    return index.primaryKey;
  }
  if (asked !== null) return asked;
  const [first] = documents;
  return first === undefined ? null : inferPrimaryKey(first);
}

async function addDocuments(index: IndexStore, content: AddContent): Promise<Details> {
  const { documents } = content;
  const before = index.primaryKey;
  const primaryKey = settlePrimaryKey(index, content);
  if (primaryKey !== null && before === null) {
    if (content.primaryKey === null) index.primaryKey = primaryKey;
    else index.setPrimaryKey(primaryKey);
  }
  let ids: string[];
  try {
    if (content.poison !== null) throw new ApiError('internal', content.poison);
    ids = index.checkDocuments(documents, content);
  } catch (error) {
    index.primaryKey = before;
    throw error;
  }
  for (let at = 0; at < documents.length; at += 1) {
    const document = documents[at];
    const id = ids[at];
    if (document !== undefined && id !== undefined) index.put(id, document, content);
    if (at % DOCUMENTS_PER_TURN === DOCUMENTS_PER_TURN - 1) await turn();
  }
  return { receivedDocuments: documents.length, indexedDocuments: new Set(ids).size };
}

async function deleteIds(index: IndexStore, ids: readonly string[]): Promise<number> {
  let deleted = 0;
  for (let at = 0; at < ids.length; at += 1) {
    if (index.delete(ids[at] ?? '')) deleted += 1;
    if (at % DOCUMENTS_PER_TURN === DOCUMENTS_PER_TURN - 1) await turn();
  }
  return deleted;
}

async function deleteFilter(
  index: IndexStore,
  filter: Extract<TaskContent, { kind: 'deleteFilter' }>['filter'],
): Promise<number> {
  const report = { code: 'invalid_document_filter', prefix: '', reprinted: false };
  const docids = compileFilter(filter, index.facets, report);
  const ids = index
    .sortedDocids(docids ?? undefined)
    .map((docid) => index.documents.get(docid)?.id);
  return deleteIds(
    index,
    ids.filter((id) => id !== undefined),
  );
}

function updateIndex(
  indexes: Indexes,
  uid: string,
  content: Extract<TaskContent, { kind: 'updateIndex' }>,
): void {
  const index = existing(indexes, uid);
  const { primaryKey, newUid } = content;
  if (newUid !== null && newUid !== uid && indexes.has(newUid)) throw indexExists(newUid);
  if (primaryKey !== null && primaryKey !== index.primaryKey) {
    if (index.documents.size > 0) {
      throw primaryKeyExists(index.primaryKey ?? '', `Index \`${uid}\`: `);
    }
    index.setPrimaryKey(primaryKey);
  }
  if (newUid !== null && newUid !== uid) {
    indexes.delete(uid);
    indexes.set(newUid, index);
  }
}

function swap(indexes: Indexes, pairs: readonly (readonly [string, string])[]): void {
  const missing = pairs.flat().filter((uid) => !indexes.has(uid));
  if (missing.length === 1) throw indexNotFound(missing[0] ?? '');
  if (missing.length > 1) {
    const list = missing
      .sort()
      .map((uid) => `\`${uid}\``)
      .join(', ');
    throw new ApiError('index_not_found', `Indexes ${list} not found.`);
  }
  for (const [left, right] of pairs) {
    const [first, second] = [existing(indexes, left), existing(indexes, right)];
    indexes.set(left, second);
    indexes.set(right, first);
  }
}

/** Work on an index that exists, or that the task may create. */
async function onIndex(
  index: IndexStore,
  details: Details,
  content: TaskContent,
): Promise<Details> {
  switch (content.kind) {
    case 'addDocuments':
      return addDocuments(index, content);
    case 'deleteIds':
      return { ...details, deletedDocuments: await deleteIds(index, content.ids) };
    case 'deleteFilter':
      return { ...details, deletedDocuments: await deleteFilter(index, content.filter) };
    case 'clear':
      return { deletedDocuments: index.clear() };
    case 'settings':
      index.changeSettings(content.change);
      return details;
    default:
      return details;
  }
}

async function onNode(task: Task, indexes: Indexes, now: number): Promise<Details> {
  const { content, details } = task;
  const uid = task.indexUid ?? '';
  switch (content.kind) {
    case 'createIndex': {
      if (indexes.has(uid)) throw indexExists(uid);
      const index = existingOrNew(indexes, uid, now);
      if (content.primaryKey !== null) index.setPrimaryKey(content.primaryKey);
      return details;
    }
    case 'updateIndex':
      updateIndex(indexes, uid, content);
      return details;
    case 'deleteIndex': {
      const deletedDocuments = existing(indexes, uid).documents.size;
      indexes.delete(uid);
      return { deletedDocuments };
    }
    case 'swap':
      swap(indexes, content.pairs);
      return details;
    default: {
      const creates =
        content.kind === 'addDocuments' || (content.kind === 'settings' && !content.isReset);
      const index = creates ? existingOrNew(indexes, uid, now) : existing(indexes, uid);
      const result = await onIndex(index, details, content);
      index.updatedAt = now;
      return result;
    }
  }
}

/**
 * Runs a task that concerns indexes; `now` dates what it creates. Throws `ApiError` with the text
 * that the failed task shows.
 */
export async function executeTask(task: Task, indexes: Indexes, now: number): Promise<Details> {
  try {
    return await onNode(task, indexes, now);
  } catch (error) {
    if (!(error instanceof ApiError) || UNPREFIXED.has(error.code)) throw error;
    if (error.code === 'index_already_exists') throw error;
    throw new ApiError(error.code, `Index \`${task.indexUid ?? ''}\`: ${error.message}`);
  }
}
