import type { FilterToken } from './types';

/** Raised inside the parser for a text that is no filter; it never leaves `parseFilter`. */
export class FilterSyntaxError extends Error {}

/** Words that must be quoted to be a field or a value. */
const keywords = new Set([
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

const wordCharacter = /[\p{Alphabetic}\p{Nd}\p{Nl}\p{No}_.-]/u;
const spaceCharacter = /\p{White_Space}/u;

/** Reads the words of a filter from left to right. */
export class FilterLexer {
  at = 0;

  constructor(readonly text: string) {}

  skipSpace(): void {
    while (this.at < this.text.length && spaceCharacter.test(this.text.charAt(this.at))) this.at++;
  }

  atEnd(): boolean {
    this.skipSpace();
    return this.at >= this.text.length;
  }

  /** Whether the text goes on with `symbol`, after spaces; takes it when it does. */
  take(symbol: string): boolean {
    this.skipSpace();
    if (!this.text.startsWith(symbol, this.at)) return false;
    this.at += symbol.length;
    return true;
  }

  expect(symbol: string): void {
    if (!this.take(symbol)) throw new FilterSyntaxError();
  }

  /** The bare word that comes next, not taken; empty when there is none. */
  peekWord(): string {
    this.skipSpace();
    return this.text.slice(this.at, this.wordEnd());
  }

  /** Takes `word` when the whole next word is it. */
  takeWord(word: string): boolean {
    if (this.peekWord() !== word) return false;
    this.at += word.length;
    return true;
  }

  private wordEnd(): number {
    let end = this.at;
    while (end < this.text.length) {
      const character = String.fromCodePoint(this.text.codePointAt(end) ?? 0);
      if (!wordCharacter.test(character)) break;
      end += character.length;
    }
    return end;
  }

  /** A field or a value: a bare word that is no keyword, or a quoted text. */
  value(): FilterToken {
    this.skipSpace();
    const start = this.at;
    const quote = this.text.charAt(start);
    if (quote === '"' || quote === "'") return this.quoted(quote);
    const end = this.wordEnd();
    const word = this.text.slice(start, end);
    if (word === '' || keywords.has(word)) throw new FilterSyntaxError();
    this.at = end;
    return { text: word, start, end };
  }

  private quoted(quote: string): FilterToken {
    const start = this.at;
    let i = start + 1;
    while (i < this.text.length && this.text.charAt(i) !== quote) {
      i += this.text.charAt(i) === '\\' ? 2 : 1;
    }
    if (i >= this.text.length) throw new FilterSyntaxError();
    this.at = i + 1;
    const inner = this.text.slice(start + 1, i).replaceAll(`\\${quote}`, quote);
    return { text: unescapeText(inner), start, end: i + 1 };
  }

  /** Takes a balanced group that begins with `open`, strings in it skipped; returns its text. */
  group(open: string, close: string): string {
    this.expect(open);
    const start = this.at - 1;
    let depth = 1;
    while (this.at < this.text.length) {
      const character = this.text.charAt(this.at);
      if (character === '"' || character === "'") {
        this.quoted(character);
        continue;
      }
      this.at++;
      if (character === open) depth++;
      else if (character === close && --depth === 0) return this.text.slice(start, this.at);
    }
    throw new FilterSyntaxError();
  }
}

const simpleEscapes: Readonly<Record<string, string>> = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  "'": "'",
  '"': '"',
  '\\': '\\',
  '/': '/',
};

const escape =
  /\\(?:u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([0-7]{1,3})|(.?))/gsu;

/** The engine resolves escapes in values too, so `"\x5fa"` names the field `_a`. */
function unescapeText(text: string): string {
  if (!text.includes('\\')) return text;
  return text.replace(escape, (...groups: (string | undefined)[]) => {
    const [, braced, plain, hex, octal, simple] = groups;
    const digits = braced ?? plain ?? hex;
    if (digits !== undefined || octal !== undefined) {
      const code = digits === undefined ? parseInt(octal ?? '', 8) : parseInt(digits, 16);
      if (code > 0x10ffff) throw new FilterSyntaxError();
      return String.fromCodePoint(code);
    }
    const character = simpleEscapes[simple ?? ''];
    if (character === undefined) throw new FilterSyntaxError();
    return character;
  });
}
