/** Routes that read documents. */
import { ApiError } from '../errors';
import type { Json, JsonObject } from '../engine/json';
import { parseFilter, refuseContains, runFilter } from '../filter/compile';
import { ok } from '../http/answer';
import type { Answer } from '../http/answer';
import { jsonBody } from '../http/request';
import type { NodeRequest } from '../http/request';
import { filterOfQuery, readQuery } from '../http/query';
import type { Router } from '../http/router';
import * as check from '../http/validate';
import { idText, invalidId } from '../index/document-id';
import type { IndexStore, StoredDocument } from '../index/index-store';
import { selectFields } from '../index/select-fields';
import { sortDocuments } from '../index/sort-documents';
import { shownVectors } from '../index/vectors';
import type { EmbeddedNode } from '../node';

const FETCH_FIELDS: Readonly<Record<string, string>> = {
  offset: 'invalid_document_offset',
  limit: 'invalid_document_limit',
  fields: 'invalid_document_fields',
  retrieveVectors: 'invalid_document_retrieve_vectors',
  ids: 'invalid_document_ids',
  filter: 'invalid_document_filter',
  sort: 'invalid_document_sort',
  useNetwork: 'invalid_document_use_network',
};

interface Fetch {
  readonly offset: number;
  readonly limit: number;
  readonly fields: readonly string[] | null;
  readonly retrieveVectors: boolean;
  readonly ids: readonly Json[] | null;
  readonly filter: Json;
  readonly sort: readonly string[];
}

function fetchOfQuery(request: NodeRequest): Fetch {
  const query = readQuery(request, FETCH_FIELDS);
  const fields = query.list('fields');
  return {
    offset: query.uint('offset') ?? 0,
    limit: query.uint('limit') ?? 20,
    fields: fields?.includes('*') === true ? null : fields,
    retrieveVectors: query.flag('retrieveVectors') ?? false,
    ids: query.list('ids'),
    filter: filterOfQuery(query.text('filter')),
    sort: query.list('sort') ?? [],
  };
}

/** Fields that have a default may be absent, but not null. */
function nullRefused(name: string): number {
  return check.asUint(null, check.child(check.ROOT, name, FETCH_FIELDS[name]));
}

function fetchOfBody(request: NodeRequest): Fetch {
  const body = check.asStruct(jsonBody(request), Object.keys(FETCH_FIELDS), check.ROOT);
  const read = <T>(name: string, as: (value: Json, place: check.Place) => T): T | null => {
    const value = body.get(name) ?? null;
    return value === null ? null : as(value, check.child(check.ROOT, name, FETCH_FIELDS[name]));
  };
  const fields = read('fields', check.asStrings);
  return {
    offset:
      body.get('offset') === null ? nullRefused('offset') : (read('offset', check.asUint) ?? 0),
    limit: body.get('limit') === null ? nullRefused('limit') : (read('limit', check.asUint) ?? 20),
    fields: fields?.includes('*') === true ? null : fields,
    retrieveVectors: read('retrieveVectors', check.asBoolean) ?? false,
    ids: read('ids', check.asArray),
    filter: body.get('filter') ?? null,
    sort: read('sort', check.asStrings) ?? [],
  };
}

function shown(
  index: IndexStore,
  stored: StoredDocument,
  fetch: Pick<Fetch, 'fields' | 'retrieveVectors'>,
): JsonObject {
  const { document, vectors } = stored;
  const selected = fetch.fields === null ? new Map(document) : selectFields(document, fetch.fields);
  const wanted = fetch.fields === null || fetch.fields.includes('_vectors');
  if (fetch.retrieveVectors && wanted)
    selected.set('_vectors', shownVectors(vectors, index.embedders));
  return selected;
}

function docidsOfIds(index: IndexStore, ids: readonly Json[]): Set<number> {
  const docids = new Set<number>();
  ids.forEach((value, at) => {
    const id = idText(value);
    if (id === null) {
      const fault = invalidId(value, 'invalid_document_ids');
      throw new ApiError(fault.code, `In \`.ids[${at}]\`: ${fault.message}`);
    }
    const found = index.find(id);
    if (found !== null) docids.add(found.docid);
  });
  return docids;
}

function list(node: EmbeddedNode, uid: string, fetch: Fetch): Answer {
  const condition = parseFilter(fetch.filter, 'invalid_document_filter');
  if (node.features['containsFilter'] !== true) refuseContains(condition);
  const index = node.index(uid);
  const report = { code: 'invalid_document_filter', prefix: '', reprinted: false };
  let docids = condition === null ? null : runFilter(condition, index.facets, report);
  if (fetch.ids !== null) {
    const wanted = docidsOfIds(index, fetch.ids);
    const passing = docids;
    docids = passing === null ? wanted : new Set([...wanted].filter((docid) => passing.has(docid)));
  }
  const sorted = sortDocuments(index, index.sortedDocids(docids ?? undefined), fetch.sort);
  const results = sorted.slice(fetch.offset, fetch.offset + fetch.limit).map((docid) => {
    const stored = index.documents.get(docid);
    return stored === undefined ? new Map() : shown(index, stored, fetch);
  });
  return ok({ results, offset: fetch.offset, limit: fetch.limit, total: sorted.length });
}

const ONE_FIELDS = {
  fields: 'invalid_document_fields',
  retrieveVectors: 'invalid_document_retrieve_vectors',
  useNetwork: 'invalid_document_use_network',
};

function one(node: EmbeddedNode, request: NodeRequest, uid: string, id: string): Answer {
  const query = readQuery(request, ONE_FIELDS);
  const fields = query.list('fields');
  const index = node.index(uid);
  const found = index.find(id);
  if (found === null) throw new ApiError('document_not_found', `Document \`${id}\` not found.`);
  return ok(
    shown(index, found.stored, {
      fields: fields?.includes('*') === true ? null : fields,
      retrieveVectors: query.flag('retrieveVectors') ?? false,
    }),
  );
}

export function addDocumentReads(router: Router, node: EmbeddedNode): void {
  const base = '/indexes/:uid/documents';
  router.add('GET', base, (request, { uid = '' }) => {
    const fetch = fetchOfQuery(request);
    node.checkUid(uid);
    return list(node, uid, fetch);
  });
  router.add('POST', `${base}/fetch`, (request, { uid = '' }) => {
    const fetch = fetchOfBody(request);
    node.checkUid(uid);
    return list(node, uid, fetch);
  });
  router.add('GET', `${base}/:id`, (request, { uid = '', id = '' }) => one(node, request, uid, id));
}
