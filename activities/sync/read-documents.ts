import type { JsonValue } from '../../core/fleet';
import { digestDocument } from '../../core/digest';
import { IdFinder } from '../../core/documents/identity';
import type { IdSearch } from '../../core/documents/identity';
import { removeMembers } from '../../core/json/members';
import { scanArrayItems, scanObject } from '../../core/json/scan';
import { isNodeError } from '../../meili/node-error';
import { tryAgain } from '../errors';
import type { NodeSide } from '../node-queue';

/** A document as a node gave it. */
export interface ReadDocument {
  readonly id: string;
  /** Its bytes, fit to be sent to another node: hidden fields and vectors included. */
  readonly bytes: Uint8Array;
  /** Equal digests: equal members and values, whatever their order. */
  readonly digest: string;
}

export interface DocumentPage {
  readonly documents: ReadonlyMap<string, ReadDocument>;
  /** Matches on the node; more than `documents.size` when the limit cut them. */
  readonly total: number;
}

export interface ReadRequest {
  readonly primaryKey: string;
  readonly filter?: JsonValue;
  readonly ids?: readonly string[];
  /** For an instance of which nobody asks for one page; see below. */
  readonly offset?: number;
  /** Without it the whole document, with its vectors. */
  readonly fields?: readonly string[];
  readonly limit: number;
  /** Milliseconds from now. */
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
}

const decoder = new TextDecoder();
const noVectors = new Uint8Array([0x7b, 0x7d]);

/** An empty `_vectors` says that there are none; sent back it would become a field of the document. */
function withoutEmptyVectors(bytes: Uint8Array, empty: boolean): Uint8Array {
  return empty ? removeMembers(bytes, 0, bytes.length, (key) => key === '_vectors') : bytes;
}

const isEmptyObject = (bytes: Uint8Array): boolean =>
  bytes.length === noVectors.length && bytes.every((byte, at) => byte === noVectors[at]);

function readDocument(
  answer: Uint8Array,
  span: { start: number; end: number },
  finder: IdFinder,
): ReadDocument {
  let search: IdSearch = { kind: 'none' };
  let emptyVectors = false;
  scanObject(answer, span.start, (key, start, end) => {
    const level = finder.levelOf(key);
    if (level >= 0) search = finder.join(search, answer, { level, start, end });
    if (key === '_vectors') emptyVectors = isEmptyObject(answer.subarray(start, end));
  });
  const found = search as IdSearch;
  if (found.kind !== 'id') {
    throw tryAgain('node-answer-invalid', 'A node gave a document without its id.');
  }
  const bytes = withoutEmptyVectors(answer.subarray(span.start, span.end), emptyVectors);
  return { id: found.id, bytes, digest: digestDocument(bytes) };
}

/** One `documents/fetch`: paging a live index would skip documents, so a range is read in one request. */
export async function readDocuments(side: NodeSide, request: ReadRequest): Promise<DocumentPage> {
  const { primaryKey, filter, ids, offset, fields, limit, deadlineMs, signal } = request;
  const body = {
    limit,
    ...(fields === undefined ? { retrieveVectors: true } : { fields }),
    ...(offset === undefined ? {} : { offset }),
    ...(filter === undefined ? {} : { filter }),
    ...(ids === undefined ? {} : { ids }),
  };
  const { bytes } = await side.client.fetchDocuments(side.physicalUid, body, {
    deadlineMs,
    signal,
  });
  const finder = new IdFinder(primaryKey);
  const documents = new Map<string, ReadDocument>();
  let total: number | null = null;
  scanObject(bytes, 0, (key, start, end) => {
    if (key === 'total') total = Number(decoder.decode(bytes.subarray(start, end)));
    if (key !== 'results') return;
    scanArrayItems(bytes, start, (itemStart, itemEnd) => {
      const document = readDocument(bytes, { start: itemStart, end: itemEnd }, finder);
      documents.set(document.id, document);
    });
  });
  return { documents, total: total ?? documents.size };
}

/** How many documents match, without reading one. */
export async function countDocuments(
  side: NodeSide,
  filter: JsonValue,
  signal: AbortSignal,
): Promise<number> {
  const body = { limit: 0, filter };
  const { bytes } = await side.client.fetchDocuments(side.physicalUid, body, { signal });
  let total = 0;
  scanObject(bytes, 0, (key, start, end) => {
    if (key === 'total') total = Number(decoder.decode(bytes.subarray(start, end)));
  });
  return total;
}

/** The same of a node that may have missed the creation of the index: it has none. */
export async function countOrNone(
  side: NodeSide,
  filter: JsonValue,
  signal: AbortSignal,
): Promise<number> {
  try {
    return await countDocuments(side, filter, signal);
  } catch (error) {
    if (isNodeError(error) && error.status === 404) return 0;
    throw error;
  }
}
