/**
 * Finds where a payload can be cut between two documents, looking at each byte once as it comes. It
 * trusts the syntax: what is wrong with it is found by the parser, in the piece that was cut.
 */
export interface Boundaries {
  /** The offset after the last document that ends in `bytes[from, end)`, or -1. */
  scan(bytes: Uint8Array, from: number): number;
}

const quote = 0x22;
const backslash = 0x5c;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/** Objects one after another (`level` 0), or the items of one array (`level` 1). */
export class JsonBoundaries implements Boundaries {
  private depth = 0;
  private inString = false;
  private escaped = false;

  constructor(private readonly level: 0 | 1) {}

  scan(bytes: Uint8Array, from: number): number {
    let last = -1;
    for (let at = from; at < bytes.length; at += 1) {
      const byte = bytes[at] as number;
      if (this.inString) {
        if (this.escaped) this.escaped = false;
        else if (byte === backslash) this.escaped = true;
        else if (byte === quote) this.inString = false;
      } else if (byte === quote) {
        this.inString = true;
      } else if (byte === 0x7b || byte === 0x5b) {
        this.depth += 1;
      } else if (byte === 0x7d || byte === 0x5d) {
        this.depth -= 1;
        if (this.depth <= this.level) last = at + 1;
      }
    }
    return last;
  }
}

/**
 * Records of CSV: a line's end counts outside of quotes, which open only where a field begins. Empty lines
 * belong to the record after them. With a delimiter that is one of these characters nothing is cut.
 */
export class CsvBoundaries implements Boundaries {
  private state: 'field-start' | 'plain' | 'quoted' | 'quote-in-quoted' = 'field-start';
  private seen = 0;
  private isEmpty = true;

  constructor(private readonly delimiter: number) {}

  scan(bytes: Uint8Array, from: number): number {
    let last = -1;
    if ([quote, lineFeed, carriageReturn].includes(this.delimiter)) return last;
    for (let at = from; at < bytes.length; at += 1) {
      const byte = bytes[at] as number;
      const place = this.seen;
      this.seen += 1;
      // A mark of the byte order stands before the first field.
      if (place < 3 && byte === [0xef, 0xbb, 0xbf][place]) continue;
      if (this.step(byte)) last = at + 1;
    }
    return last;
  }

  /** Whether a record ends with this byte. */
  private step(byte: number): boolean {
    if (this.state === 'quoted') {
      if (byte === quote) this.state = 'quote-in-quoted';
      return false;
    }
    if (this.state === 'quote-in-quoted' && byte === quote) {
      this.state = 'quoted';
      return false;
    }
    if (byte === lineFeed || byte === carriageReturn) {
      const ends = !this.isEmpty;
      this.state = 'field-start';
      this.isEmpty = true;
      return ends;
    }
    this.isEmpty = false;
    if (byte === this.delimiter) this.state = 'field-start';
    else if (byte === quote && this.state === 'field-start') this.state = 'quoted';
    else this.state = 'plain';
    return false;
  }
}
