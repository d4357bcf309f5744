import type { JsonValue } from '../fleet';
import { keyBytes, spanEquals, spanText } from './answer-bytes';
import type { Hit } from './hits';
import { facetNumberText, normalizeFacet } from './rust-text';

/** A value as the engine lists it among facets. */
export interface FieldValue {
  readonly shown: string;
  readonly number: number | null;
}

/** Finds the values of one field, which may be below others, in the bytes of hits. */
export class FieldReader {
  private readonly path: readonly string[];
  private readonly keys: readonly Uint8Array[];

  constructor(field: string) {
    this.path = field.split('.');
    // A dotted name may also stand as a key of its own in the document.
    this.keys = this.path.map((_, i) => keyBytes(this.path.slice(0, i + 1).join('.')));
  }

  /** Each value once, by its normalised form after a letter for its kind: 1 is not `"1"`. */
  valuesOf(hit: Hit): Map<string, FieldValue> {
    const values = new Map<string, FieldValue>();
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

function collect(value: JsonValue, path: readonly string[], values: Map<string, FieldValue>): void {
  if (Array.isArray(value)) {
    for (const item of value) collect(item, path, values);
  } else if (typeof value === 'object' && value !== null) {
    for (let i = 1; i <= path.length; i++) {
      const below = value[path.slice(0, i).join('.')];
      if (below !== undefined) collect(below, path.slice(i), values);
    }
  } else if (path.length === 0 && value !== null) {
    const number = typeof value === 'number' ? value : null;
    const shown = number === null ? String(value) : facetNumberText(number);
    const key = number === null ? `s${normalizeFacet(shown)}` : `n${shown}`;
    if (!values.has(key)) values.set(key, { shown, number });
  }
}
