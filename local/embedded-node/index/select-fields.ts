/** Takes the wanted attributes out of a document; `a.b` takes the part `b` of the object `a`. */
import { isObject } from '../engine/json';
import type { Json, JsonObject } from '../engine/json';

function select(value: Json, path: string, wanted: readonly string[]): Json | undefined {
  if (wanted.some((name) => path === name || path.startsWith(`${name}.`))) return value;
  if (!wanted.some((name) => name.startsWith(`${path}.`))) return undefined;
  if (isObject(value)) {
    const kept: JsonObject = new Map();
    for (const [name, member] of value) {
      const part = select(member, `${path}.${name}`, wanted);
      if (part !== undefined) kept.set(name, part);
    }
    return kept.size > 0 ? kept : undefined;
  }
  if (!Array.isArray(value)) return undefined;
  const items = value
    .map((item) => select(item, path, wanted))
    .filter((item) => item !== undefined);
  return items.length > 0 ? items : undefined;
}

/** A new object with the wanted attributes, in the order of the document. */
export function selectFields(document: JsonObject, wanted: readonly string[]): JsonObject {
  const selected: JsonObject = new Map();
  for (const [name, value] of document) {
    const part = select(value, name, wanted);
    if (part !== undefined) selected.set(name, part);
  }
  return selected;
}
