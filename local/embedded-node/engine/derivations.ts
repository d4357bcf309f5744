/**
 * The words of the dictionary near a query word: by prefix, by typos, by splitting in two. The typo
 * search walks the sorted dictionary as if it were a trie: one row of the edit distance table per
 * character, shared by words with the same beginning, and it leaps over whole branches that cannot
 * come near enough. Swapped neighbours count as one typo.
 */
import { type Dictionary, firstWithout } from './dictionary';

const MAX_PREFIX_WORDS = 1_000;
const MAX_ONE_TYPO_WORDS = 150;
const MAX_TWO_TYPO_WORDS = 50;

/** The words that begin with `word`, without the word itself. */
export function prefixDerivations(dictionary: Dictionary, word: string): string[] {
  const [from, to] = dictionary.rangeOf(word);
  const words = dictionary.sorted();
  const found: string[] = [];
  for (let i = from; i < to && found.length < MAX_PREFIX_WORDS; i += 1) {
    const candidate = words[i] ?? '';
    if (candidate !== word) found.push(candidate);
  }
  return found;
}

export interface TypoSearch {
  readonly word: string;
  readonly maxTypos: number;
  /** Also accept words that begin with something near the query word. */
  readonly isPrefix: boolean;
}

type Found = (word: string, distance: number) => boolean;

class DistanceTable {
  private readonly rows: Uint8Array[] = [];
  private readonly query: string;
  private readonly max: number;

  constructor(search: TypoSearch) {
    this.query = search.word;
    this.max = search.maxTypos;
    this.rows.push(Uint8Array.from({ length: this.query.length + 1 }, (_, i) => Math.min(i, 250)));
  }

  /** Computes the row after `depth` + 1 characters of `word`. */
  push(word: string, depth: number): void {
    const { query } = this;
    const above = this.row(depth);
    const row = (this.rows[depth + 1] ??= new Uint8Array(query.length + 1));
    const twoAbove = depth > 0 ? this.row(depth - 1) : above;
    const c = word.charCodeAt(depth);
    row[0] = Math.min(depth + 1, 250);
    for (let j = 1; j <= query.length; j += 1) {
      const q = query.charCodeAt(j - 1);
      let best = Math.min((above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1);
      best = Math.min(best, (above[j - 1] ?? 0) + (q === c ? 0 : 1));
      if (depth > 0 && j > 1 && q === word.charCodeAt(depth - 1) && query.charCodeAt(j - 2) === c) {
        best = Math.min(best, (twoAbove[j - 2] ?? 0) + 1);
      }
      row[j] = best;
    }
  }

  /** The distance of the whole query from the first `depth` characters. */
  distance(depth: number): number {
    return this.row(depth)[this.query.length] ?? 250;
  }

  /** No word that begins with these characters can come near enough. */
  isDead(depth: number): boolean {
    if (minimum(this.row(depth)) <= this.max) return false;
    return depth === 0 || minimum(this.row(depth - 1)) > this.max - 1;
  }

  /** Whatever follows, the query as a prefix is at this distance: nothing closer can come. */
  isSettled(depth: number): boolean {
    const row = this.row(depth);
    const whole = row[this.query.length] ?? 250;
    return whole <= this.max && minimum(row) >= whole;
  }

  private row(depth: number): Uint8Array {
    return this.rows[depth] ?? new Uint8Array(0);
  }
}

function minimum(row: Uint8Array): number {
  let least = 250;
  for (let i = 0; i < row.length; i += 1) least = Math.min(least, row[i] ?? 250);
  return least;
}

function commonPrefix(a: string, b: string): number {
  let i = 0;
  while (i < a.length && i < b.length && a.charCodeAt(i) === b.charCodeAt(i)) i += 1;
  return i;
}

/** Calls `found` in dictionary order with every word near enough, until it returns false. */
function forEachNear(
  words: readonly string[],
  [from, to]: readonly [number, number],
  { search, found }: { search: TypoSearch; found: Found },
): void {
  const table = new DistanceTable(search);
  let previous = '';
  let valid = 0;
  for (let at = from; at < to;) {
    const word = words[at] ?? '';
    let depth = Math.min(valid, commonPrefix(previous, word));
    let settled = search.isPrefix && table.isSettled(depth);
    while (!settled && depth < word.length && !table.isDead(depth)) {
      table.push(word, depth);
      depth += 1;
      settled = search.isPrefix && table.isSettled(depth);
    }
    previous = word;
    valid = depth;
    if (settled || depth === word.length) {
      const distance = table.distance(depth);
      if (distance <= search.maxTypos && !found(word, distance)) return;
      at += 1;
    } else {
      at = firstWithout(words, word.slice(0, depth), at, to);
    }
  }
}

function firstCharacter(word: string): string {
  return String.fromCodePoint(word.codePointAt(0) ?? 0);
}

/** Words one typo away; the first letter must be the same. */
export function oneTypoDerivations(dictionary: Dictionary, search: TypoSearch): string[] {
  const result: string[] = [];
  const range = dictionary.rangeOf(firstCharacter(search.word));
  forEachNear(dictionary.sorted(), range, {
    search: { ...search, maxTypos: 1 },
    found: (word, distance) => {
      if (distance === 1) result.push(word);
      return result.length < MAX_ONE_TYPO_WORDS;
    },
  });
  return result;
}

/** Words one and two typos away; a typo in the first letter counts as two. */
export function twoTypoDerivations(
  dictionary: Dictionary,
  search: TypoSearch,
): { one: string[]; two: string[] } {
  const one: string[] = [];
  const two: string[] = [];
  const first = firstCharacter(search.word);
  const words = dictionary.sorted();
  forEachNear(words, [0, words.length], {
    search: { ...search, maxTypos: 2 },
    found: (word, distance) => {
      const oneIsFull = one.length >= MAX_ONE_TYPO_WORDS;
      const twoIsFull = two.length >= MAX_TWO_TYPO_WORDS;
      if (oneIsFull && twoIsFull) return false;
      const sameFirst = firstCharacter(word) === first;
      if (!sameFirst && distance > 1) return true;
      if (!sameFirst && !twoIsFull) two.push(word);
      else if (distance === 1 && !oneIsFull) one.push(word);
      else if (distance === 2 && !twoIsFull) two.push(word);
      return true;
    },
  });
  return { one, two };
}
