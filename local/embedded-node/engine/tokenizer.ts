/**
 * Splits text into words and separators and normalises the words: compatibility decomposition, no
 * control characters, lower case, no diacritics. Words of scripts without blanks are segmented by
 * the platform's dictionary, which only resembles Meilisearch's.
 */
import { groupByScript, type Script } from './scripts';
import { DEFAULT_SEPARATORS, isHardSeparator } from './separators';

export type TokenKind = 'word' | 'stop-word' | 'soft' | 'hard';

export interface Token {
  readonly kind: TokenKind;
  /** The normalised text; may be empty. */
  readonly lemma: string;
  /** Where the token stands in the text, in UTF-16 units. */
  readonly start: number;
  readonly end: number;
}

export interface TokenizerOptions {
  readonly stopWords?: readonly string[];
  readonly separatorTokens?: readonly string[];
  readonly nonSeparatorTokens?: readonly string[];
  readonly dictionary?: readonly string[];
}

const CONTROL = /[\u0000-\u0008\u000e-\u001f\u007f\u0080-\u0084\u0086-\u009f]/gu;
const PLAIN = /^[\u0020-\u007e]*$/;
const MARK = /\p{Mn}/gu;
/** Figures with signs stay whole in every script. */
const MAYBE_NUMBER = /^[\p{N}!-/:-@[-`{-~]+$/u;
const SPECIAL_LATIN: Record<string, string> = {
  '\u2019': "'",
  '\u2018': "'",
  '\u201b': "'",
  œ: 'oe',
  æ: 'ae',
  đ: 'd',
  ð: 'd',
  ı: 'i',
};

function normalizeLatin(text: string): string {
  return text.replace(/[\u2019\u2018\u201bœæđðı]/gu, (c) => SPECIAL_LATIN[c] ?? c);
}

/** The lossless half of normalisation; separators and stop words are recognised after it. */
function decompose(text: string): string {
  return text.normalize('NFKD').replace(CONTROL, '');
}

/** The lossy half: case and diacritics, as far as the script has them. */
function fold(text: string, script: Script): string {
  if (script === 'dense' || script === 'other') return text;
  if (script === 'latin' && PLAIN.test(text)) return text.toLowerCase();
  let folded = text;
  if (script !== 'marked') {
    folded = '';
    for (const character of text) folded += character.toLowerCase();
  }
  if (script === 'latin') folded = normalizeLatin(folded);
  if (script === 'greek') folded = folded.replace(/ς$/u, 'σ');
  if (script === 'latin' || script === 'greek' || script === 'marked') {
    folded = folded.replace(MARK, '');
  }
  return folded;
}

/**
 * How many characters of an original word give the first `length` UTF-16 units of its lemma; a
 * character counts as soon as one unit of it is covered.
 */
export function originalCharacters(original: string, length: number): number {
  const script = groupByScript(original)[0]?.script ?? 'other';
  let covered = 0;
  let count = 0;
  for (const character of original) {
    if (covered >= length) break;
    covered += fold(decompose(character), script).length;
    count += 1;
  }
  return count;
}

interface Sequence {
  readonly text: string;
  readonly isSeparator: boolean;
}

/** Immutable; one per settings. */
export class Tokenizer {
  private readonly stopWords: ReadonlySet<string>;
  private readonly separators: ReadonlySet<string>;
  /** Longest first, by first UTF-16 unit: what cuts the text before anything else. */
  private readonly sequences = new Map<string, Sequence[]>();
  private readonly segmenter: Intl.Segmenter;

  constructor(options: TokenizerOptions = {}) {
    this.stopWords = new Set(options.stopWords ?? []);
    const separators = new Set(DEFAULT_SEPARATORS);
    for (const token of options.separatorTokens ?? []) separators.add(token);
    for (const token of options.nonSeparatorTokens ?? []) separators.delete(token);
    this.separators = separators;
    for (const text of separators) this.addSequence({ text, isSeparator: true });
    for (const text of options.dictionary ?? []) this.addSequence({ text, isSeparator: false });
    for (const list of this.sequences.values()) list.sort((a, b) => b.text.length - a.text.length);
    this.segmenter = new Intl.Segmenter(undefined, { granularity: 'word' });
  }

  private addSequence(sequence: Sequence): void {
    const first = sequence.text[0];
    if (first === undefined) return;
    const list = this.sequences.get(first);
    if (list) list.push(sequence);
    else this.sequences.set(first, [sequence]);
  }

  /** The tokens of a text, in order; together they cover it. */
  tokenize(text: string): Token[] {
    const tokens: Token[] = [];
    let offset = 0;
    for (const group of groupByScript(text)) {
      this.cut(group.text, group.script, offset, tokens);
      offset += group.text.length;
    }
    return tokens;
  }

  /** The lemmas of the words alone, as synonyms are compared. */
  words(text: string): string[] {
    return this.tokenize(text)
      .filter((token) => token.kind === 'word' && token.lemma !== '')
      .map((token) => token.lemma);
  }

  private cut(text: string, script: Script, offset: number, tokens: Token[]): void {
    let start = 0;
    let at = 0;
    while (at < text.length) {
      const found = this.sequences.get(text[at] ?? '')?.find((s) => text.startsWith(s.text, at));
      if (!found) {
        at += 1;
        continue;
      }
      if (start < at) this.segment(text.slice(start, at), script, offset + start, tokens);
      const end = at + found.text.length;
      tokens.push(this.classify(found.text, script, offset + at));
      start = end;
      at = end;
    }
    if (start < text.length) this.segment(text.slice(start), script, offset + start, tokens);
  }

  private segment(text: string, script: Script, offset: number, tokens: Token[]): void {
    if (script !== 'dense' || MAYBE_NUMBER.test(text)) {
      tokens.push(this.classify(text, script, offset));
      return;
    }
    for (const { segment, index } of this.segmenter.segment(text)) {
      tokens.push(this.classify(segment, script, offset + index));
    }
  }

  private classify(text: string, script: Script, start: number): Token {
    const end = start + text.length;
    const lemma = PLAIN.test(text) ? text : decompose(text);
    if (this.stopWords.has(lemma)) {
      return { kind: 'stop-word', lemma: fold(lemma, script), start, end };
    }
    if (this.separators.has(lemma)) {
      return {
        kind: isHardSeparator(lemma) ? 'hard' : 'soft',
        lemma: fold(lemma, script),
        start,
        end,
      };
    }
    return { kind: 'word', lemma: fold(lemma, script), start, end };
  }
}

export function isSeparator(token: Token): boolean {
  return token.kind === 'soft' || token.kind === 'hard';
}
