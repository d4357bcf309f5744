import type { JsonValue, Settings } from '../fleet';
import { hideSecrets } from './embedders';
import { canonicalJson, physicalSettings } from './physical';

/**
 * A node shows more than it was sent (defaults of nested members), shows sets in its own order, and
 * hides secrets. Before the two are compared they are brought into one form.
 */

/** In these the order is the meaning; all other lists are sets. */
const ordered: ReadonlySet<string> = new Set([
  'searchableAttributes',
  'rankingRules',
  'filterableAttributes',
  'localizedAttributes',
]);

/** Whole as they are sent: the node has no members of its own in them. */
const wholeMaps: ReadonlySet<string> = new Set(['synonyms']);

type JsonObject = { [member: string]: JsonValue };

const isObject = (value: JsonValue): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `shown` without the members that `sent` does not name. */
function project(shown: JsonValue, sent: JsonValue): JsonValue {
  if (!isObject(shown) || !isObject(sent)) return shown;
  const members = Object.keys(shown).filter((name) => sent[name] !== undefined);
  return Object.fromEntries(
    members.map((name) => [name, project(shown[name] ?? null, sent[name] ?? null)]),
  );
}

function sortSets(value: JsonValue): JsonValue {
  if (Array.isArray(value)) {
    return value.map(sortSets).sort((a, b) => (canonicalJson(a) < canonicalJson(b) ? -1 : 1));
  }
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, sortSets(one)]));
}

const form = (name: string, value: JsonValue): JsonValue =>
  ordered.has(name) ? value : sortSets(value);

/** What a node shows of one setting, in the form in which all nodes show it alike. */
export function comparable(name: string, shown: JsonValue, sent: JsonValue): JsonValue {
  // A removed embedder is one that is not wanted, so embedders are projected one level deeper only.
  if (name === 'embedders' && isObject(shown) && isObject(sent)) {
    const embedders = Object.entries(shown).map(([embedder, value]) => [
      embedder,
      project(value, sent[embedder] ?? {}),
    ]);
    return form(name, Object.fromEntries(embedders) as JsonObject);
  }
  // Of a map that a client names, a member that is not wanted is a difference, not a default.
  if (wholeMaps.has(name)) return form(name, shown);
  return form(name, project(shown, sent));
}

/** Does the node show what it would show after being sent this? */
export function sameSettings(name: string, shown: JsonValue, sent: JsonValue): boolean {
  const wanted = name === 'embedders' ? hideSecrets(sent) : sent;
  const empty = (value: JsonValue): boolean => isObject(value) && Object.keys(value).length === 0;
  if (shown === null && empty(sent)) return true;
  return canonicalJson(comparable(name, shown, sent)) === canonicalJson(form(name, wanted));
}

/** Names of the settings in which a node differs from what the client's settings ask of it. */
export function differingSettings(
  settings: Settings,
  shown: { readonly [name: string]: JsonValue },
): string[] {
  return Object.entries(physicalSettings(settings))
    .filter(([name, sent]) => !sameSettings(name, shown[name] ?? null, sent))
    .map(([name]) => name);
}
