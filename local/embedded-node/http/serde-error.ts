/**
 * Says why a JSON text is malformed, in serde_json's words and with its line and column. It is asked
 * only after the fast parser has refused a text, so it may be slow and simple.
 */

/** A fault of a JSON text; line and column count from 1, columns in bytes. */
class SerdeFault extends Error {}

const BLANK = /[ \n\r\t]/;
const ESCAPABLE = new Set(['"', '\\', '/', 'b', 'f', 'n', 'r', 't']);

/** Walks a JSON text and throws at the first fault, where serde_json would. */
class SerdeScanner {
  at = 0;

  constructor(private readonly text: string) {}

  /** One value, and then nothing but blanks. */
  whole(): void {
    this.value();
    this.blanks();
    if (this.at < this.text.length) this.fail('trailing characters', 1);
  }

  value(): void {
    this.blanks();
    const first = this.text[this.at];
    if (first === undefined) this.fail('EOF while parsing a value', 0);
    else if (first === '{') this.object();
    else if (first === '[') this.array();
    else if (first === '"') this.string();
    else if (first === '-' || /[0-9]/.test(first)) this.number();
    else if (first === 't') this.word('true');
    else if (first === 'f') this.word('false');
    else if (first === 'n') this.word('null');
    else this.fail('expected value', 1);
  }

  private object(): void {
    this.at += 1;
    this.blanks();
    if (this.take('}')) return;
    for (;;) {
      this.blanks();
      if (this.end()) this.fail('EOF while parsing an object', 0);
      if (this.text[this.at] === '}') this.fail('trailing comma', 1);
      if (this.text[this.at] !== '"') this.fail('key must be a string', 1);
      this.string();
      this.blanks();
      if (this.end()) this.fail('EOF while parsing an object', 0);
      if (!this.take(':')) this.fail('expected `:`', 1);
      this.value();
      this.blanks();
      if (this.end()) this.fail('EOF while parsing an object', 0);
      if (this.take('}')) return;
      if (!this.take(',')) this.fail('expected `,` or `}`', 1);
      this.blanks();
      if (this.text[this.at] === '}') this.fail('key must be a string', 1);
    }
  }

  private array(): void {
    this.at += 1;
    this.blanks();
    if (this.take(']')) return;
    for (;;) {
      this.blanks();
      if (this.end()) this.fail('EOF while parsing a list', 0);
      this.value();
      this.blanks();
      if (this.end()) this.fail('EOF while parsing a list', 0);
      if (this.take(']')) return;
      if (!this.take(',')) this.fail('expected `,` or `]`', 1);
      this.blanks();
      if (this.text[this.at] === ']') this.fail('trailing comma', 1);
    }
  }

  private string(): void {
    this.at += 1;
    for (;;) {
      const character = this.text[this.at];
      if (character === undefined) this.fail('EOF while parsing a string', 0);
      this.at += 1;
      if (character === '"') return;
      if (character === '\\') this.escape();
      else if ((character ?? '') < ' ') {
        this.fail('control character (\\u0000-\\u001F) found while parsing a string', 0);
      }
    }
  }

  private escape(): void {
    const letter = this.text[this.at];
    if (letter === undefined) this.fail('EOF while parsing a string', 0);
    this.at += 1;
    if (letter === 'u') {
      const digits = this.text.slice(this.at, this.at + 4);
      if (!/^[0-9a-fA-F]{4}$/.test(digits)) this.fail('invalid escape', 4);
      this.at += 4;
    } else if (!ESCAPABLE.has(letter ?? '')) this.fail('invalid escape', 0);
  }

  private number(): void {
    this.take('-');
    if (this.take('0')) {
      if (/[0-9]/.test(this.text[this.at] ?? '')) this.fail('invalid number', 1);
    } else this.digits();
    if (this.take('.')) this.digits();
    if (/[eE]/.test(this.text[this.at] ?? '')) {
      this.at += 1;
      if (/[+-]/.test(this.text[this.at] ?? '')) this.at += 1;
      this.digits();
    }
  }

  private digits(): void {
    if (this.end()) this.fail('EOF while parsing a value', 0);
    if (!/[0-9]/.test(this.text[this.at] ?? '')) this.fail('invalid number', 1);
    while (/[0-9]/.test(this.text[this.at] ?? '')) this.at += 1;
  }

  private word(word: string): void {
    for (const letter of word) {
      if (this.end()) this.fail('EOF while parsing a value', 0);
      this.at += 1;
      if (this.text[this.at - 1] !== letter) this.fail('expected ident', 0);
    }
  }

  private take(character: string): boolean {
    if (this.text[this.at] !== character) return false;
    this.at += 1;
    return true;
  }

  private end(): boolean {
    return this.at >= this.text.length;
  }

  blanks(): void {
    while (BLANK.test(this.text[this.at] ?? '')) this.at += 1;
  }

  /** `extra` is 1 where serde_json has peeked at the offending character, 0 where it has read it. */
  fail(message: string, extra: number): never {
    const lines = this.text.slice(0, this.at).split('\n');
    const column = Buffer.byteLength(lines[lines.length - 1] ?? '') + extra;
    throw new SerdeFault(`${message} at line ${lines.length} column ${column}`);
  }
}

/** The message of the first fault of a JSON text, or null where serde_json finds none. */
export function serdeFault(text: string, kind: 'json' | 'ndjson' | 'documents'): string | null {
  try {
    const scanner = new SerdeScanner(text);
    if (kind === 'documents') {
      scanDocuments(scanner, text);
    } else if (kind === 'ndjson') {
      for (scanner.blanks(); scanner.at < text.length; scanner.blanks()) scanner.value();
    } else scanner.whole();
    return null;
  } catch (error) {
    if (error instanceof SerdeFault) return error.message;
    throw error;
  }
}

/**
 * A documents payload: an array, after which anything may follow (Meilisearch stops reading at its
 * end), or one object and nothing more.
 */
function scanDocuments(scanner: SerdeScanner, text: string): void {
  scanner.blanks();
  if (text[scanner.at] === '[') scanner.value();
  else scanner.whole();
}

/** Where the first JSON value of a text ends; the text must be free of faults up to there. */
export function endOfValue(text: string): number {
  const scanner = new SerdeScanner(text);
  scanner.value();
  return scanner.at;
}
