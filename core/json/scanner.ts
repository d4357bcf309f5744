import { jsonFault, syntaxError } from './error';
import type { JsonFault, JsonSyntaxError } from './error';

/** Character codes of JSON's own characters. */
export const ascii = {
  quote: 0x22,
  comma: 0x2c,
  colon: 0x3a,
  arrayOpen: 0x5b,
  arrayClose: 0x5d,
  backslash: 0x5c,
  objectOpen: 0x7b,
  objectClose: 0x7d,
  u: 0x75,
} as const;

/** What stands at the end of the bytes, where a character is looked for. */
export const endOfBytes = -1;

/** 0: plain inside a string. 1: a quote, a backslash or a control character. 2: not ASCII. */
const stringClass = new Uint8Array(256);
stringClass.fill(1, 0, 0x20);
stringClass[ascii.quote] = 1;
stringClass[ascii.backslash] = 1;
stringClass.fill(2, 0x80);

const isSpace = new Uint8Array(256);
for (const space of [0x20, 0x09, 0x0a, 0x0d]) isSpace[space] = 1;

const isDigit = new Uint8Array(256);
isDigit.fill(1, 0x30, 0x3a);

const isHexDigit = new Uint8Array(256);
isHexDigit.fill(1, 0x30, 0x3a);
isHexDigit.fill(1, 0x41, 0x47);
isHexDigit.fill(1, 0x61, 0x67);

const isSimpleEscape = new Uint8Array(256);
for (const escape of '"\\/bfnrt') isSimpleEscape[escape.charCodeAt(0)] = 1;

const literals: ReadonlyMap<number, readonly number[]> = new Map(
  ['true', 'false', 'null'].map((word) => [
    word.charCodeAt(0),
    [...word].map((letter) => letter.charCodeAt(0)),
  ]),
);

/**
 * Walks over JSON in bytes and checks its syntax without making values of it, so that numbers keep
 * every digit and a document of any depth needs no call stack.
 *
 * What it saw on the way is left in three fields, which only ever grow: they tell whether a
 * document needs the slower checks of what the engine refuses while indexing.
 */
export class JsonScanner {
  at: number;
  /** The most containers that were open at once. */
  deepest = 0;
  /** A `\u` escape of a surrogate was seen; whether it is lone is another question. */
  sawSurrogate = false;
  /** A number was seen whose value may be beyond a double. */
  sawWideNumber = false;
  /**
   * Whether faults are told as by a parser that builds values, rather than one that skips them:
   * the engine does the first with a payload of one object and the second with all others.
   */
  strict = false;
  /** Bytes that are no UTF-8 were seen. The engine finds them only when it has the whole value. */
  private sawBadUtf8 = false;
  /** The open containers, `[` or `{`; grows with the depth and is reused. */
  private open = new Uint8Array(32);

  constructor(
    readonly bytes: Uint8Array,
    at = 0,
    readonly end = bytes.length,
  ) {
    this.at = at;
  }

  /** Moves to the next character that is no blank and returns it, or `endOfBytes`. */
  next(): number {
    const { bytes, end } = this;
    let at = this.at;
    while (at < end && isSpace[bytes[at] as number] === 1) at += 1;
    this.at = at;
    return at < end ? (bytes[at] as number) : endOfBytes;
  }

  /** The error of a parser that has looked at the character here, but not taken it. */
  peekFault(reason: JsonFault): JsonSyntaxError {
    return this.fault(reason, Math.min(this.at + 1, this.end));
  }

  fault(reason: JsonFault, position: number): JsonSyntaxError {
    return syntaxError(this.bytes, reason, position);
  }

  /** Takes one value of any kind, with the blanks before it. */
  skipValue(): void {
    let depth = 0;
    do {
      const byte = this.next();
      if (byte === ascii.quote) {
        this.at += 1;
        this.skipString();
      } else if (byte === ascii.objectOpen || byte === ascii.arrayOpen) {
        this.at += 1;
        depth = this.push(byte, depth);
        if (this.next() !== byte + 2) {
          if (this.at >= this.end) throw this.containerEof(byte);
          if (byte === ascii.objectOpen) this.skipKey();
          continue;
        }
        this.at += 1;
        depth -= 1;
      } else {
        this.skipScalar(byte);
      }
      depth = this.closeContainers(depth);
    } while (depth > 0);
    this.checkUtf8();
  }

  /** Throws if any string since the last check was not UTF-8. */
  checkUtf8(): void {
    if (!this.sawBadUtf8) return;
    this.sawBadUtf8 = false;
    throw this.fault(jsonFault.unicode, this.at);
  }

  /** After a value: takes closing brackets until a comma says that another value follows. */
  private closeContainers(openDepth: number): number {
    let depth = openDepth;
    while (depth > 0) {
      const container = this.open[depth - 1] as number;
      const byte = this.next();
      if (byte === ascii.comma) {
        this.at += 1;
        if (this.strict) this.checkAfterComma(container);
        if (container === ascii.objectOpen) this.skipKey();
        return depth;
      }
      // Both closing brackets come two places after their opening ones in ASCII.
      if (byte !== container + 2) {
        if (byte === endOfBytes) throw this.containerEof(container);
        const { listEnd, objectEnd } = jsonFault;
        throw this.peekFault(container === ascii.arrayOpen ? listEnd : objectEnd);
      }
      this.at += 1;
      depth -= 1;
    }
    return depth;
  }

  private checkAfterComma(container: number): void {
    const byte = this.next();
    if (byte === container + 2) throw this.peekFault(jsonFault.trailingComma);
    if (byte === endOfBytes) throw this.peekFault(jsonFault.eofValue);
  }

  private containerEof(container: number): JsonSyntaxError {
    const { eofList, eofObject } = jsonFault;
    return this.peekFault(container === ascii.arrayOpen ? eofList : eofObject);
  }

  private push(container: number, depth: number): number {
    if (depth === this.open.length) {
      const larger = new Uint8Array(depth * 2);
      larger.set(this.open);
      this.open = larger;
    }
    this.open[depth] = container;
    if (depth + 1 > this.deepest) this.deepest = depth + 1;
    return depth + 1;
  }

  /** Takes a key and its colon. */
  private skipKey(): void {
    const byte = this.next();
    if (byte !== ascii.quote) {
      throw this.peekFault(byte === endOfBytes ? jsonFault.eofObject : jsonFault.key);
    }
    this.at += 1;
    this.skipString();
    this.skipColon();
  }

  skipColon(): void {
    const byte = this.next();
    if (byte !== ascii.colon) {
      throw this.peekFault(byte === endOfBytes ? jsonFault.eofObject : jsonFault.colon);
    }
    this.at += 1;
  }

  private skipScalar(byte: number): void {
    if (byte === 0x2d || (byte >= 0x30 && byte <= 0x39)) {
      this.skipNumber(byte);
      return;
    }
    const word = literals.get(byte);
    if (word === undefined) {
      throw this.peekFault(byte === endOfBytes ? jsonFault.eofValue : jsonFault.value);
    }
    for (const letter of word) {
      if (this.at >= this.end) throw this.fault(jsonFault.eofValue, this.at);
      this.at += 1;
      if (this.bytes[this.at - 1] !== letter) throw this.fault(jsonFault.ident, this.at);
    }
  }

  private skipDigits(): void {
    const { bytes, end } = this;
    let at = this.at;
    while (at < end && isDigit[bytes[at] as number] === 1) at += 1;
    this.at = at;
  }

  private skipNumber(first: number): void {
    const { bytes } = this;
    const start = this.at;
    if (first === 0x2d) this.at += 1;
    const digitsFrom = this.at;
    this.skipDigits();
    if (this.at === digitsFrom) throw this.numberFault();
    if (bytes[digitsFrom] === 0x30 && this.at > digitsFrom + 1) {
      // One zero may lead; the fault is seen at the digit after it.
      this.at = digitsFrom + 1;
      throw this.peekFault(jsonFault.number);
    }
    if (this.at < this.end && bytes[this.at] === 0x2e) {
      this.at += 1;
      const from = this.at;
      this.skipDigits();
      if (this.at === from) throw this.numberFault();
    }
    if (this.at < this.end && ((bytes[this.at] as number) | 0x20) === 0x65) {
      this.skipExponent();
      this.sawWideNumber = true;
    } else if (this.at - start > 300) {
      this.sawWideNumber = true;
    }
  }

  private skipExponent(): void {
    this.at += 1;
    if (this.at < this.end && (this.bytes[this.at] === 0x2b || this.bytes[this.at] === 0x2d)) {
      this.at += 1;
    }
    const from = this.at;
    this.skipDigits();
    if (this.at === from) throw this.numberFault();
  }

  /** A digit must stand here. */
  private numberFault(): JsonSyntaxError {
    const ended = this.strict && this.at >= this.end;
    return this.peekFault(ended ? jsonFault.eofValue : jsonFault.number);
  }

  /** Takes the rest of a string whose opening quote was taken. */
  skipString(): void {
    const { bytes, end } = this;
    let at = this.at;
    for (;;) {
      while (at < end && stringClass[bytes[at] as number] === 0) at += 1;
      if (at >= end) throw this.fault(jsonFault.eofString, end);
      const byte = bytes[at] as number;
      if (byte === ascii.quote) {
        this.at = at + 1;
        if (this.strict) this.checkUtf8();
        return;
      }
      if (byte >= 0x80) {
        at = this.skipUtf8(at);
      } else if (byte === ascii.backslash) {
        at = this.skipEscape(at + 1);
      } else {
        throw this.fault(jsonFault.control, this.strict ? at + 1 : at);
      }
    }
  }

  /** Takes an escape from the character after its backslash. */
  private skipEscape(from: number): number {
    const { bytes, end } = this;
    if (from >= end) throw this.fault(jsonFault.eofString, end);
    const kind = bytes[from] as number;
    if (isSimpleEscape[kind] === 1) return from + 1;
    if (kind !== ascii.u) throw this.fault(jsonFault.escape, from + 1);
    if (from + 4 >= end) throw this.fault(jsonFault.eofString, end);
    for (let digit = from + 1; digit <= from + 4; digit += 1) {
      if (isHexDigit[bytes[digit] as number] !== 1) throw this.fault(jsonFault.escape, from + 5);
    }
    // Surrogates are \uD800 … \uDFFF: a `d`, then a digit from 8 up.
    const second = bytes[from + 2] as number;
    if (((bytes[from + 1] as number) | 0x20) === 0x64 && second >= 0x38) this.sawSurrogate = true;
    return from + 5;
  }

  /** Takes the bytes beyond ASCII that begin at `from`, and notes whether they are UTF-8. */
  private skipUtf8(from: number): number {
    const { bytes, end } = this;
    let at = from;
    while (at < end && (bytes[at] as number) >= 0x80) {
      const length = utf8Length(bytes, at, end);
      if (length === 0) this.sawBadUtf8 = true;
      at += Math.max(length, 1);
    }
    return at;
  }
}

/** How many bytes the character at `at` has, or 0 where the bytes are not UTF-8. */
function utf8Length(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at] as number;
  if (first < 0xc2 || first > 0xf4) return 0;
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (at + length > end) return 0;
  const second = bytes[at + 1] as number;
  // Overlong forms, surrogates and what is beyond U+10FFFF show in the second byte.
  const lowest = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const highest = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  if (second < lowest || second > highest) return 0;
  for (let rest = at + 2; rest < at + length; rest += 1) {
    if (((bytes[rest] as number) & 0xc0) !== 0x80) return 0;
  }
  return length;
}
