/** One setting: how it is named, checked, merged and reset. */
import type { Json, JsonObject } from '../engine/json';
import { isObject } from '../engine/json';
import type { Place } from '../http/validate';

export interface Setting {
  readonly name: string;
  readonly path: string;
  readonly verb: 'PUT' | 'PATCH';
  readonly code: string;
  readonly initial: Json;
  /** Checks a sent value that is not null; returns it as the task's details show it. */
  readonly check: (value: Json, place: Place) => Json;
  /** What a reset shows in the details of its task; null for most settings. */
  readonly resetDetails: Json;
}

/** Members of the sent object replace those of the current one, at every depth; null removes. */
export function mergeObjects(current: Json, sent: JsonObject, initial: Json): JsonObject {
  const merged: JsonObject = new Map(isObject(current) ? current : []);
  for (const [name, value] of sent) {
    const start = isObject(initial) ? initial.get(name) : undefined;
    if (value === null) {
      if (start === undefined) merged.delete(name);
      else merged.set(name, start);
    } else if (isObject(value)) {
      merged.set(name, mergeObjects(merged.get(name) ?? null, value, start ?? null));
    } else merged.set(name, value);
  }
  return merged;
}

/** A copy with members in the order of their UTF-16 units. */
export function sortedMembers(object: JsonObject): JsonObject {
  return new Map([...object].sort(([left], [right]) => (left < right ? -1 : 1)));
}
