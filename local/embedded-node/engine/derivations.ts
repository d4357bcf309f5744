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

/** Larger than any distance that counts. */
const FAR = 250;

/**
 * Rows of the edit distance table, one per character of the word in hand. Only the cells within
 * `max` of the diagonal are computed: all others are farther anyway.
 */
class DistanceTable {
  private readonly rows: Uint8Array[];
  /** Least cell of each row. */
  private readonly least: number[] = [0];
  private readonly query: Uint16Array;

  constructor(
    query: string,
    private readonly max: number,
  ) {
    this.query = Uint16Array.from({ length: query.length }, (_, i) => query.charCodeAt(i));
    this.rows = [Uint8Array.from({ length: query.length + 1 }, (_, i) => Math.min(i, FAR))];
  }

  /** Computes the row after `depth` + 1 characters of `word`. */
  push(word: string, depth: number): void {
    const { query, max } = this;
    const above = this.rows[depth] as Uint8Array;
    const row = (this.rows[depth + 1] ??= new Uint8Array(query.length + 1));
    const twoAbove = depth > 0 ? (this.rows[depth - 1] as Uint8Array) : null;
    const c = word.charCodeAt(depth);
    const before = depth > 0 ? word.charCodeAt(depth - 1) : -1;
    const from = Math.max(1, depth + 1 - max);
    const to = Math.min(query.length, depth + 1 + max);
    let least = (row[from - 1] = from === 1 ? Math.min(depth + 1, FAR) : FAR);
    let left = least;
    for (let j = from; j <= to; j += 1) {
      const q = query[j - 1] as number;
      let best = (above[j - 1] as number) + (q === c ? 0 : 1);
      const up = (above[j] as number) + 1;
      if (up < best) best = up;
      if (left + 1 < best) best = left + 1;
      if (twoAbove !== null && j > 1 && q === before && query[j - 2] === c) {
        const swapped = (twoAbove[j - 2] as number) + 1;
        if (swapped < best) best = swapped;
      }
      row[j] = best;
      left = best;
      if (best < least) least = best;
    }
    for (let j = to + 1; j <= Math.min(query.length, to + 2); j += 1) row[j] = FAR;
    this.least[depth + 1] = least;
  }

  /** The distance of the whole query from the first `depth` characters. */
  distance(depth: number): number {
    if (Math.abs(depth - this.query.length) > this.max) return FAR;
    return this.rows[depth]?.[this.query.length] ?? FAR;
  }

  /** No word that begins with these characters can come within `max`. */
  isDead(depth: number, max: number): boolean {
    if ((this.least[depth] ?? FAR) <= max) return false;
    return depth === 0 || (this.least[depth - 1] ?? FAR) > max - 1;
  }

  /** Whatever follows, the query as a prefix is at this distance: nothing closer can come. */
  isSettled(depth: number): boolean {
    const whole = this.distance(depth);
    return whole <= this.max && (this.least[depth] ?? FAR) >= whole;
  }
}

function commonPrefix(a: string, b: string): number {
  let i = 0;
  while (i < a.length && i < b.length && a.charCodeAt(i) === b.charCodeAt(i)) i += 1;
  return i;
}

/**
 * Calls `found` in dictionary order with every word near enough, until it returns false. Words with
 * another first letter may have one typo less.
 */
function forEachNear(
  words: readonly string[],
  [from, to]: readonly [number, number],
  { search, found }: { search: TypoSearch; found: Found },
): void {
  const table = new DistanceTable(search.word, search.maxTypos);
  const first = search.word.charCodeAt(0);
  let previous = '';
  let valid = 0;
  for (let at = from; at < to;) {
    const word = words[at] as string;
    const max = search.maxTypos - (word.charCodeAt(0) === first ? 0 : 1);
    let depth = Math.min(valid, commonPrefix(previous, word));
    let settled = search.isPrefix && table.isSettled(depth);
    while (!settled && depth < word.length && !(depth > 0 && table.isDead(depth, max))) {
      table.push(word, depth);
      depth += 1;
      settled = search.isPrefix && table.isSettled(depth);
    }
    previous = word;
    valid = depth;
    if (settled || depth === word.length) {
      const distance = table.distance(depth);
      if (distance <= max && !found(word, distance)) return;
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
      if (!sameFirst && !twoIsFull) two.push(word);
      else if (distance === 1 && !oneIsFull) one.push(word);
      else if (distance === 2 && !twoIsFull) two.push(word);
      return true;
    },
  });
  return { one, two };
}
