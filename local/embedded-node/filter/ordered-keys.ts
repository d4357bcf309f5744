/** Keys kept sorted for range queries; sorting is put off until a range is asked for. */

/** Compares texts by their UTF-8 bytes; UTF-16 order differs for characters beyond U+FFFF. */
export function compareUtf8(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let at = 0; at < length; at += 1) {
    const a = left.charCodeAt(at);
    const b = right.charCodeAt(at);
    if (a !== b) {
      const aIsSurrogate = a >= 0xd800 && a <= 0xdfff;
      const bIsSurrogate = b >= 0xd800 && b <= 0xdfff;
      if (aIsSurrogate !== bIsSurrogate) return aIsSurrogate ? 1 : -1;
      return a - b;
    }
  }
  return left.length - right.length;
}

export interface Bound<K> {
  readonly key: K;
  readonly included: boolean;
}

/** Document ids by value, with hash access for equality and sorted access for ranges. */
export class OrderedPostings<K> {
  private readonly postings = new Map<K, Set<number>>();
  private sorted: K[] | null = null;

  constructor(private readonly compare: (left: K, right: K) => number) {}

  add(key: K, docid: number): void {
    const docids = this.postings.get(key);
    if (docids !== undefined) docids.add(docid);
    else {
      this.postings.set(key, new Set([docid]));
      this.sorted = null;
    }
  }

  remove(key: K, docid: number): void {
    const docids = this.postings.get(key);
    docids?.delete(docid);
    if (docids?.size === 0) {
      this.postings.delete(key);
      this.sorted = null;
    }
  }

  get(key: K): ReadonlySet<number> | undefined {
    return this.postings.get(key);
  }

  /** All keys in order. */
  keys(): readonly K[] {
    this.sorted ??= [...this.postings.keys()].sort(this.compare);
    return this.sorted;
  }

  /** The documents with a key between the bounds; a missing bound is open. */
  range(from: Bound<K> | null, to: Bound<K> | null): Set<number> {
    const keys = this.keys();
    const result = new Set<number>();
    let at = from === null ? 0 : this.firstAtLeast(from);
    for (; at < keys.length; at += 1) {
      const key = keys[at] as K;
      if (to !== null) {
        const order = this.compare(key, to.key);
        if (order > 0 || (order === 0 && !to.included)) break;
      }
      for (const docid of this.postings.get(key) ?? []) result.add(docid);
    }
    return result;
  }

  private firstAtLeast(bound: Bound<K>): number {
    const keys = this.keys();
    let low = 0;
    let high = keys.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const order = this.compare(keys[middle] as K, bound.key);
      if (order < 0 || (order === 0 && !bound.included)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
