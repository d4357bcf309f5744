import type { MeiliError } from '../errors';
import type { Settings } from '../fleet';
import type { JsonObject } from '../search/types';

/** The settings in the order in which Meilisearch shows them. */
export const settingNames = [
  'displayedAttributes',
  'searchableAttributes',
  'filterableAttributes',
  'sortableAttributes',
  'rankingRules',
  'stopWords',
  'nonSeparatorTokens',
  'separatorTokens',
  'dictionary',
  'synonyms',
  'distinctAttribute',
  'proximityPrecision',
  'typoTolerance',
  'faceting',
  'pagination',
  'embedders',
  'searchCutoffMs',
  'localizedAttributes',
  'facetSearch',
  'prefixSearch',
] as const;
export type SettingName = (typeof settingNames)[number];

/** The outcome of a client's settings write; `details` is what its task shows. */
export type SettingsOutcome =
  | { readonly ok: true; readonly settings: Settings; readonly details: JsonObject }
  | { readonly ok: false; readonly error: MeiliError };
