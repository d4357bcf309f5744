/**
 * What one search knows: the index, the fields it may look at, and what it has already looked up.
 * Sets of docids are computed once per word, phrase or subset and narrowed by the rules.
 */
import { Bitset } from './bitset';
import type { InvertedIndex, WordEntry } from './inverted-index';
import { matchesPattern } from './fields';
import {
  expand,
  type Expansion,
  makePhrase,
  type Phrase,
  QueryTerm,
  type SubsetWord,
  type TermContext,
  type TermInit,
  type TermSubset,
} from './query-term';

/** Words this far apart, or farther, are not neighbours. */
export const MAX_DISTANCE = 4;

export class SearchContext implements TermContext {
  /** Null: all searchable fields. */
  private readonly restrictedFields: ReadonlySet<number> | null;
  private readonly wordSets = new Map<string, Bitset>();
  private readonly phraseSets = new Map<string, Bitset>();
  private readonly subsetSets = new Map<string, Bitset>();
  private readonly expansions = new Map<string, Expansion>();
  private typoFreeWords: ReadonlySet<string> | null = null;
  private termCount = 0;

  constructor(
    readonly index: InvertedIndex,
    attributesToSearchOn: readonly string[] | null,
    private readonly synonyms: ReadonlyMap<string, readonly (readonly string[])[]>,
  ) {
    this.restrictedFields =
      attributesToSearchOn === null || attributesToSearchOn.includes('*')
        ? null
        : this.fieldsNamed(attributesToSearchOn);
  }

  get capacity(): number {
    return this.index.capacity;
  }

  newTerm(init: TermInit): QueryTerm {
    this.termCount += 1;
    return new QueryTerm(this.termCount, init);
  }

  synonymsOf(words: readonly string[]): readonly (readonly string[])[] {
    return this.synonyms.get(words.join('\u001f')) ?? [];
  }

  /** Whether the settings allow no typos in this word. */
  isTypoFree(word: string): boolean {
    this.typoFreeWords ??= new Set(
      this.index.settings.typoTolerance.disableOnWords.map((text) =>
        this.index.tokenizer
          .tokenize(text)
          .map(({ lemma }) => lemma)
          .join(''),
      ),
    );
    return this.typoFreeWords.has(word);
  }

  /** Whether the search may look at this field. */
  mayUse(fid: number): boolean {
    return this.restrictedFields === null || this.restrictedFields.has(fid);
  }

  expansion(subset: TermSubset): Expansion {
    let found = this.expansions.get(subset.key);
    if (!found) this.expansions.set(subset.key, (found = expand(this, subset)));
    return found;
  }

  /** Documents with the word, in the fields the search may look at. */
  wordDocids({ text, isDerived }: SubsetWord): Bitset {
    const tolerant = isDerived && this.index.hasExactWords;
    const key = tolerant ? `\u0000${text}` : text;
    let set = this.wordSets.get(key);
    if (!set) {
      const entry = this.index.word(text);
      set = entry ? this.entryDocids(entry, tolerant) : Bitset.empty(this.capacity);
      this.wordSets.set(key, set);
    }
    return set;
  }

  /** Whether any document has the word, in the fields the search may look at. */
  isKnown(word: SubsetWord): boolean {
    return !this.wordDocids(word).isEmpty();
  }

  /** Documents in which the phrase stands. */
  phraseDocids(phrase: Phrase): Bitset {
    let set = this.phraseSets.get(phrase.key);
    if (!set) this.phraseSets.set(phrase.key, (set = this.resolvePhrase(phrase.words)));
    return set;
  }

  /** Documents in which anything of the subset stands. */
  subsetDocids(subset: TermSubset): Bitset {
    let set = this.subsetSets.get(subset.key);
    if (!set) {
      set = Bitset.empty(this.capacity);
      const { words, phrases, commonPrefix } = this.expansion(subset);
      for (const word of words) set.addAll(this.wordDocids(word));
      for (const phrase of phrases) set.addAll(this.phraseDocids(phrase));
      if (commonPrefix) {
        for (const text of this.wordsWithPrefix(commonPrefix.text)) {
          set.addAll(this.wordDocids({ text, isDerived: commonPrefix.isDerived }));
        }
      }
      this.subsetSets.set(subset.key, set);
    }
    return set;
  }

  wordsWithPrefix(prefix: string): readonly string[] {
    const [from, to] = this.index.dictionary.rangeOf(prefix);
    return this.index.dictionary.sorted().slice(from, to);
  }

  /** The two words most often side by side whose joining gives `word`. */
  bestSplit(word: string): Phrase | null {
    let best: Phrase | null = null;
    let bestCount = 0;
    const characters = [...word];
    for (let i = 1; i < characters.length; i += 1) {
      const left = characters.slice(0, i).join('');
      const right = characters.slice(i).join('');
      if (!this.index.word(left) || !this.index.word(right)) continue;
      const count = this.countNeighbours(left, right);
      if (count > bestCount) {
        best = makePhrase([left, right]);
        bestCount = count;
      }
    }
    return best;
  }

  /**
   * The least forward distance (1 to 3) from `left` to `right` within one field of a document, or 0.
   * With precision by attribute any two words of a field are at every distance; that is 1 here.
   */
  distance(docid: number, left: number, right: number): number {
    const doc = this.index.documents.get(docid);
    if (!doc) return 0;
    const { wordIds, places } = doc;
    if (this.index.settings.proximityPrecision === 'byAttribute') {
      return this.shareField(wordIds, places, [left, right]) ? 1 : 0;
    }
    let least = 0;
    for (let i = 0; i < wordIds.length; i += 1) {
      if (wordIds[i] !== left) continue;
      const from = places[i] ?? 0;
      for (let j = i + 1; j < wordIds.length; j += 1) {
        const gap = (places[j] ?? 0) - from;
        if (gap >= MAX_DISTANCE || gap < 0) break;
        if (gap > 0 && wordIds[j] === right && (least === 0 || gap < least)) least = gap;
      }
    }
    return least;
  }

  private shareField(
    wordIds: Uint32Array,
    places: Uint32Array,
    [left, right]: readonly [number, number],
  ): boolean {
    const fields = new Set<number>();
    for (let i = 0; i < wordIds.length; i += 1) {
      const fid = (places[i] ?? 0) >>> 16;
      if (wordIds[i] === left && this.mayUse(fid)) fields.add(fid);
    }
    for (let i = 0; i < wordIds.length; i += 1) {
      if (wordIds[i] === right && fields.has((places[i] ?? 0) >>> 16)) return true;
    }
    return false;
  }

  private fieldsNamed(names: readonly string[]): ReadonlySet<number> {
    const found = new Set<number>();
    this.index.fields.forEach(({ name, weight }, fid) => {
      if (weight !== null && names.some((n) => n === name || matchesPattern(n, name)))
        found.add(fid);
    });
    return found;
  }

  private entryDocids(entry: WordEntry, tolerantOnly: boolean): Bitset {
    if (!tolerantOnly && this.restrictedFields === null) {
      return Bitset.of(entry.docids, this.capacity);
    }
    const set = Bitset.empty(this.capacity);
    for (const docid of entry.docids) {
      const doc = this.index.documents.get(docid);
      const counts = doc?.wordIds.some((id, i) => {
        const place = doc.places[i] ?? 0;
        if (id !== entry.id || !this.mayUse(place >>> 16)) return false;
        return !tolerantOnly || this.isTolerant(entry.text, place);
      });
      if (counts) set.add(docid);
    }
    return set;
  }

  /** A search of named fields knows only which of them are named as exact, not what lies below. */
  private isTolerant(text: string, place: number): boolean {
    if (this.restrictedFields === null) return !this.index.isExactPlace(text, place);
    return !this.index.fields[place >>> 16]?.isNamedExact;
  }

  private countNeighbours(left: string, right: string): number {
    const [a, b] = [this.index.word(left), this.index.word(right)];
    if (!a || !b) return 0;
    const other = new Set(b.docids);
    let count = 0;
    for (const docid of a.docids) {
      if (other.has(docid) && this.distance(docid, a.id, b.id) === 1) count += 1;
    }
    return count;
  }

  private resolvePhrase(words: readonly (string | null)[]): Bitset {
    const entries = words.map((word) => (word === null ? null : this.index.word(word)));
    const empty = Bitset.empty(this.capacity);
    let candidates: Bitset | null = null;
    for (const [i, entry] of entries.entries()) {
      if (entry === undefined) return empty;
      if (entry === null) continue;
      const docids = this.wordDocids({ text: words[i] ?? '', isDerived: false });
      candidates = candidates ? candidates.and(docids) : docids;
    }
    if (!candidates) return empty;
    const result = Bitset.empty(this.capacity);
    for (const docid of candidates) if (this.hasPhrase(docid, entries)) result.add(docid);
    return result;
  }

  /** Every window of three words must keep its distances; that is how Meilisearch checks phrases. */
  private hasPhrase(docid: number, entries: readonly (WordEntry | null | undefined)[]): boolean {
    const size = Math.min(entries.length, 3);
    for (let start = 0; start + size <= entries.length; start += 1) {
      for (let i = start; i < start + size; i += 1) {
        for (let j = i + 1; j < start + size; j += 1) {
          const [a, b] = [entries[i], entries[j]];
          if (!a || !b) continue;
          const distance = this.distance(docid, a.id, b.id);
          if (distance === 0 || distance > j - i) return false;
        }
      }
    }
    return true;
  }
}

/** The synonyms as the search compares them: words of the key joined by a unit separator. */
export function normalizeSynonyms(
  index: InvertedIndex,
): ReadonlyMap<string, readonly (readonly string[])[]> {
  const merged = new Map<string, Set<string>>();
  for (const [word, synonyms] of Object.entries(index.settings.synonyms)) {
    const key = index.tokenizer.words(word).join('\u001f');
    if (key === '') continue;
    const set = merged.get(key) ?? new Set();
    for (const synonym of synonyms) set.add(synonym);
    merged.set(key, set);
  }
  const result = new Map<string, readonly (readonly string[])[]>();
  for (const [key, synonyms] of merged) {
    const phrases = [...synonyms].sort().map((synonym) => index.tokenizer.words(synonym));
    result.set(
      key,
      phrases.filter((words) => words.length > 0),
    );
  }
  return result;
}
