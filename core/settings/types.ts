import type { MeiliError } from '../errors';
import type { JsonValue, Settings } from '../fleet';
import type { JsonObject } from '../search/types';
import type { BodyReader } from '../search/values';

/** The settings that an index has, in the order in which Meilisearch shows them. */
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

/** All names a settings body may hold; two belong to features that are off. */
export const acceptedNames = [
  ...settingNames.slice(0, 4),
  'foreignKeys',
  ...settingNames.slice(4),
  'chat',
] as const;

/** Checks one setting and gives it in the form in which Meilisearch stores it. Null resets. */
export type SettingReader = (reader: BodyReader, value: JsonValue) => JsonValue;

/** The outcome of a client's settings write; `details` is what its task shows. */
export type SettingsOutcome =
  | { readonly ok: true; readonly settings: Settings; readonly details: JsonObject }
  | {
      readonly ok: false;
      readonly error: MeiliError;
      /** Meilisearch finds this only while it runs the task: answer 202 and fail the task. */
      readonly inTask: boolean;
    };
