import { bucketOfSlot, shardOfBucket, slotOfId } from '../hash';
import {
  encodeBucket,
  encodeMillis,
  encodeSeq,
  encodeSlot,
  hiddenField,
  hiddenPrefix,
  millisMax,
} from '../hidden-fields';
import { findValueFault, parserDepthMax } from '../json/faults';
import { scanObject, visitMembers } from '../json/scan';
import { JsonScanner } from '../json/scanner';
import { documentFieldsMax } from '../limits';
import { ByteWriter } from './byte-writer';
import { compactText } from './engine-text';
import { geoFault } from './geo';
import { IdFinder, idError } from './identity';
import type { IdMember, IdSearch } from './identity';
import type {
  DocSpan,
  DocumentError,
  ParsedDocuments,
  PrepareInput,
  PrepareResult,
  PreparedDocument,
} from './types';
import { vectorsFault } from './vectors';

interface Span {
  readonly start: number;
  readonly end: number;
}

const noEmbedders: ReadonlyMap<string, number | null> = new Map();
const decoder = new TextDecoder();

/** What one walk over a document's members finds. */
class DocumentWalk {
  readonly ids: IdMember[] = [];
  reserved: string | null = null;
  expiry: Span | null = null;
  geo: Span | null = null;
  vectors: Span | null = null;
  members = 0;
}

/**
 * Checks documents as one engine would check them before any of them is stored, and says where
 * each belongs. A payload is refused whole: once it is split, one shard could only refuse its part.
 *
 * Errors that the engine finds when it reads the ids come before those that it finds later, in
 * whichever document. Those are told with the index before them, as the engine does.
 */
export function prepareDocuments(input: PrepareInput): PrepareResult {
  const { parsed, ...options } = input;
  const check = new PayloadCheck(options);
  check.add(parsed, 0);
  return check.result();
}

/** `prepareDocuments` for a payload whose documents come some at a time, in their order. */
export class PayloadCheck {
  private readonly documents: PreparedDocument[] = [];
  private late: DocumentError | null = null;
  private first: DocumentError | null = null;

  constructor(private readonly options: Omit<PrepareInput, 'parsed'>) {}

  /** False when the payload is refused already, whatever follows. `base`: where the piece stands. */
  add(parsed: ParsedDocuments, base: number): boolean {
    const check = new DocumentCheck({ ...this.options, parsed });
    for (const span of parsed.documents) {
      const result = check.document(span);
      if ('code' in result) {
        // A reserved field is answered at once, whatever else is wrong in the payload.
        if (result.sync === true) {
          this.first = result;
          return false;
        }
        this.first ??= result;
        continue;
      }
      const { document } = result;
      this.documents.push(
        base === 0
          ? document
          : {
              ...document,
              bytesStart: base + document.bytesStart,
              bytesEnd: base + document.bytesEnd,
            },
      );
      this.late ??= result.late;
    }
    return true;
  }

  result(): PrepareResult {
    const error = this.first ?? this.late;
    return error === null ? { ok: true, documents: this.documents } : { ok: false, error };
  }
}

interface Checked {
  readonly document: PreparedDocument;
  readonly late: DocumentError | null;
}

class DocumentCheck {
  private readonly finder: IdFinder;
  private readonly bytes: Uint8Array;
  private readonly scanner: JsonScanner;
  private readonly prefix: string;

  constructor(private readonly input: PrepareInput) {
    this.finder = new IdFinder(input.primaryKey);
    this.bytes = input.parsed.bytes;
    this.scanner = new JsonScanner(this.bytes);
    this.prefix = input.indexUid === undefined ? '' : `Index \`${input.indexUid}\`: `;
  }

  document({ start, end }: DocSpan): Checked | DocumentError {
    const walk = this.walk(start);
    if (walk.reserved !== null) return reservedField(walk.reserved, this.input.ttl);
    const expiry = this.expiryOf(walk.expiry);
    if (typeof expiry === 'object' && expiry !== null) return expiry;
    if (walk.members > documentFieldsMax) return tooManyFields;
    const search = this.searchId(walk.ids);
    if (search.kind !== 'id') {
      return idError(search, this.finder.primaryKey, compactText(this.bytes, start, end));
    }
    const { id } = search;
    const slot = slotOfId(id);
    const shard = shardOfBucket(bucketOfSlot(slot), this.input.shardCount);
    const place = { id, slot, shard, bytesStart: start, bytesEnd: end };
    const document = expiry === undefined ? place : { ...place, expiresAt: expiry };
    const late = this.lateError(id, start, walk);
    return { document, late };
  }

  private walk(start: number): DocumentWalk {
    const { scanner, finder } = this;
    const walk = new DocumentWalk();
    scanner.at = start;
    scanner.deepest = 0;
    scanner.sawSurrogate = false;
    scanner.sawWideNumber = false;
    visitMembers(scanner, (key, from, to) => {
      walk.members += 1;
      const level = finder.levelOf(key);
      if (level >= 0) this.noteId(walk.ids, { level, start: from, end: to });
      if (!key.startsWith('_')) return;
      if (key === '_geo') walk.geo = { start: from, end: to };
      else if (key === '_vectors') walk.vectors = { start: from, end: to };
      else if (key.startsWith(hiddenPrefix)) this.noteHidden(walk, key, { start: from, end: to });
    });
    return walk;
  }

  /** Of equal names the last counts, but for NDJSON, where the engine sees the name twice. */
  private noteId(ids: IdMember[], member: IdMember): void {
    const same = ids.findIndex(({ level }) => level === member.level);
    if (same >= 0 && this.input.parsed.format !== 'ndjson') ids[same] = member;
    else ids.push(member);
  }

  private noteHidden(walk: DocumentWalk, key: string, span: Span): void {
    if (this.input.ttl && key === hiddenField.expiresAt) walk.expiry = span;
    else walk.reserved ??= key;
  }

  private searchId(members: readonly IdMember[]): IdSearch {
    let search: IdSearch = { kind: 'none' };
    for (const member of members) search = this.finder.join(search, this.bytes, member);
    return search;
  }

  /** Milliseconds; null where the client wrote null; undefined where it wrote none. */
  private expiryOf(span: Span | null): number | null | undefined | DocumentError {
    if (span === null) return undefined;
    const text = decoder.decode(this.bytes.subarray(span.start, span.end));
    if (text === 'null') return null;
    const millis = /^[0-9]+$/.test(text) ? Number(text) : Number.NaN;
    if (millis <= millisMax) return millis;
    return {
      code: 'miroir_reserved_field',
      message:
        `The field \`${hiddenField.expiresAt}\` must be a whole number of milliseconds since 1970, ` +
        `but is \`${compactText(this.bytes, span.start, span.end)}\`.`,
      sync: true,
    };
  }

  /** What the engine would find while indexing. */
  private lateError(id: string, start: number, walk: DocumentWalk): DocumentError | null {
    const { scanner, bytes, input } = this;
    if (scanner.deepest >= parserDepthMax || scanner.sawSurrogate || scanner.sawWideNumber) {
      const fault = this.valueFault(id, start);
      if (fault !== null) return fault;
    }
    if (walk.geo !== null && input.geo === true) {
      const message = geoFault(bytes, walk.geo.start, walk.geo.end, id);
      if (message !== null) {
        return { code: 'invalid_document_geo_field', message: this.prefix + message };
      }
    }
    if (walk.vectors === null) return null;
    const context = { bytes, id, embedders: input.embedders ?? noEmbedders };
    const fault = vectorsFault(context, walk.vectors.start, walk.vectors.end);
    return fault === null ? null : { ...fault, message: this.prefix + fault.message };
  }

  /** The engine calls these `internal`; they are the client's to mend, so a clear code is used. */
  private valueFault(id: string, start: number): DocumentError | null {
    let error: DocumentError | null = null;
    scanObject(this.bytes, start, (key, from, to) => {
      if (error !== null) return;
      const fault = findValueFault(this.bytes, from, to);
      if (fault === null) return;
      const message =
        `${this.prefix}The field ${JSON.stringify(key)} of the document with the id: \`"${id}"\` ` +
        `cannot be stored: ${fault.message}.`;
      error = { code: 'malformed_payload', message };
    });
    return error;
  }
}

const tooManyFields: DocumentError = {
  code: 'max_fields_limit_exceeded',
  message: `A document cannot contain more than ${documentFieldsMax.toLocaleString('en-US')} fields.`,
};

function reservedField(key: string, ttl: boolean): DocumentError {
  const hint =
    key === hiddenField.expiresAt && !ttl ? ' This index has no time to live for documents.' : '';
  return {
    code: 'miroir_reserved_field',
    message:
      `The field ${JSON.stringify(key)} cannot be written: names that begin with ` +
      `\`${hiddenPrefix}\` are reserved.${hint}`,
    sync: true,
  };
}

/** A document with its place in the order of insertion. */
export interface OrderedDocument {
  readonly prepared: PreparedDocument;
  readonly seq: number;
}

/**
 * A JSON array of the documents, in the given order, each with its own bytes and the hidden fields
 * after them: of equal names the last counts, so nothing before them can stand in for them.
 *
 * @param bytes what the documents' offsets point into.
 */
export function buildPayload(documents: readonly OrderedDocument[], bytes: Uint8Array): Uint8Array {
  const hiddenBytes = 120;
  const size = documents.reduce(
    (sum, { prepared }) => sum + prepared.bytesEnd - prepared.bytesStart + hiddenBytes,
    2,
  );
  const writer = new ByteWriter(size);
  writer.writeText('[');
  for (const [index, { prepared, seq }] of documents.entries()) {
    // The closing brace is the last byte. A document has an id, so a comma always fits.
    writer.writeBytes(bytes, prepared.bytesStart, prepared.bytesEnd - 1);
    const after = index < documents.length - 1 ? ',' : '';
    writer.writeText(`,${hiddenMembers(prepared, seq)}}${after}`);
  }
  writer.writeText(']');
  return writer.finish();
}

/** The hidden fields of one document as JSON members. */
export function hiddenMembers(
  { slot, expiresAt }: Pick<PreparedDocument, 'slot' | 'expiresAt'>,
  seq: number,
): string {
  const members =
    `"${hiddenField.bucket}":"${encodeBucket(bucketOfSlot(slot))}",` +
    `"${hiddenField.slot}":"${encodeSlot(slot)}","${hiddenField.seq}":"${encodeSeq(seq)}"`;
  // A `null` of the client stands in its own bytes.
  if (expiresAt === undefined || expiresAt === null) return members;
  return `${members},"${hiddenField.expiresAt}":"${encodeMillis(expiresAt)}"`;
}
