import { FieldReader } from './field-values';
import type { Hit } from './hits';

/**
 * Global distinct over merged hits: the best hit of each value stays. Exact for fields with one value
 * a document, as any better document of a node belongs to a better group of it; for arrays the
 * engine's greedy exclusion depends on documents that a node did not send (`sawArray`).
 */
export class DistinctFilter {
  private readonly seen = new Set<string>();
  private readonly reader: FieldReader;
  sawArray = false;

  constructor(field: string) {
    this.reader = new FieldReader(field);
  }

  /** Whether the hit stays. Hits without a value always do. */
  admit(hit: Hit): boolean {
    const values = this.valuesOf(hit);
    if (values.length > 1) this.sawArray = true;
    if (this.knows(values)) return false;
    for (const value of values) this.seen.add(value);
    return true;
  }

  /** Whether a hit that stayed has one of this hit's values. */
  hasSeen(hit: Hit): boolean {
    return this.knows(this.valuesOf(hit));
  }

  /** The normalised values of the field, each after a letter for its kind. */
  valuesOf(hit: Hit): string[] {
    return [...this.reader.valuesOf(hit).keys()];
  }

  private knows(values: readonly string[]): boolean {
    return values.some((value) => this.seen.has(value));
  }
}
