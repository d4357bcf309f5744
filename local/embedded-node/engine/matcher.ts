/**
 * What counts as a match of the query in a text, for highlighting and cropping: the derivations that
 * the search has looked at. Phrases come first, then words, prefixes last.
 */
import type { LocatedTerm } from './query-parser';
import { isSeparator, originalCharacters, type Token, type Tokenizer } from './tokenizer';

interface MatchingPhrase {
  readonly words: readonly (string | null)[];
  readonly positions: readonly [number, number];
}

interface MatchingWords {
  readonly words: ReadonlySet<string>;
  readonly list: readonly string[];
  readonly positions: readonly [number, number];
  readonly isPrefix: boolean;
  readonly originalLength: number;
}

/** One match in a text: a word, or the words of a phrase. */
export interface Match {
  /** How many characters match, counted from the start of the first token. */
  readonly charCount: number;
  /** Positions in the query. */
  readonly ids: readonly number[];
  readonly words: readonly [number, number];
  readonly tokens: readonly [number, number];
}

export interface MatchedText {
  readonly text: string;
  readonly tokens: readonly Token[];
  readonly matches: readonly Match[];
}

function idsOf([from, to]: readonly [number, number]): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

/** Immutable; belongs to one search. */
export class Matcher {
  private readonly phrases: MatchingPhrase[] = [];
  private readonly words: MatchingWords[] = [];

  constructor(
    private readonly tokenizer: Tokenizer,
    terms: readonly LocatedTerm[],
    /** Whether any document of the index has the field, or a field below it. */
    readonly knowsField: (name: string) => boolean,
  ) {
    for (const { term, positions } of terms) {
      const { words, phrases } = term.known();
      for (const phrase of phrases) this.phrases.push({ words: phrase.words, positions });
      this.words.push({
        words: new Set(words),
        list: words,
        positions,
        isPrefix: term.isPrefix,
        originalLength: [...term.original].length,
      });
    }
    const size = ([from, to]: readonly [number, number]): number => to - from;
    this.words.sort(
      (a, b) => Number(a.isPrefix) - Number(b.isPrefix) || size(b.positions) - size(a.positions),
    );
  }

  /** The tokens of a text and the matches among them, in order. */
  match(text: string): MatchedText {
    const tokens = this.tokenizer.tokenize(text);
    const places = tokens.flatMap((token, at) => (isSeparator(token) ? [] : [{ token, at }]));
    const matches: Match[] = [];
    for (let word = 0; word < places.length;) {
      const phrase = this.phraseAt(places, word);
      const match = phrase ?? this.wordAt(places[word], { text, word });
      if (match) matches.push(match);
      word = phrase ? phrase.words[1] + 1 : word + 1;
    }
    return { text, tokens, matches };
  }

  private phraseAt(places: readonly { token: Token; at: number }[], word: number): Match | null {
    for (const { words, positions } of this.phrases) {
      const last = word + words.length - 1;
      const fits = words.every((wanted, i) => {
        const token = places[word + i]?.token;
        if (!token) return false;
        return wanted === null ? token.kind === 'stop-word' : token.lemma === wanted;
      });
      const [from, to] = [places[word], places[last]];
      if (!fits || !from || !to || words.length === 0) continue;
      return {
        charCount: to.token.end - from.token.start,
        ids: idsOf(positions),
        words: [word, last],
        tokens: [from.at, to.at],
      };
    }
    return null;
  }

  private wordAt(
    place: { token: Token; at: number } | undefined,
    { text, word }: { text: string; word: number },
  ): Match | null {
    if (!place) return null;
    const { token, at } = place;
    const original = text.slice(token.start, token.end);
    for (const located of this.words) {
      const length = this.matchedLength(located, token, original);
      if (length === null) continue;
      return {
        charCount: length,
        ids: idsOf(located.positions),
        words: [word, word],
        tokens: [at, at],
      };
    }
    return null;
  }

  /** How many UTF-16 units of the original match; null if the token does not. */
  private matchedLength(located: MatchingWords, token: Token, original: string): number | null {
    const { lemma } = token;
    if (located.isPrefix) {
      for (const word of located.list) {
        if (!lemma.startsWith(word)) continue;
        const prefix = [...word].slice(0, located.originalLength).join('');
        if (prefix === '') continue;
        const characters = originalCharacters(original, prefix.length);
        return [...original].slice(0, characters).join('').length;
      }
      return null;
    }
    return located.words.has(lemma) ? original.length : null;
  }
}
