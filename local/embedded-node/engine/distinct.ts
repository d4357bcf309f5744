/** Keeps one document of each value of a field; one with several values stands for all of them. */
import { Bitset } from './bitset';
import type { InvertedIndex } from './inverted-index';

export class Distinct {
  private byValue: Map<number | string, number[]> | null = null;

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
    const byValue = (this.byValue ??= this.group());
    for (const value of this.valuesOf(docid)) {
      for (const other of byValue.get(value) ?? []) excluded.add(other);
    }
  }

  private group(): Map<number | string, number[]> {
    const byValue = new Map<number | string, number[]>();
    for (const docid of this.index.documents.keys()) {
      for (const value of this.valuesOf(docid)) {
        const group = byValue.get(value);
        if (group) group.push(docid);
        else byValue.set(value, [docid]);
      }
    }
    return byValue;
  }

  /** Numbers and strings never meet in a Map, so 1 and "1" stay two values. */
  private valuesOf(docid: number): readonly (number | string)[] {
    const { numbers, strings } = this.index.facetValues(docid, this.field);
    return [...numbers, ...strings];
  }
}
