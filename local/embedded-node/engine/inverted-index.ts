/**
 * Words to documents and back. A word keeps its docids; a document keeps, in reading order, the ids
 * of its words and their places, so that positions, fields and distances of words are found by one
 * pass over the few documents a rule looks at.
 */
import { Bitset } from './bitset';
import { Dictionary } from './dictionary';
import { facetValues, type FacetValues, forEachLeaf, isReserved, isWithin, textOf } from './fields';
import { FieldOrder, type SortSpec } from './field-order';
import type { JsonObject } from './json';
import { compareSortValues, type SortValue } from './score-details';
import { isSeparator, Tokenizer } from './tokenizer';
import type { EngineSettings } from './settings';

/** Words farther apart than this count as unrelated; also the gap between two values of a field. */
const HARD_GAP = 8;
const MAX_POSITION = 65_535;
const MAX_WORD_BYTES = 250;

export interface WordEntry {
  readonly id: number;
  readonly text: string;
  /** Ascending. */
  readonly docids: number[];
}

export interface IndexedDocument {
  readonly document: JsonObject;
  readonly wordIds: Uint32Array;
  /** Field id × 65,536 + position in the field. */
  readonly places: Uint32Array;
}

interface Field {
  readonly name: string;
  /** Null when the field is not searchable. */
  readonly weight: number | null;
  /** Typos are not tolerated in this field: it or a field above it is named in the settings. */
  readonly isExact: boolean;
  /** The settings name this very field. */
  readonly isNamedExact: boolean;
}

/** Positions beyond the first sixteen are kept only roughly. */
export function bucketedPosition(position: number): number {
  if (position < 16) return position;
  if (position < 24) return 24;
  return 2 ** Math.ceil(Math.log2(position));
}

export class InvertedIndex {
  readonly dictionary = new Dictionary();
  /** The words typos are looked for in: those that stand somewhere where typos are tolerated. */
  readonly typoDictionary: Dictionary;
  readonly documents = new Map<number, IndexedDocument>();
  readonly fields: Field[] = [];
  readonly tokenizer: Tokenizer;
  /** For highlighting: stop words are words like others. */
  readonly formatTokenizer: Tokenizer;
  /** Greatest field weight, or null when all attributes are searchable with equal weight. */
  readonly maxWeight: number | null;
  /** One more than the greatest docid ever seen. */
  capacity = 0;
  private readonly fieldIds = new Map<string, number>();
  private readonly words = new Map<string, WordEntry>();
  private readonly wordsById: (WordEntry | undefined)[] = [];
  private readonly freeWordIds: number[] = [];
  /** By word id, in how many documents typos are tolerated in the word; only if that differs. */
  private readonly tolerantCounts = new Map<number, number>();
  private readonly facets = new Map<string, Map<number, FacetValues>>();
  private readonly orders = new Map<string, FieldOrder>();
  private readonly groups = new Map<string, ReadonlyMap<number | string, readonly number[]>>();
  private all: Bitset | null = null;

  constructor(readonly settings: EngineSettings) {
    this.tokenizer = new Tokenizer(settings);
    this.formatTokenizer = new Tokenizer({ ...settings, stopWords: [] });
    this.typoDictionary = this.hasExactWords ? new Dictionary() : this.dictionary;
    const { searchableAttributes } = settings;
    this.maxWeight = searchableAttributes.includes('*')
      ? null
      : Math.max(0, searchableAttributes.length - 1);
  }

  /** Whether some occurrences of words are kept apart because typos are not tolerated in them. */
  get hasExactWords(): boolean {
    const { disableOnAttributes, disableOnNumbers } = this.settings.typoTolerance;
    return disableOnAttributes.length > 0 || disableOnNumbers;
  }

  /** Whether any document has, or had, the field or one below it. */
  knowsField(name: string): boolean {
    return this.fieldIds.has(name) || this.fields.some((field) => isWithin(field.name, name));
  }

  word(text: string): WordEntry | undefined {
    return this.words.get(text);
  }

  /** All word ids are below this. */
  get wordIdLimit(): number {
    return this.wordsById.length;
  }

  wordById(id: number): WordEntry | undefined {
    return this.wordsById[id];
  }

  upsert(docid: number, document: JsonObject): void {
    this.remove(docid);
    this.capacity = Math.max(this.capacity, docid + 1);
    const wordIds: number[] = [];
    const places: number[] = [];
    const nextPosition = new Map<number, number>();
    forEachLeaf(document, (path, value) => {
      const fid = this.fieldId(path);
      if (this.fields[fid]?.weight === null) return;
      const last = nextPosition.get(fid);
      const start = last === undefined ? 0 : last + HARD_GAP;
      if (start > MAX_POSITION) return;
      const text = textOf(value);
      nextPosition.set(
        fid,
        text === null ? start : this.index(text, { fid, start, wordIds, places }),
      );
    });
    for (const id of new Set(wordIds)) this.link(id, docid);
    const indexed = {
      document,
      wordIds: Uint32Array.from(wordIds),
      places: Uint32Array.from(places),
    };
    this.documents.set(docid, indexed);
    this.countTolerant(indexed, 1);
    for (const order of this.orders.values()) order.add(docid);
    this.all = null;
    this.groups.clear();
  }

  remove(docid: number): void {
    const old = this.documents.get(docid);
    if (!old) return;
    for (const order of this.orders.values()) order.remove(docid);
    this.all = null;
    this.groups.clear();
    this.documents.delete(docid);
    this.countTolerant(old, -1);
    for (const values of this.facets.values()) values.delete(docid);
    for (const id of new Set(old.wordIds)) this.unlink(id, docid);
  }

  /** The values of a field for sorting and distinct; computed once per document and field. */
  facetValues(docid: number, path: string): FacetValues {
    let values = this.facets.get(path);
    if (!values) this.facets.set(path, (values = new Map()));
    let found = values.get(docid);
    if (!found) {
      const document = this.documents.get(docid)?.document;
      found = document ? facetValues(document, path) : { numbers: [], strings: [] };
      values.set(docid, found);
    }
    return found;
  }

  /** Whether this occurrence of a word tolerates no typos. */
  isExactPlace(text: string, place: number): boolean {
    if (this.fields[place >>> 16]?.isExact) return true;
    return this.settings.typoTolerance.disableOnNumbers && isNumeric(text);
  }

  /** All docids as a set; not to be changed. */
  allDocids(): Bitset {
    return (this.all ??= Bitset.of(this.documents.keys(), this.capacity));
  }

  /** Numbers and strings never meet in a Map, so 1 and "1" stay two values. */
  distinctValues(docid: number, field: string): readonly (number | string)[] {
    const { numbers, strings } = this.facetValues(docid, field);
    return [...numbers, ...strings];
  }

  /** Which documents have which value of a field. Made when needed, dropped at every change. */
  documentsByValue(field: string): ReadonlyMap<number | string, readonly number[]> {
    const known = this.groups.get(field);
    if (known) return known;
    const byValue = new Map<number | string, number[]>();
    for (const docid of this.documents.keys()) {
      for (const value of this.distinctValues(docid, field)) {
        const group = byValue.get(value);
        if (group) group.push(docid);
        else byValue.set(value, [docid]);
      }
    }
    this.groups.set(field, byValue);
    return byValue;
  }

  /** The value a document is ordered by: of several the best, numbers before strings. */
  sortValue(docid: number, { field, ascending }: SortSpec): SortValue {
    const { numbers, strings } = this.facetValues(docid, field);
    const values: readonly (number | string)[] = numbers.length > 0 ? numbers : strings;
    let best: SortValue = null;
    for (const value of values) {
      if (best === null || compareSortValues(value, best, ascending) < 0) best = value;
    }
    return best;
  }

  /** All documents in the order of a field. Made at the first call, then kept up to date. */
  orderOf(spec: SortSpec): FieldOrder {
    const key = `${spec.field}:${spec.ascending}`;
    let order = this.orders.get(key);
    if (!order) {
      const valueOf = (docid: number): SortValue => this.sortValue(docid, spec);
      order = new FieldOrder(valueOf, spec.ascending, this.documents.keys());
      this.orders.set(key, order);
    }
    return order;
  }

  private fieldId(name: string): number {
    let id = this.fieldIds.get(name);
    if (id === undefined) {
      const exact = this.settings.typoTolerance.disableOnAttributes;
      id = this.fields.length;
      this.fieldIds.set(name, id);
      this.fields.push({
        name,
        weight: this.weightOf(name),
        isExact: exact.some((attribute) => isWithin(name, attribute)),
        isNamedExact: exact.includes(name),
      });
    }
    return id;
  }

  private weightOf(name: string): number | null {
    if (isReserved(name)) return null;
    if (this.maxWeight === null) return 0;
    const at = this.settings.searchableAttributes.findIndex((a) => isWithin(name, a));
    return at < 0 ? null : at;
  }

  /** Adds the words of one value and returns the position of the last one. */
  private index(
    text: string,
    into: { fid: number; start: number; wordIds: number[]; places: number[] },
  ): number {
    let position = into.start;
    let last = into.start;
    let before: 'none' | 'hard' | 'other' = 'none';
    let started = false;
    for (const token of this.tokenizer.tokenize(text)) {
      if (isSeparator(token)) {
        if (started && before !== 'hard') before = token.kind === 'hard' ? 'hard' : 'other';
        continue;
      }
      started = true;
      if (token.lemma === '') continue;
      if (before === 'hard') position += HARD_GAP;
      else if (before === 'other') position += 1;
      before = 'other';
      if (position > MAX_POSITION) break;
      const word = token.lemma.trim();
      if (token.kind !== 'word' || word === '' || isTooLong(word)) continue;
      last = position;
      into.wordIds.push(this.wordId(word));
      into.places.push(into.fid * 65_536 + position);
    }
    return last;
  }

  private countTolerant({ wordIds, places }: IndexedDocument, change: 1 | -1): void {
    if (!this.hasExactWords) return;
    const tolerant = new Set<number>();
    wordIds.forEach((id, i) => {
      const text = this.wordsById[id]?.text ?? '';
      if (!tolerant.has(id) && !this.isExactPlace(text, places[i] ?? 0)) tolerant.add(id);
    });
    for (const id of tolerant) {
      const text = this.wordsById[id]?.text ?? '';
      const count = (this.tolerantCounts.get(id) ?? 0) + change;
      if (count === 0) this.tolerantCounts.delete(id);
      else this.tolerantCounts.set(id, count);
      if (count === 1 && change === 1) this.typoDictionary.add(text);
      if (count === 0) this.typoDictionary.remove(text);
    }
  }

  private wordId(text: string): number {
    let entry = this.words.get(text);
    if (!entry) {
      entry = { id: this.freeWordIds.pop() ?? this.wordsById.length, text, docids: [] };
      this.words.set(text, entry);
      this.wordsById[entry.id] = entry;
      this.dictionary.add(text);
    }
    return entry.id;
  }

  private link(id: number, docid: number): void {
    const docids = this.wordsById[id]?.docids ?? [];
    if ((docids[docids.length - 1] ?? -1) < docid) docids.push(docid);
    else docids.splice(firstAtLeast(docids, docid), 0, docid);
  }

  private unlink(id: number, docid: number): void {
    const entry = this.wordsById[id];
    if (!entry) return;
    entry.docids.splice(firstAtLeast(entry.docids, docid), 1);
    if (entry.docids.length > 0) return;
    this.words.delete(entry.text);
    this.wordsById[id] = undefined;
    this.freeWordIds.push(id);
    this.dictionary.remove(entry.text);
  }
}

function isTooLong(word: string): boolean {
  return word.length * 3 > MAX_WORD_BYTES && Buffer.byteLength(word) > MAX_WORD_BYTES;
}

function isNumeric(word: string): boolean {
  return /^[\p{N}!-/:-@[-`{-~]*$/u.test(word);
}

function firstAtLeast(docids: readonly number[], docid: number): number {
  let low = 0;
  let high = docids.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((docids[middle] ?? 0) < docid) low = middle + 1;
    else high = middle;
  }
  return low;
}
