/** Routes of indexes and of their statistics. */
import { formatDate } from '../clock';
import { ApiError } from '../errors';
import type { JsonObject } from '../engine/json';
import { accepted, ok, toJsonText } from '../http/answer';
import type { Answer } from '../http/answer';
import { jsonBody } from '../http/request';
import type { NodeRequest } from '../http/request';
import { readQuery } from '../http/query';
import type { Router } from '../http/router';
import * as check from '../http/validate';
import type { IndexStore } from '../index/index-store';
import { embeddingsOf } from '../index/vectors';
import { uidFault } from '../node';
import type { EmbeddedNode } from '../node';
import { summary } from '../tasks/describe';

function shownIndex(uid: string, index: IndexStore): Record<string, unknown> {
  return {
    uid,
    createdAt: formatDate(index.createdAt),
    updatedAt: formatDate(index.updatedAt),
    primaryKey: index.primaryKey,
  };
}

/** Sizes by document; documents are never changed, only replaced. */
const sizes = new WeakMap<JsonObject, number>();

function sizeOf(document: JsonObject): number {
  let size = sizes.get(document);
  if (size === undefined) {
    size = Buffer.byteLength(toJsonText(document));
    sizes.set(document, size);
  }
  return size;
}

/** Sizes are those of the documents as JSON: the embedded node has no database. */
export function indexStats(index: IndexStore, isIndexing: boolean): Record<string, unknown> {
  const embedders = Object.keys(index.embedders);
  let bytes = 0;
  let embeddings = 0;
  let embedded = 0;
  for (const { document, vectors } of index.documents.values()) {
    bytes += sizeOf(document);
    if (embedders.length === 0) continue;
    const counts = embedders.map((name) => embeddingsOf(vectors, name)?.length ?? 0);
    const count = counts.reduce((sum, item) => sum + item, 0);
    embeddings += count;
    if (count > 0) embedded += 1;
  }
  const numberOfDocuments = index.documents.size;
  return {
    numberOfDocuments,
    rawDocumentDbSize: bytes,
    avgDocumentSize: numberOfDocuments === 0 ? 0 : Math.floor(bytes / numberOfDocuments),
    isIndexing,
    numberOfEmbeddings: embeddings,
    numberOfEmbeddedDocuments: embedded,
    fieldDistribution: Object.fromEntries(
      [...index.fieldCounts].sort(([left], [right]) => (left < right ? -1 : 1)),
    ),
  };
}

function create(node: EmbeddedNode, request: NodeRequest): Answer {
  const body = check.asStruct(jsonBody(request), ['uid', 'primaryKey'], check.ROOT);
  const uidPlace = check.child(check.ROOT, 'uid', 'invalid_index_uid');
  const sentUid = body.get('uid');
  if (sentUid === undefined) throw check.missingField('uid', check.ROOT, 'missing_index_uid');
  const uid = check.asString(sentUid, uidPlace);
  const fault = uidFault(uid);
  if (fault !== null) throw check.invalidValue(fault, uidPlace);
  const key = body.get('primaryKey') ?? null;
  const place = check.child(check.ROOT, 'primaryKey', 'invalid_index_primary_key');
  const primaryKey = key === null ? null : check.asString(key, place);
  const task = node.queue.enqueue({ indexUid: uid, content: { kind: 'createIndex', primaryKey } });
  return accepted(summary(task));
}

const IMMUTABLE: Readonly<Record<string, string>> = {
  createdAt: 'immutable_index_created_at',
  updatedAt: 'immutable_index_updated_at',
};

function update(node: EmbeddedNode, request: NodeRequest, uid: string): Answer {
  node.checkUid(uid);
  const names = ['primaryKey', 'uid'];
  const body = check.asObject(jsonBody(request), check.ROOT);
  for (const name of body.keys()) {
    if (names.includes(name)) continue;
    const code = IMMUTABLE[name];
    if (code === undefined) throw check.unknownField(name, names, check.ROOT);
    throw new ApiError(
      code,
      `Immutable field \`${name}\`: expected one of \`primaryKey\`, \`uid\``,
    );
  }
  const read = (name: string, code: string): string | null => {
    const value = body.get(name) ?? null;
    return value === null ? null : check.asString(value, check.child(check.ROOT, name, code));
  };
  const primaryKey = read('primaryKey', 'invalid_index_primary_key');
  const newUid = read('uid', 'invalid_index_uid');
  const fault = newUid === null ? null : uidFault(newUid);
  if (fault !== null) {
    throw new ApiError('invalid_index_uid', fault);
  }
  const task = node.queue.enqueue({
    indexUid: uid,
    content: { kind: 'updateIndex', primaryKey, newUid },
  });
  return accepted(summary(task));
}

function readPair(item: Parameters<typeof check.asObject>[0], at: number): [string, string] {
  const place = check.child(check.ROOT, at);
  const pair = check.asStruct(item, ['indexes', 'rename'], place);
  const sent = pair.get('indexes');
  if (sent === undefined) throw check.missingField('indexes', place, 'missing_swap_indexes');
  const uids = check.asStrings(sent, check.child(place, 'indexes', 'invalid_swap_indexes'));
  const [first, second] = uids;
  if (first === undefined || second === undefined || uids.length !== 2) {
    const message = `Two indexes must be given for each swap. The list \`${toJsonText(uids)}\` contains ${uids.length} indexes.`;
    throw new ApiError('invalid_swap_indexes', message);
  }
  return [first, second];
}

function swap(node: EmbeddedNode, request: NodeRequest): Answer {
  const pairs = check.asArray(jsonBody(request), check.ROOT).map(readPair);
  const uids = pairs.flat();
  const doubles = [...new Set(uids.filter((uid, at) => uids.indexOf(uid) !== at))].sort();
  if (doubles.length > 0) {
    const list = doubles.map((uid) => `\`${uid}\``).join(', ');
    const verb = doubles.length === 1 ? 'was' : 'were';
    const message = `Indexes must be declared only once during a swap. ${list} ${verb} specified several times.`;
    throw new ApiError('invalid_swap_duplicate_index_found', message);
  }
  return accepted(
    summary(node.queue.enqueue({ indexUid: null, content: { kind: 'swap', pairs } })),
  );
}

export function addIndexRoutes(router: Router, node: EmbeddedNode): void {
  router.add('GET', '/indexes', (request) => {
    const query = readQuery(request, {
      offset: 'invalid_index_offset',
      limit: 'invalid_index_limit',
    });
    const offset = query.uint('offset') ?? 0;
    const limit = query.uint('limit') ?? 20;
    const uids = [...node.indexes.keys()].sort();
    const results = uids
      .slice(offset, offset + limit)
      .map((uid) => shownIndex(uid, node.index(uid)));
    return ok({ results, offset, limit, total: uids.length });
  });
  router.add('POST', '/indexes', (request) => create(node, request));
  router.add('GET', '/indexes/:uid', (_request, { uid = '' }) =>
    ok(shownIndex(uid, node.index(uid))),
  );
  router.add('PATCH', '/indexes/:uid', (request, { uid = '' }) => update(node, request, uid));
  router.add('DELETE', '/indexes/:uid', (_request, { uid = '' }) => {
    node.checkUid(uid);
    const task = node.queue.enqueue({ indexUid: uid, content: { kind: 'deleteIndex' } });
    return accepted(summary(task));
  });
  router.add('GET', '/indexes/:uid/stats', (_request, { uid = '' }) =>
    ok(indexStats(node.index(uid), node.queue.isIndexing(uid))),
  );
  router.add('POST', '/swap-indexes', (request) => swap(node, request));
}
