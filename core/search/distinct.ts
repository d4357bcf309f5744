import type { JsonValue } from '../fleet';
import { keyBytes, spanEquals, spanText } from './answer-bytes';
import type { Hit } from './hits';
import { facetNumberText, normalizeFacet } from './rust-text';

/**
 * Global distinct over merged hits: the best hit of each value stays. Exact for fields with one value
 * a document, as any better document of a node belongs to a better group of it; for arrays the
 * engine's greedy exclusion depends on documents that a node did not send (`sawArray`).
 */
export class DistinctFilter {
  private readonly seen = new Set<string>();
  private readonly path: readonly string[];
  private readonly keys: readonly Uint8Array[];
  sawArray = false;

  constructor(field: string) {
    this.path = field.split('.');
    // A dotted name may also stand as a key of its own in the document.
    this.keys = this.path.map((_, i) => keyBytes(this.path.slice(0, i + 1).join('.')));
  }

  /** Whether the hit stays. Hits without a value always do. */
  admit(hit: Hit): boolean {
    const values = this.valuesOf(hit);
    if (values.length > 1) this.sawArray = true;
    if (values.some((value) => this.seen.has(value))) return false;
    for (const value of values) this.seen.add(value);
    return true;
  }

  /** The normalised values of the field, each after a letter for its kind. */
  valuesOf(hit: Hit): string[] {
    const values: string[] = [];
    for (const member of hit.members) {
      const depth = this.keys.findIndex((key) =>
        spanEquals(hit.bytes, member.keyStart, member.keyEnd, key),
      );
      if (depth < 0) continue;
      const text = spanText(hit.bytes, member.valueStart, member.valueEnd);
      collect(JSON.parse(text) as JsonValue, this.path.slice(depth + 1), values);
    }
    return values;
  }
}

/** Numbers and strings are different values: 1 is not `"1"`. */
function collect(value: JsonValue, path: readonly string[], values: string[]): void {
  if (Array.isArray(value)) {
    for (const item of value) collect(item, path, values);
  } else if (typeof value === 'object' && value !== null) {
    for (let i = 1; i <= path.length; i++) {
      const below = value[path.slice(0, i).join('.')];
      if (below !== undefined) collect(below, path.slice(i), values);
    }
  } else if (path.length === 0 && value !== null) {
    values.push(typeof value === 'number' ? `n${facetNumberText(value)}` : textValue(value));
  }
}

const textValue = (value: string | boolean): string => `s${normalizeFacet(String(value))}`;
