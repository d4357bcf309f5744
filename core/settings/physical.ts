import type { JsonValue, Settings } from '../fleet';
import { xxh64 } from '../hash';
import { hiddenField, hiddenRankingRule } from '../hidden-fields';
import { physicalMaxTotalHits } from '../limits';
import { compareUtf8 } from '../search/rust-text';
import type { JsonObject } from '../search/types';
import { isObject } from '../search/values';
import { defaultSettings } from './defaults';
import { guardedEmbedders } from './document-template';
import { physicalMaxValuesPerFacet } from './physical-limits';
import { settingNames } from './types';

/** What Meilisearch takes when `searchCutoffMs` is not set, sent so that nodes agree whatever their build. */
const defaultCutoffMs = 1500;

const rule = (
  attributePatterns: string[],
  filter: { equality: boolean; comparison: boolean },
): JsonValue => ({ attributePatterns, features: { facetSearch: false, filter } });

/**
 * The rules of the hidden fields. They stand first, as the first rule that matches a field counts: no
 * client pattern can make them facets, and each has only what its use needs.
 */
const hiddenFilterRules: readonly JsonValue[] = [
  rule([hiddenField.seq], { equality: false, comparison: false }),
  rule([hiddenField.bucket], { equality: true, comparison: false }),
  rule([hiddenField.slot, hiddenField.expiresAt], { equality: true, comparison: true }),
];

/**
 * The settings that the nodes get for the client's. `displayedAttributes` and the orders of facets
 * are not among them: they are applied by Miroir and would cost each node a pass over the index.
 *
 * Throws MeiliError `invalid_settings_embedders` for a document template that cannot be kept from
 * printing hidden fields.
 */
export function physicalSettings(settings: Settings): JsonObject {
  const own: JsonObject = {};
  for (const name of settingNames) {
    if (name !== 'displayedAttributes') own[name] = settings[name] ?? null;
  }
  return {
    ...own,
    filterableAttributes: [...hiddenFilterRules, ...listOf(settings['filterableAttributes'])],
    sortableAttributes: [...listOf(settings['sortableAttributes']), hiddenField.seq].sort((a, b) =>
      compareUtf8(String(a), String(b)),
    ),
    rankingRules: [...listOf(settings['rankingRules']), hiddenRankingRule],
    faceting: { maxValuesPerFacet: physicalMaxValuesPerFacet(settings) },
    pagination: { maxTotalHits: physicalMaxTotalHits },
    searchCutoffMs: settings['searchCutoffMs'] ?? defaultCutoffMs,
    embedders: guardedEmbedders(settings['embedders']),
  };
}

const listOf = (value: JsonValue | undefined): JsonValue[] => (Array.isArray(value) ? value : []);

/**
 * The body of the settings update that turns nodes with `before` into nodes with `after`: only the
 * members that differ, as each costs a pass over the index. `before` is null for a new index. An empty
 * object means that nothing is to be sent.
 */
export function physicalChanges(before: JsonObject | null, after: JsonObject): JsonObject {
  const base = before ?? newIndexSettings();
  const changes: JsonObject = {};
  for (const [name, value] of Object.entries(after)) {
    if (canonicalJson(base[name] ?? null) === canonicalJson(value)) continue;
    changes[name] = name === 'embedders' ? embedderChanges(base[name], value) : value;
  }
  return changes;
}

/** A node's own defaults, in the form of `physicalSettings`. */
function newIndexSettings(): JsonObject {
  const { displayedAttributes: _, ...defaults } = defaultSettings();
  return { ...defaults, faceting: { maxValuesPerFacet: 100 } };
}

/** Embedders are merged by the node, so what is gone must be said: an embedder, or a member of one. */
function embedderChanges(before: JsonValue | undefined, after: JsonValue): JsonValue {
  const old = isObject(before) ? before : {};
  const wanted = isObject(after) ? after : {};
  const changes: JsonObject = {};
  for (const name of Object.keys(old)) if (wanted[name] === undefined) changes[name] = null;
  for (const [name, embedder] of Object.entries(wanted)) {
    const previous = old[name];
    if (canonicalJson(previous ?? null) === canonicalJson(embedder)) continue;
    changes[name] =
      isObject(previous) && isObject(embedder) ? memberChanges(previous, embedder) : embedder;
  }
  return changes;
}

function memberChanges(before: JsonObject, after: JsonObject): JsonObject {
  // A new source starts anew on the node, and a member it cannot have is refused even as null.
  if (before['source'] !== after['source']) return after;
  const gone = Object.keys(before).filter((member) => after[member] === undefined);
  return { ...after, ...Object.fromEntries(gone.map((member) => [member, null])) };
}

/** JSON with sorted members: equal texts for equal values. */
export function canonicalJson(value: JsonValue): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const members = Object.keys(value)
    .sort(compareUtf8)
    .map((name) => `${JSON.stringify(name)}:${canonicalJson(value[name] ?? null)}`);
  return `{${members.join(',')}}`;
}

/**
 * A text that is equal for equal settings, whatever the order of members: what the nodes' settings are
 * compared by after a broadcast. 64 bits in hexadecimal.
 */
export function settingsHash(settings: JsonObject): string {
  const { high, low } = xxh64(Buffer.from(canonicalJson(settings), 'utf8'));
  return [high, low].map((half) => half.toString(16).padStart(8, '0')).join('');
}
