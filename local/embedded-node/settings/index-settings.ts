/** The settings of one index, and what a settings request changes in them. */
import type { Json, JsonObject } from '../engine/json';
import { isObject, toPlain } from '../engine/json';
import { ApiError } from '../errors';
import type { EngineSettings, TypoTolerance } from '../engine/types';
import { DEFAULT_ENGINE_SETTINGS } from '../engine/types';
import * as check from '../http/validate';
import { checkWholeEmbedders } from './embedders';
import { mergeObjects } from './setting';
import { HIDDEN_SETTINGS, SETTINGS, typoSizesFault } from './table';

/** What a request changes, by name and in the order of the table; null resets. */
export type SettingsChange = ReadonlyMap<string, Json>;

export type IndexSettings = ReadonlyMap<string, Json>;

export function initialSettings(): IndexSettings {
  return new Map(SETTINGS.map(({ name, initial }) => [name, initial]));
}

/** Checks the body of `PATCH /indexes/{uid}/settings`. Throws `ApiError`. */
export function checkSettings(body: Json): SettingsChange {
  const names = SETTINGS.map(({ name }) => name);
  const object = check.asStruct(body, names, check.ROOT);
  const change = new Map<string, Json>();
  for (const { name, code, check: checkValue } of SETTINGS) {
    const value = object.get(name);
    if (value === undefined) continue;
    change.set(
      name,
      value === null ? null : checkValue(value, check.child(check.ROOT, name, code)),
    );
  }
  return change;
}

/** What `DELETE /indexes/{uid}/settings` changes. */
export function resetAll(): SettingsChange {
  return new Map(SETTINGS.map(({ name }) => [name, null]));
}

/** The `details` of a settings task. */
export function changeDetails(change: SettingsChange): JsonObject {
  const details: JsonObject = new Map();
  for (const { name, resetDetails } of SETTINGS) {
    const value = change.get(name);
    if (value !== undefined) details.set(name, value ?? resetDetails);
  }
  return details;
}

/** The settings after a change. */
export function applyChange(settings: IndexSettings, change: SettingsChange): IndexSettings {
  const next = new Map(settings);
  for (const { name, initial, verb } of SETTINGS) {
    const value = change.get(name);
    if (value === undefined) continue;
    if (value === null) next.set(name, initial);
    else if (verb === 'PATCH' && isObject(value)) {
      next.set(name, mergeObjects(next.get(name) ?? initial, value, initial));
    } else next.set(name, value);
  }
  return next;
}

/** Refuses what is right in itself but not together with what was set before. Throws `ApiError`. */
export function checkMerged(settings: IndexSettings): void {
  checkWholeEmbedders(settings.get('embedders') ?? null);
  const { minWordSizeForTypos: sizes } = plainSetting<TypoTolerance>(settings, 'typoTolerance');
  const fault = typoSizesFault(sizes.oneTypo, sizes.twoTypos);
  if (fault !== null) throw new ApiError('invalid_settings_typo_tolerance', fault);
}

/** The body of `GET /indexes/{uid}/settings`. */
export function shownSettings(settings: IndexSettings): JsonObject {
  return new Map([...settings].filter(([name]) => !HIDDEN_SETTINGS.has(name)));
}

/** Reads one setting as a plain value; the table has checked its shape. */
export function plainSetting<T>(settings: IndexSettings, name: string): T {
  return toPlain(settings.get(name) ?? null) as T;
}

/** The part of the settings that the search engine works with. */
export function engineSettings(settings: IndexSettings): EngineSettings {
  const known = Object.keys(DEFAULT_ENGINE_SETTINGS);
  return Object.fromEntries(
    known.map((name) => [name, plainSetting(settings, name)]),
  ) as unknown as EngineSettings;
}
