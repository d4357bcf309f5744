import { isJsonSyntaxError, jsonFault } from '../json/error';
import { findStringFault, findValueFault } from '../json/faults';
import { visitMembers } from '../json/scan';
import { JsonScanner, ascii, endOfBytes } from '../json/scanner';
import { parseCsv } from './csv';
import { malformedJson, missingPayload, notObjects } from './payload-error';
import type { DocSpan, DocumentFormat, ParsedDocuments } from './types';

export { PayloadError } from './payload-error';

/**
 * Checks the syntax of a whole payload and cuts it into documents; nothing is made of their values.
 *
 * @throws PayloadError with Meilisearch's code and text, which the client gets as a 400.
 */
export function parseDocuments(
  bytes: Uint8Array,
  format: DocumentFormat,
  options: { readonly csvDelimiter?: string } = {},
): ParsedDocuments {
  if (bytes.length === 0) throw missingPayload(format);
  if (format === 'csv') return parseCsv(bytes, options.csvDelimiter ?? ',');
  try {
    const documents = format === 'json' ? jsonDocuments(bytes) : ndjsonDocuments(bytes);
    return { documents, bytes, format };
  } catch (error) {
    if (isJsonSyntaxError(error)) throw malformedJson(format, error.message);
    throw error;
  }
}

export function jsonDocuments(bytes: Uint8Array): DocSpan[] {
  const scanner = new JsonScanner(bytes);
  const first = scanner.next();
  if (first === ascii.arrayOpen) return listedDocuments(scanner).documents;
  if (first === ascii.objectOpen) return [singleDocument(scanner)];
  scanner.strict = true;
  const start = scanner.at;
  scanner.skipValue();
  throw findValueFault(bytes, start, scanner.at, { origin: 0 }) ?? notObjects('json');
}

/** Where a list of documents is read piece by piece: what the piece begins and ends with. */
export interface ListPiece {
  /** The piece begins after an item, not with the opening bracket. */
  readonly goesOn: boolean;
  /** More follows, so that the piece may end after an item. */
  readonly more: boolean;
}

/** The documents of an array. What follows its closing bracket is not looked at, as in the engine. */
export function listedDocuments(
  scanner: JsonScanner,
  piece: ListPiece = { goesOn: false, more: false },
): { readonly documents: DocSpan[]; readonly closed: boolean } {
  const documents: DocSpan[] = [];
  let byte = piece.goesOn ? nextItem(scanner) : firstItem(scanner);
  while (byte !== ascii.arrayClose) {
    const start = scanner.at;
    scanner.sawSurrogate = false;
    scanner.skipValue();
    if (byte !== ascii.objectOpen) throw afterRefusedItem(scanner) ?? notObjects('json');
    if (scanner.sawSurrogate) checkKeys(scanner, start);
    documents.push({ start, end: scanner.at });
    if (piece.more && scanner.at >= scanner.end) return { documents, closed: false };
    byte = nextItem(scanner);
  }
  return { documents, closed: true };
}

function firstItem(scanner: JsonScanner): number {
  scanner.at += 1;
  const byte = scanner.next();
  if (byte === endOfBytes) throw scanner.peekFault(jsonFault.eofList);
  return byte;
}

function nextItem(scanner: JsonScanner): number {
  const byte = scanner.next();
  if (byte === ascii.arrayClose) return byte;
  if (byte !== ascii.comma) {
    throw scanner.peekFault(byte === endOfBytes ? jsonFault.eofList : jsonFault.listEnd);
  }
  scanner.at += 1;
  const item = scanner.next();
  if (item === ascii.arrayClose) throw scanner.peekFault(jsonFault.trailingComma);
  if (item === endOfBytes) throw scanner.peekFault(jsonFault.eofValue);
  return item;
}

/**
 * The engine stops at the first item that it cannot take, but then looks whether the list ends
 * there; if not, that is what it complains of.
 */
function afterRefusedItem(scanner: JsonScanner): Error | null {
  const byte = scanner.next();
  if (byte === ascii.arrayClose) return null;
  if (byte === endOfBytes) return scanner.peekFault(jsonFault.eofList);
  if (byte !== ascii.comma) return scanner.peekFault(jsonFault.trailing);
  scanner.at += 1;
  const item = scanner.next();
  const { trailing, trailingComma } = jsonFault;
  return scanner.peekFault(item === ascii.arrayClose ? trailingComma : trailing);
}

/** The names of a document's own fields must be text; inside values the engine looks later. */
function checkKeys(scanner: JsonScanner, start: number): void {
  const { bytes, at } = scanner;
  const document = new JsonScanner(bytes, start, at);
  visitMembers(document, (_key, _valueStart, _valueEnd, memberStart) => {
    const fault = findStringFault(bytes, memberStart + 1, start);
    if (fault !== null) throw afterRefusedItem(scanner) ?? fault;
  });
}

/** A payload of one object is parsed into values at once, so every fault shows here. */
function singleDocument(scanner: JsonScanner): DocSpan {
  const { bytes } = scanner;
  const start = scanner.at;
  scanner.strict = true;
  visitMembers(scanner, () => undefined);
  const end = scanner.at;
  const fault = findValueFault(bytes, start, end, { origin: 0 });
  if (fault !== null) throw fault;
  if (scanner.next() !== endOfBytes) throw scanner.peekFault(jsonFault.trailing);
  return { start, end };
}

/** Objects one after another; line breaks between them are blanks like others. */
export function ndjsonDocuments(bytes: Uint8Array, from = 0): DocSpan[] {
  const documents: DocSpan[] = [];
  const scanner = new JsonScanner(bytes, from);
  for (let byte = scanner.next(); byte !== endOfBytes; byte = scanner.next()) {
    const start = scanner.at;
    scanner.sawSurrogate = false;
    scanner.skipValue();
    if (byte === ascii.quote) throw findStringFault(bytes, start + 1, 0) ?? notObjects('ndjson');
    if (byte !== ascii.objectOpen) throw notObjects('ndjson');
    if (scanner.sawSurrogate) {
      visitMembers(new JsonScanner(bytes, start), (_key, _from, _to, memberStart) => {
        const fault = findStringFault(bytes, memberStart + 1, start);
        if (fault !== null) throw fault;
      });
    }
    documents.push({ start, end: scanner.at });
  }
  return documents;
}
