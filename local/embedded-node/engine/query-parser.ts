/** From the text of a query to located terms: words, phrases, negative words; the last word is a prefix. */
import { makePhrase, type Phrase, type QueryTerm, wordTerm } from './query-term';
import type { SearchContext } from './search-context';
import type { Token } from './tokenizer';

/** Longer queries are cut. */
const MAX_TERMS = 10;
const MAX_TOKENS = 1_000;
/** A hard separator puts this much between two words, beside the one they are apart anyway. */
const HARD_GAP = 7;

export interface LocatedTerm {
  readonly term: QueryTerm;
  readonly positions: readonly [number, number];
}

export interface ParsedQuery {
  readonly terms: readonly LocatedTerm[];
  readonly negativeWords: readonly string[];
  readonly negativePhrases: readonly Phrase[];
}

class PhraseBuilder {
  private readonly words: (string | null)[] = [];
  private start = 0;
  private end = 0;

  push(token: Token, position: number): void {
    if (this.isEmpty) this.start = position;
    this.end = position;
    this.words.push(token.kind === 'stop-word' ? null : token.lemma);
  }

  get isEmpty(): boolean {
    return this.words.every((word) => word === null);
  }

  phrase(): Phrase {
    return makePhrase(this.words);
  }

  get positions(): readonly [number, number] {
    return [this.start, this.end];
  }
}

class QueryParser {
  private readonly terms: LocatedTerm[] = [];
  private readonly negativeWords: string[] = [];
  private readonly negativePhrases: Phrase[] = [];
  private position = -1;
  private phrase: PhraseBuilder | null = null;
  private phraseIsNegative = false;
  private nextIsNegative = false;
  private afterBlank = true;

  constructor(private readonly context: SearchContext) {}

  parse(query: string): ParsedQuery {
    const tokens = this.context.index.tokenizer.tokenize(query).slice(0, MAX_TOKENS);
    for (const [i, token] of tokens.entries()) {
      if (token.lemma === '') continue;
      if (this.terms.length >= MAX_TERMS) return this.result();
      if (token.kind === 'word' || token.kind === 'stop-word') {
        this.word(token, i === tokens.length - 1);
      } else {
        this.separator(token);
      }
      this.afterBlank = /\s$/u.test(token.lemma);
    }
    if (this.phrase) this.close(this.phrase);
    return this.result();
  }

  private word(token: Token, isLast: boolean): void {
    this.position += 1;
    if (this.phrase) {
      this.phrase.push(token, this.position);
    } else if (this.nextIsNegative) {
      this.negativeWords.push(token.lemma);
      this.nextIsNegative = false;
    } else if (isLast || token.kind === 'word') {
      const term = wordTerm(this.context, {
        original: token.lemma,
        maxTypos: allowedTypos(this.context, token.lemma),
        isPrefix: isLast && this.context.index.settings.prefixSearch !== 'disabled',
      });
      this.terms.push({ term, positions: [this.position, this.position] });
    }
  }

  private separator(token: Token): void {
    if (token.kind === 'hard') {
      this.position += HARD_GAP;
      if (this.phrase) {
        this.close(this.phrase);
        this.phrase = new PhraseBuilder();
      }
    }
    let quotes = token.lemma.split('"').length - 1;
    if (quotes > 0) {
      if (this.phrase) {
        quotes -= 1;
        const closed = this.close(this.phrase);
        if (closed) this.phraseIsNegative = false;
      }
      const opens = quotes % 2 === 1;
      if (opens) this.phraseIsNegative = this.nextIsNegative;
      this.phrase = opens ? new PhraseBuilder() : null;
    }
    this.nextIsNegative = this.phrase === null && token.lemma === '-' && this.afterBlank;
  }

  /** Whether the phrase held a word. */
  private close(builder: PhraseBuilder): boolean {
    if (builder.isEmpty) return false;
    const phrase = builder.phrase();
    if (this.phraseIsNegative) {
      this.negativePhrases.push(phrase);
      return true;
    }
    const original = phrase.words.filter((word) => word !== null).join(' ');
    const term = this.context.newTerm({ original, maxTypos: 0, isPrefix: false, phrase });
    this.terms.push({ term, positions: builder.positions });
    return false;
  }

  private result(): ParsedQuery {
    const { terms, negativeWords, negativePhrases } = this;
    return { terms, negativeWords, negativePhrases };
  }
}

/** Splits a query into at most ten terms. */
export function parseQuery(context: SearchContext, query: string): ParsedQuery {
  return new QueryParser(context).parse(query);
}

/** How many typos a word of the query may have. */
export function allowedTypos(context: SearchContext, word: string): number {
  const { enabled, minWordSizeForTypos } = context.index.settings.typoTolerance;
  const length = [...word].length;
  if (!enabled || length < minWordSizeForTypos.oneTypo || context.isTypoFree(word)) return 0;
  return length < minWordSizeForTypos.twoTypos ? 1 : 2;
}
