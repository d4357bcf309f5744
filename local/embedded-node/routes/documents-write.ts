/** Routes that change documents; each puts one task into the queue. */
import { ApiError, featureNotEnabled } from '../errors';
import { parseJson } from '../engine/json';
import { parseFilter, refuseContains } from '../filter/compile';
import { accepted, toJsonText } from '../http/answer';
import type { Answer } from '../http/answer';
import { DOCUMENT_TYPES, bodyText, jsonBody, mediaType, wrongContentType } from '../http/request';
import type { NodeRequest } from '../http/request';
import { readQuery } from '../http/query';
import type { QueryReader } from '../http/query';
import type { Router } from '../http/router';
import * as check from '../http/validate';
import { idText, invalidId } from '../index/document-id';
import { parsePayload } from '../index/payload';
import type { PayloadFormat } from '../index/payload';
import type { EmbeddedNode } from '../node';
import { summary } from '../tasks/describe';
import type { TaskContent } from '../tasks/types';

const ADD_QUERY = {
  primaryKey: 'invalid_index_primary_key',
  csvDelimiter: 'invalid_document_csv_delimiter',
  customMetadata: 'invalid_index_custom_metadata',
  skipCreation: 'invalid_skip_creation',
};
const DELETE_QUERY = { customMetadata: 'invalid_index_custom_metadata' };

const FORMATS: Readonly<Record<string, PayloadFormat>> = {
  'application/json': 'json',
  'application/x-ndjson': 'ndjson',
  'text/csv': 'csv',
};

function readDelimiter(query: QueryReader): string | null {
  const text = query.text('csvDelimiter');
  if (text === null) return null;
  const code = 'invalid_document_csv_delimiter';
  const expected = 'expected a string of one character, but found';
  const characters = [...text].length;
  if (characters === 0) throw query.unparsable('csvDelimiter', `${expected} an empty string`);
  if (characters > 1) {
    const found = `the following string of ${characters} characters: \`${text}\``;
    throw query.unparsable('csvDelimiter', `${expected} ${found}`);
  }
  if (text > '\x7f') {
    throw new ApiError(code, `csv delimiter must be an ascii character. Found: \`${text}\``);
  }
  return text;
}

function readSkipCreation(query: QueryReader): boolean {
  const text = query.text('skipCreation');
  if (text === null) return false;
  const lower = text.toLowerCase();
  if (lower !== 'true' && lower !== 'false') {
    const message = `skipCreation must be either \`true\` or \`false\`. Found: \`${text}\``;
    throw new ApiError('invalid_skip_creation', message);
  }
  return lower === 'true';
}

function enqueue(
  node: EmbeddedNode,
  indexUid: string,
  content: TaskContent,
  query: QueryReader,
): Answer {
  const customMetadata = query.text('customMetadata');
  return accepted(summary(node.queue.enqueue({ indexUid, content, customMetadata })));
}

function add(node: EmbeddedNode, request: NodeRequest, uid: string): Answer {
  const query = readQuery(request, ADD_QUERY);
  node.checkUid(uid);
  const type = mediaType(request);
  const format = FORMATS[type];
  if (type === '') {
    const message = `A Content-Type header is missing. Accepted values for the Content-Type header are: ${DOCUMENT_TYPES}`;
    throw new ApiError('missing_content_type', message);
  }
  if (format === undefined) throw wrongContentType(type, DOCUMENT_TYPES);
  const delimiter = readDelimiter(query);
  if (delimiter !== null && format !== 'csv') {
    const only = 'The csv delimiter can only be used with the Content-Type `text/csv`.';
    const message = `The Content-Type \`${type}\` does not support the use of a csv delimiter. ${only}`;
    throw new ApiError('invalid_content_type', message);
  }
  const skipCreation = readSkipCreation(query);
  const payload = parsePayload(bodyText(request), format, delimiter ?? ',');
  const content: TaskContent = {
    kind: 'addDocuments',
    merge: request.method === 'PUT',
    primaryKey: query.text('primaryKey'),
    skipCreation,
    ...payload,
  };
  return enqueue(node, uid, content, query);
}

function deleteBatch(node: EmbeddedNode, request: NodeRequest, uid: string): Answer {
  const query = readQuery(request, DELETE_QUERY);
  node.checkUid(uid);
  const text = bodyText(request);
  jsonBody(request);
  const body = parseJson(text);
  if (!Array.isArray(body)) {
    const kind = typeof body === 'string' ? `string ${JSON.stringify(body)}` : 'map';
    const place = `at line 1 column ${typeof body === 'string' ? text.length : 0}`;
    const message = `Json deserialize error: invalid type: ${kind}, expected a sequence ${place}`;
    throw new ApiError('bad_request', message);
  }
  // What is no document id is no error here: it is the id of no document.
  const ids = body.map((value) => idText(value) ?? toJsonText(value));
  return enqueue(node, uid, { kind: 'deleteIds', ids }, query);
}

function deleteByFilter(node: EmbeddedNode, request: NodeRequest, uid: string): Answer {
  const query = readQuery(request, DELETE_QUERY);
  node.checkUid(uid);
  const body = check.asStruct(jsonBody(request), ['filter'], check.ROOT);
  const filter = body.get('filter');
  if (filter === undefined)
    throw check.missingField('filter', check.ROOT, 'missing_document_filter');
  const condition = parseFilter(filter, 'invalid_document_filter');
  if (condition === null) {
    throw new ApiError('invalid_document_filter', 'Sending an empty filter is forbidden.');
  }
  if (node.features['containsFilter'] !== true) refuseContains(condition);
  return enqueue(node, uid, { kind: 'deleteFilter', filter }, query);
}

export function addDocumentWrites(router: Router, node: EmbeddedNode): void {
  const base = '/indexes/:uid/documents';
  router.add('POST', base, (request, { uid = '' }) => add(node, request, uid));
  router.add('PUT', base, (request, { uid = '' }) => add(node, request, uid));
  router.add('DELETE', base, (request, { uid = '' }) => {
    const query = readQuery(request, DELETE_QUERY);
    node.checkUid(uid);
    return enqueue(node, uid, { kind: 'clear' }, query);
  });
  router.add('POST', `${base}/delete-batch`, (request, { uid = '' }) =>
    deleteBatch(node, request, uid),
  );
  router.add('POST', `${base}/delete`, (request, { uid = '' }) =>
    deleteByFilter(node, request, uid),
  );
  router.add('POST', `${base}/edit`, () => {
    throw featureNotEnabled('Using the documents edit route', 'edit documents by function', 762);
  });
  router.add('DELETE', `${base}/:id`, (request, { uid = '', id = '' }) => {
    const query = readQuery(request, DELETE_QUERY);
    node.checkUid(uid);
    const text = idText(id);
    if (text === null) throw invalidId(id);
    return enqueue(node, uid, { kind: 'deleteIds', ids: [text] }, query);
  });
}
