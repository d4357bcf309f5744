/** Reads values, words and numbers of a filter text; the grammar is in parser.ts. */
import { FilterFault } from './ast';
import type { Token } from './ast';

const KEYWORDS = new Set([
  'AND',
  'OR',
  'IN',
  'NOT',
  'TO',
  'EXISTS',
  'IS',
  'NULL',
  'EMPTY',
  'CONTAINS',
  'STARTS',
  'WITH',
  '_geoRadius',
  '_geoBoundingBox',
]);
const WORD = /[\p{L}\p{N}_.-]+/uy;
const FLOAT = /[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y;
const ERROR_WORD = /[^\s()=<>!]*/y;
const BLANKS = /\s*/y;
const ESCAPE = /\\(?:u\{([0-9a-fA-F]+)\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([bfnrt'"\\/]))|\\/g;
const MEANINGS: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

const RESERVED_GEO_HINT =
  'Use the `_geoRadius(latitude, longitude, distance)` or ' +
  '`_geoBoundingBox([latitude, longitude], [latitude, longitude])` built-in rules to filter on `_geo` coordinates.';

/** A value that is not there, or a keyword where a value should be: the caller may try otherwise. */
export class NoValue extends Error {
  constructor(
    readonly fault: FilterFault,
    readonly isKeyword: boolean,
  ) {
    super(fault.message);
  }
}

/** As Rust's `escape_debug`, for the characters that people write in filters. */
export function escapeForMessage(text: string): string {
  return text
    .replace(/[\\'"]/g, '\\$&')
    .replace(/\n/g, '\\n')
    .replace(/\t/g, '\\t')
    .replace(/\r/g, '\\r');
}

export class Scanner {
  at = 0;

  constructor(readonly text: string) {}

  /** The token of `source`, which starts at `start`. */
  token(start: number, source: string, text = source): Token {
    const filter = this.text;
    return {
      text,
      source,
      // Counted only for an error: for each of many tokens it would take quadratic time.
      get column() {
        const lineStart = filter.lastIndexOf('\n', start - 1) + 1;
        return [...filter.slice(lineStart, start)].length + 1;
      },
      filter,
    };
  }

  /** All that is left; errors that concern no value quote it. */
  rest(start = this.at): Token {
    return this.token(start, this.text.slice(start));
  }

  blanks(): void {
    this.at += this.match(BLANKS).length;
  }

  take(symbol: string): boolean {
    if (!this.text.startsWith(symbol, this.at)) return false;
    this.at += symbol.length;
    return true;
  }

  /** Takes a whole word; `NOTX` is not the word `NOT`. */
  takeWord(word: string): boolean {
    if (this.match(WORD) !== word) return false;
    this.at += word.length;
    return true;
  }

  takeFloat(): Token | null {
    this.blanks();
    const literal = this.match(FLOAT);
    if (literal === '') return null;
    const token = this.token(this.at, literal);
    this.at += literal.length;
    this.blanks();
    return token;
  }

  /**
   * A word or a quoted text, with the blanks around it. Throws `NoValue` where there is none, and
   * `FilterFault` where what is there can be nothing else.
   */
  value(): Token {
    this.blanks();
    this.refuseGeo();
    const quote = this.text[this.at];
    const token = quote === '"' || quote === "'" ? this.quoted(quote) : this.word();
    this.blanks();
    return token;
  }

  private word(): Token {
    const word = this.match(WORD);
    if (word === '' || KEYWORDS.has(word)) throw this.noValue(word !== '');
    const token = this.token(this.at, word);
    this.at += word.length;
    return token;
  }

  private noValue(isKeyword: boolean): NoValue {
    const found = this.token(this.at, this.match(ERROR_WORD));
    const shown = escapeForMessage(found.source);
    let message = `Was expecting a value but instead got \`${shown}\`.`;
    if (found.source.trim() === '') message = 'Was expecting a value but instead got nothing.';
    else if (isKeyword) {
      message =
        `Was expecting a value but instead got \`${shown}\`, which is a reserved keyword. ` +
        `To use \`${shown}\` as a field name or a value, surround it by quotes.`;
    }
    return new NoValue(new FilterFault(message, found), isKeyword);
  }

  private quoted(quote: string): Token {
    const opening = this.at;
    let end = opening + 1;
    while (end < this.text.length && this.text[end] !== quote) {
      end += this.text[end] === '\\' ? 2 : 1;
    }
    if (end >= this.text.length) {
      const shown = escapeForMessage(this.text.slice(opening));
      const message = `Expression \`${shown}\` is missing the following closing delimiter: \`${quote}\`.`;
      throw new FilterFault(message, this.rest(opening));
    }
    const source = this.text.slice(opening + 1, end);
    const token = this.token(opening + 1, source);
    this.at = end + 1;
    return source.includes('\\') ? { ...token, text: this.unescape(token) } : token;
  }

  private unescape(token: Token): string {
    return token.source.replace(ESCAPE, (all: string) => {
      const code = /^\\[ux]\{?([0-9a-fA-F]+)/.exec(all)?.[1];
      if (code !== undefined) return String.fromCodePoint(parseInt(code, 16));
      const letter = all[1];
      if (letter !== undefined) return MEANINGS[letter] ?? letter;
      throw new FilterFault(`Malformed value: \`${escapeForMessage(token.source)}\`.`, token);
    });
  }

  /** Geo operations are no values; Meilisearch has a hint for each. */
  private refuseGeo(): void {
    const word = this.match(WORD);
    if (!word.startsWith('_geo')) return;
    const name = ['_geoPoint', '_geoDistance'].find((reserved) => word.startsWith(reserved));
    if (name !== undefined || word === '_geo') {
      const reserved = `\`${name ?? '_geo'}\` is a reserved keyword and thus can't be used as a filter expression.`;
      throw new FilterFault(`${reserved} ${RESERVED_GEO_HINT}`, this.rest());
    }
    if (word === '_geoRadius' || word === '_geoBoundingBox') {
      const message = `The \`${word}\` filter is an operation and can't be used as a value.`;
      throw new FilterFault(message, this.rest());
    }
  }

  private match(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    return pattern.exec(this.text)?.[0] ?? '';
  }
}
