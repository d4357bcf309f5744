/** Keeps one document of each value of a field; one with several values stands for all of them. */
import { Bitset } from './bitset';
import type { InvertedIndex } from './inverted-index';

export class Distinct {
  constructor(
    private readonly index: InvertedIndex,
    private readonly field: string,
  ) {}

  /** In order of docid: who stays, and everyone who shares a value with one who stays. */
  apply(candidates: Bitset): { kept: Bitset; excluded: Bitset } {
    const kept = Bitset.empty(this.index.capacity);
    const excluded = Bitset.empty(this.index.capacity);
    for (const docid of candidates) {
      if (excluded.has(docid)) continue;
      this.excludeLike(docid, excluded);
      kept.add(docid);
    }
    return { kept, excluded };
  }

  /** Adds to `excluded` every document that shares a value with this one, itself included. */
  excludeLike(docid: number, excluded: Bitset): void {
    const byValue = this.index.documentsByValue(this.field);
    for (const value of this.index.distinctValues(docid, this.field)) {
      for (const other of byValue.get(value) ?? []) excluded.add(other);
    }
  }
}
