/**
 * A term: a word of the query (or two or three joined, or a quoted phrase) with all that may stand
 * for it in documents. Typos and split words are looked up only when a rule asks for them.
 */
import { compareUtf8 } from './fields';
import type { InvertedIndex } from './inverted-index';
import { oneTypoDerivations, prefixDerivations, twoTypoDerivations } from './derivations';

const MAX_WORD_BYTES = 250;
const MAX_SYNONYMS = 50;
const MAX_SYNONYM_WORDS = 100;

/** Words that must stand side by side; null is a stop word, of which only the place counts. */
export interface Phrase {
  readonly key: string;
  readonly words: readonly (string | null)[];
}

export function makePhrase(words: readonly (string | null)[]): Phrase {
  return { key: words.map((word) => word ?? '\u0000').join('\u001f'), words };
}

interface Typos {
  readonly one: readonly string[];
  readonly two: readonly string[];
  readonly split: Phrase | null;
}

export interface TermInit {
  /** The word, the joined words, or the phrase's words with blanks. */
  readonly original: string;
  readonly maxTypos: number;
  readonly isPrefix: boolean;
  /** Set for joined words. */
  readonly ngramWords?: readonly string[];
  readonly phrase?: Phrase;
}

/** What a term needs of its search. */
export interface TermContext {
  readonly index: InvertedIndex;
  newTerm(init: TermInit): QueryTerm;
  synonymsOf(words: readonly string[]): readonly (readonly string[])[];
  bestSplit(word: string): Phrase | null;
}

export class QueryTerm {
  readonly original: string;
  readonly isPrefix: boolean;
  readonly maxTypos: number;
  readonly ngramWords: readonly string[] | null;
  readonly phrase: Phrase | null;
  /** The word itself, if the index has it. */
  exact: string | null = null;
  /** The prefix itself, where so many words begin with it that the index treats it as one. */
  commonPrefix: string | null = null;
  prefixOf: readonly string[] = [];
  readonly synonyms: Phrase[] = [];
  private typos: Typos | null = null;

  constructor(
    /** Unique within a search. */
    readonly id: number,
    init: TermInit,
  ) {
    this.original = init.original;
    this.isPrefix = init.isPrefix;
    this.maxTypos = init.maxTypos;
    this.ngramWords = init.ngramWords ?? null;
    this.phrase = init.phrase ?? null;
  }

  /** Typos and split words, looked up once. */
  derive(context: TermContext): Typos {
    return (this.typos ??= this.findTypos(context));
  }

  /** What has been looked up so far, for highlighting; the first that fits a text counts. */
  known(): { words: string[]; phrases: Phrase[] } {
    const words = this.exact === null ? [] : [this.exact];
    const phrases = this.phrase ? [this.phrase] : [];
    const typos = [...(this.typos?.one ?? []), ...(this.typos?.two ?? [])];
    words.push(...this.prefixOf, ...typos.sort(compareUtf8));
    phrases.push(...this.synonyms);
    if (this.typos?.split) phrases.push(this.typos.split);
    return { words, phrases };
  }

  private findTypos(context: TermContext): Typos {
    const { typoDictionary: dictionary } = context.index;
    const search = { word: this.original, maxTypos: this.maxTypos, isPrefix: this.isPrefix };
    if (this.phrase || isTooLong(this.original)) return { one: [], two: [], split: null };
    if (this.maxTypos > 1) {
      const split = context.bestSplit(this.original);
      return { ...twoTypoDerivations(dictionary, search), split };
    }
    const one = this.maxTypos > 0 ? oneTypoDerivations(dictionary, search) : [];
    const split = context.bestSplit(this.original);
    const isOwnWords =
      split !== null && this.ngramWords?.join('\u001f') === split.words.join('\u001f');
    return { one, two: [], split: isOwnWords ? null : split };
  }
}

function isTooLong(word: string): boolean {
  return word.length * 3 > MAX_WORD_BYTES && Buffer.byteLength(word) > MAX_WORD_BYTES;
}

/** A term for one word or for joined words, with its prefix derivations and synonyms. */
export function wordTerm(context: TermContext, init: TermInit): QueryTerm {
  const { index } = context;
  const word = init.original;
  if (isTooLong(word)) {
    return context.newTerm({ original: word, maxTypos: 0, isPrefix: false });
  }
  const term = context.newTerm(init);
  if (index.word(word)) term.exact = word;
  if (init.isPrefix) {
    if (index.typoDictionary.isCommonPrefix(word)) term.commonPrefix = word;
    else term.prefixOf = prefixDerivations(index.dictionary, word);
  }
  let wordCount = 0;
  for (const words of context.synonymsOf([word]).slice(0, MAX_SYNONYMS)) {
    if (wordCount + words.length > MAX_SYNONYM_WORDS) continue;
    wordCount += words.length;
    term.synonyms.push(makePhrase(words));
  }
  if (init.ngramWords) {
    for (const words of context.synonymsOf(init.ngramWords)) term.synonyms.push(makePhrase(words));
  }
  return term;
}

/** Which of the words without typos are meant: none, all, or only the exact word or phrase. */
export type ZeroTypo = 'nothing' | 'all' | 'exact';

/** Part of what may stand for a term, at its place in the query. Immutable. */
export interface TermSubset {
  readonly key: string;
  readonly term: QueryTerm;
  readonly zero: ZeroTypo;
  readonly one: boolean;
  readonly two: boolean;
  /** The term may not be dropped by the matching strategy. */
  readonly isMandatory: boolean;
  /** First and last position in the query; hard separators leave gaps. */
  readonly positions: readonly [number, number];
  /** First and last number of the term in the query, without gaps. */
  readonly ids: readonly [number, number];
}

type Parts = Omit<TermSubset, 'key'>;

export function makeSubset(parts: Parts): TermSubset {
  const { term, zero, one, two, isMandatory } = parts;
  const flags = `${zero[0]}${one ? 1 : 0}${two ? 1 : 0}${isMandatory ? 1 : 0}`;
  const { positions, ids } = parts;
  const key = `${term.id}${flags}`;
  return { key, term, zero, one, two, isMandatory, positions, ids };
}

export function fullSubset(
  term: QueryTerm,
  positions: readonly [number, number],
  ids: readonly [number, number],
): TermSubset {
  return makeSubset({
    term,
    zero: 'all',
    one: true,
    two: true,
    isMandatory: false,
    positions,
    ids,
  });
}

/** What both subsets of one term have in common; mandatory as the first. */
export function intersect(a: TermSubset, b: TermSubset): TermSubset {
  const none = a.zero === 'nothing' || b.zero === 'nothing';
  const exact = a.zero === 'exact' || b.zero === 'exact';
  const zero = none ? 'nothing' : exact ? 'exact' : 'all';
  return makeSubset({ ...a, zero, one: a.one && b.one, two: a.two && b.two });
}

/** How many words of the query the subset stands for. */
export function width(subset: TermSubset): number {
  return subset.ids[1] - subset.ids[0] + 1;
}

/** The exact word or phrase that counts as an exact match, if any. */
export function exactTerm(subset: TermSubset): Phrase | string | null {
  const { term } = subset;
  if (term.ngramWords || subset.zero === 'nothing') return null;
  return term.phrase ?? term.exact;
}

export function originalPhrase(subset: TermSubset): Phrase | null {
  return subset.zero === 'nothing' ? null : subset.term.phrase;
}

/** The greatest number of typos the subset can stand for. */
export function maxTypoCost(subset: TermSubset): number {
  const { term } = subset;
  if (term.maxTypos === 0) return term.phrase ? 0 : 1;
  if (term.maxTypos === 1) return subset.one ? 1 : 0;
  if (subset.two) return 2;
  return subset.one ? 1 : 0;
}

/** A word that may stand for a term; `derived` ones do not count in fields without typos. */
export interface SubsetWord {
  readonly text: string;
  readonly isDerived: boolean;
}

export interface Expansion {
  readonly words: readonly SubsetWord[];
  readonly phrases: readonly Phrase[];
  readonly commonPrefix: SubsetWord | null;
}

/** All words and phrases of a subset. */
export function expand(context: TermContext, subset: TermSubset): Expansion {
  const { term } = subset;
  const isDerived = term.ngramWords !== null;
  const words = new Map<string, SubsetWord>();
  const put = (text: string, derived: boolean): void => {
    if (!words.has(text)) words.set(text, { text, isDerived: derived });
  };
  if (subset.zero !== 'nothing' && term.exact !== null) put(term.exact, isDerived);
  if (subset.zero === 'all') for (const word of term.prefixOf) put(word, isDerived);
  const phrases = term.phrase ? [term.phrase, ...term.synonyms] : [...term.synonyms];
  if (subset.one || subset.two) {
    const typos = term.derive(context);
    if (subset.one) for (const word of typos.one) put(word, true);
    if (subset.two) for (const word of typos.two) put(word, true);
    if (subset.one && typos.split) phrases.push(typos.split);
  }
  // A lone exact word keeps the common prefix too when it is the prefix itself.
  const keepsPrefix =
    subset.zero === 'all' || (subset.zero === 'exact' && term.exact === term.commonPrefix);
  const prefix = keepsPrefix && term.commonPrefix !== null ? term.commonPrefix : null;
  return {
    words: [...words.values()],
    phrases,
    commonPrefix: prefix === null ? null : { text: prefix, isDerived },
  };
}
