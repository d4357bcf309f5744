/**
 * The words of an index in byte order, with the counts of short prefixes. Changes are cheap: they
 * are collected and merged when the order is next needed.
 */
import { compareUtf8 } from './fields';

/** Prefixes up to this many bytes, shared by this many words, are treated as words themselves. */
const MAX_PREFIX_BYTES = 4;
const PREFIX_WORDS = 100;

function prefixesOf(word: string): string[] {
  const prefixes: string[] = [];
  let bytes = 0;
  let prefix = '';
  for (const character of word) {
    bytes += Buffer.byteLength(character);
    if (bytes > MAX_PREFIX_BYTES) break;
    prefix += character;
    prefixes.push(prefix);
  }
  return prefixes;
}

export class Dictionary {
  private order: string[] = [];
  private readonly added = new Set<string>();
  private readonly removed = new Set<string>();
  private readonly prefixCounts = new Map<string, number>();

  add(word: string): void {
    if (!this.removed.delete(word)) this.added.add(word);
    for (const prefix of prefixesOf(word)) {
      this.prefixCounts.set(prefix, (this.prefixCounts.get(prefix) ?? 0) + 1);
    }
  }

  remove(word: string): void {
    if (!this.added.delete(word)) this.removed.add(word);
    for (const prefix of prefixesOf(word)) {
      const left = (this.prefixCounts.get(prefix) ?? 0) - 1;
      if (left > 0) this.prefixCounts.set(prefix, left);
      else this.prefixCounts.delete(prefix);
    }
  }

  /** Whether so many words begin with the prefix that Meilisearch keeps an entry for it. */
  isCommonPrefix(prefix: string): boolean {
    return (this.prefixCounts.get(prefix) ?? 0) >= PREFIX_WORDS;
  }

  /** All words, in byte order. Valid until the next change. */
  sorted(): readonly string[] {
    if (this.added.size + this.removed.size > 0) this.merge();
    return this.order;
  }

  /** The words that begin with `prefix`, as a range of `sorted()`. */
  rangeOf(prefix: string): readonly [number, number] {
    const words = this.sorted();
    const from = lowerBound(words, prefix, 0);
    if (!(words[from] ?? '').startsWith(prefix) || from >= words.length) return [from, from];
    return [from, firstWithout(words, prefix, from, words.length)];
  }

  private merge(): void {
    if (this.added.size + this.removed.size < 32) {
      for (const word of this.removed) this.order.splice(lowerBound(this.order, word, 0), 1);
      for (const word of this.added) this.order.splice(lowerBound(this.order, word, 0), 0, word);
    } else {
      const kept = this.order.filter((word) => !this.removed.has(word));
      this.order = kept.concat([...this.added]).sort(compareUtf8);
    }
    this.added.clear();
    this.removed.clear();
  }
}

/** The first index at or after `from` whose word is not before `word`. */
export function lowerBound(words: readonly string[], word: string, from: number): number {
  let low = from;
  let high = words.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareUtf8(words[middle] ?? '', word) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The end of the run of words that begin with `prefix`, from `from`, which does, up to `to`. */
export function firstWithout(
  words: readonly string[],
  prefix: string,
  from: number,
  to: number,
): number {
  // Runs are short as a rule: step out in doubling strides, then search within the last one.
  let low = from + 1;
  let stride = 1;
  while (low < to && (words[low] as string).startsWith(prefix)) {
    low += stride;
    stride *= 2;
  }
  let high = Math.min(low, to);
  low = Math.max(from + 1, low - (stride >>> 1));
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((words[middle] as string).startsWith(prefix)) low = middle + 1;
    else high = middle;
  }
  return low;
}
