/** Keys kept sorted for range queries; sorting is put off until a range is asked for. */

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
