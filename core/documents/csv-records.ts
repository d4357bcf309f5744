import { malformedCsv } from './payload-error';

/**
 * Cuts CSV into records and fields as the engine's reader does: quotes only where a field begins,
 * a doubled quote for one, `\n`, `\r` or both end a record, empty lines are passed over, an open
 * quote ends with the payload.
 */

export interface CsvRecord {
  /** 0 for the header. */
  readonly index: number;
  readonly fields: readonly string[];
}

const quote = 0x22;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;

const decoder = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true });

/** How far a reader has come, for one that goes on with the next piece of a payload. */
export interface CsvPlace {
  readonly line: number;
  readonly index: number;
  readonly width: number;
  /** Bytes of the pieces before. */
  readonly bytesBefore: number;
}

const csvStart: CsvPlace = { line: 1, index: 0, width: -1, bytesBefore: 0 };

export class CsvReader {
  private at = 0;
  private line: number;
  private index: number;
  private width: number;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly delimiter: number,
    private readonly from: CsvPlace = csvStart,
  ) {
    this.line = from.line;
    this.index = from.index;
    this.width = from.width;
    if (from.bytesBefore > 0) return;
    if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) this.at = 3;
  }

  /** Where the next piece begins, when all of this one is read. */
  place(): CsvPlace {
    const { line, index, width } = this;
    return { line, index, width, bytesBefore: this.from.bytesBefore + this.at };
  }

  /** The next record, or null at the end. Throws PayloadError where it cannot be one. */
  read(): CsvRecord | null {
    // The reader counts lines and bytes from where the last record ended, empty lines included.
    const place = { line: this.line, byte: this.from.bytesBefore + this.at };
    while (this.atLineEnd()) this.step();
    if (this.at >= this.bytes.length) return null;
    const raw: Uint8Array[] = [];
    let more = true;
    while (more) {
      raw.push(this.readField());
      more = this.bytes[this.at] === this.delimiter && this.at < this.bytes.length;
      if (more) this.step();
    }
    if (this.at < this.bytes.length) this.step();
    const { index } = this;
    if (this.width < 0) this.width = raw.length;
    if (raw.length !== this.width) {
      throw malformedCsv(
        `CSV error: record ${String(index)} (line: ${String(place.line)}, byte: ${String(place.byte)}): ` +
          `found record with ${String(raw.length)} fields, ` +
          `but the previous record has ${String(this.width)} fields`,
      );
    }
    const fields = raw.map((field, number) => decodeField(field, { index, number, ...place }));
    this.index += 1;
    return { index, fields };
  }

  private atLineEnd(): boolean {
    const byte = this.bytes[this.at];
    return byte === lineFeed || byte === carriageReturn;
  }

  private step(): void {
    if (this.bytes[this.at] === lineFeed) this.line += 1;
    this.at += 1;
  }

  /** The bytes of one field without its quotes; stops before the delimiter or the line's end. */
  private readField(): Uint8Array {
    const { bytes, delimiter } = this;
    const pieces: Uint8Array[] = [];
    if (bytes[this.at] === quote && delimiter !== quote) pieces.push(...this.readQuoted());
    const from = this.at;
    while (this.at < bytes.length && bytes[this.at] !== delimiter && !this.atLineEnd()) {
      this.at += 1;
    }
    const rest = bytes.subarray(from, this.at);
    return pieces.length === 0 ? rest : joinPieces([...pieces, rest]);
  }

  /** The inside of quotes, cut where a doubled quote stands. */
  private readQuoted(): Uint8Array[] {
    const { bytes } = this;
    const pieces: Uint8Array[] = [];
    this.at += 1;
    let from = this.at;
    while (this.at < bytes.length) {
      if (bytes[this.at] !== quote) {
        this.step();
      } else if (bytes[this.at + 1] === quote) {
        pieces.push(bytes.subarray(from, this.at + 1));
        this.at += 2;
        from = this.at;
      } else {
        pieces.push(bytes.subarray(from, this.at));
        this.at += 1;
        return pieces;
      }
    }
    pieces.push(bytes.subarray(from, this.at));
    return pieces;
  }
}

function joinPieces(pieces: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(pieces.reduce((size, piece) => size + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    joined.set(piece, at);
    at += piece.length;
  }
  return joined;
}

interface FieldPlace {
  readonly index: number;
  readonly number: number;
  readonly line: number;
  readonly byte: number;
}

function decodeField(field: Uint8Array, place: FieldPlace): string {
  try {
    return decoder.decode(field);
  } catch {
    const field_ = String(place.number);
    throw malformedCsv(
      `CSV parse error: record ${String(place.index)} ` +
        `(line ${String(place.line)}, field: ${field_}, byte: ${String(place.byte)}): ` +
        `invalid utf-8: invalid UTF-8 in field ${field_} near byte index ${String(validUpTo(field))}`,
    );
  }
}

/** How many bytes at the front are whole UTF-8 characters. */
function validUpTo(field: Uint8Array): number {
  let low = 0;
  for (let length = 1; length <= field.length; length += 1) {
    try {
      decoder.decode(field.subarray(low, length));
      low = length;
    } catch {
      // Either a character that goes on, or one that never ends: four bytes tell which.
      if (length - low >= 4) break;
    }
  }
  return low;
}
