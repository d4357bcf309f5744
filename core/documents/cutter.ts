import { JsonSyntaxError, isJsonSyntaxError } from '../json/error';
import { JsonScanner, ascii } from '../json/scanner';
import { CsvBoundaries, JsonBoundaries } from './boundaries';
import type { Boundaries } from './boundaries';
import { CsvConverter } from './csv';
import { jsonDocuments, listedDocuments, ndjsonDocuments } from './parse';
import { malformedJson, missingPayload } from './payload-error';
import type { DocSpan, DocumentFormat, ParsedDocuments } from './types';

/** A fault so near the end of a piece is looked at again with what follows it. */
const doubtBytes = 64;
/** A JSON payload of so many bytes that is no object and no list is refused before its end. */
const hopelessBytes = 1_000_000;
const lineFeed = 0x0a;
const empty = new Uint8Array(0);

/** The documents that are whole by now. */
export interface CutPiece extends ParsedDocuments {
  /** Where `bytes` begins in the payload; for CSV, in the JSON that was made of it so far. */
  readonly base: number;
}

/**
 * `parseDocuments` for a payload that comes piece by piece, so that only the piece and an unfinished
 * document are in memory. Documents, their order and all errors are the same; a payload of one object is
 * one document.
 */
export class PayloadCutter {
  private kept: Uint8Array = empty;
  /** How many bytes of `kept` the boundaries have seen. */
  private scanned = 0;
  /** The offset of `kept[0]` in the payload. */
  private base = 0;
  private size = 0;
  private boundaries: Boundaries | null = null;
  private cut = -1;
  private isList = false;
  private closed = false;
  /** Lines before `base`, and where its own line begins. */
  private lines = 0;
  private lineStart = 0;
  private readonly csv: CsvConverter | null;
  private converted = 0;

  constructor(
    private readonly format: DocumentFormat,
    private readonly csvDelimiter = ',',
  ) {
    this.csv = format === 'csv' ? new CsvConverter(csvDelimiter) : null;
  }

  /**
   * Takes the next bytes of the payload, `last` with the last of them.
   *
   * @throws PayloadError as `parseDocuments` does.
   */
  push(chunk: Uint8Array, last: boolean): CutPiece | null {
    this.size += chunk.length;
    if (last && this.size === 0) throw missingPayload(this.format);
    // What follows the closing bracket of a list is not looked at.
    if (this.closed) return null;
    this.kept = this.kept.length === 0 ? chunk : join(this.kept, chunk);
    this.boundaries ??= this.chooseBoundaries();
    if (this.boundaries !== null) {
      const found = this.boundaries.scan(this.kept, this.scanned);
      this.scanned = this.kept.length;
      if (found >= 0) this.cut = found;
    }
    const end = last ? this.kept.length : this.cut;
    if (end < 0) return this.lookForFault();
    return this.take(end, last);
  }

  /** Null until the first byte of a JSON payload that is no blank; and for one that is no list. */
  private chooseBoundaries(): Boundaries | null {
    if (this.format === 'csv') return new CsvBoundaries(this.csvDelimiter.charCodeAt(0));
    if (this.format === 'ndjson') return new JsonBoundaries(0);
    this.isList = new JsonScanner(this.kept).next() === ascii.arrayOpen;
    return this.isList ? new JsonBoundaries(1) : null;
  }

  /** What is no document at all must not be kept until its end. */
  private lookForFault(): null {
    const first = new JsonScanner(this.kept).next();
    const mayGoOn = first === ascii.objectOpen || first === ascii.arrayOpen;
    if (this.format === 'csv' || mayGoOn || this.kept.length < hopelessBytes) return null;
    try {
      this.read(this.kept, true);
    } catch (error) {
      if (!this.isDoubtful(error, this.kept.length)) throw this.told(error);
    }
    return null;
  }

  private take(end: number, last: boolean): CutPiece | null {
    const bytes = this.kept.subarray(0, end);
    let read: { documents: readonly DocSpan[]; bytes: Uint8Array };
    try {
      read = this.read(bytes, !last);
    } catch (error) {
      if (!last && this.isDoubtful(error, end)) return null;
      throw this.told(error);
    }
    const base = this.csv === null ? this.base : this.converted;
    this.converted += this.csv === null ? 0 : read.bytes.length;
    this.drop(end);
    return { ...read, format: this.format, base };
  }

  private read(
    bytes: Uint8Array,
    more: boolean,
  ): { documents: readonly DocSpan[]; bytes: Uint8Array } {
    if (this.csv !== null) return this.csv.convert(bytes);
    // A later piece begins with the last byte of the one before, so that no document stands at 0.
    const from = this.base > 0 ? 1 : 0;
    if (this.format === 'ndjson') return { documents: ndjsonDocuments(bytes, from), bytes };
    if (!this.isList) return { documents: jsonDocuments(bytes), bytes };
    const scanner = new JsonScanner(bytes, from);
    if (from === 0) scanner.next();
    const { documents, closed } = listedDocuments(scanner, { goesOn: from > 0, more });
    this.closed = closed;
    return { documents, bytes };
  }

  /** Drops the bytes up to `end`, but for the last one of JSON. */
  private drop(end: number): void {
    const from = this.csv === null ? Math.max(0, end - 1) : end;
    for (let at = 0; at < from; at += 1) {
      if (this.kept[at] !== lineFeed) continue;
      this.lines += 1;
      this.lineStart = this.base + at + 1;
    }
    this.base += from;
    // A copy, so that the dropped bytes are free.
    this.kept = this.closed ? empty : this.kept.slice(from);
    this.scanned -= from;
    this.cut = -1;
  }

  private isDoubtful(error: unknown, end: number): boolean {
    return isJsonSyntaxError(error) && (error as JsonSyntaxError).offset > end - doubtBytes;
  }

  /** The error with lines and columns of the whole payload. */
  private told(error: unknown): unknown {
    if (!isJsonSyntaxError(error)) return error;
    const { reason, offset, line, column, origin } = error as JsonSyntaxError;
    if (origin > 0) return malformedJson(this.format, (error as JsonSyntaxError).message);
    const before = line === 1 ? this.base - this.lineStart : 0;
    const whole = new JsonSyntaxError(
      reason,
      this.base + offset,
      this.lines + line,
      before + column,
    );
    return malformedJson(this.format, whole.message);
  }
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}
