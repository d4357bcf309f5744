import { MeiliError, isMeiliError } from '../errors';
import type { JsonValue, Settings } from '../fleet';
import { isObject, BodyReader } from '../search/values';
import type { JsonObject } from '../search/types';
import { defaultSettings } from './defaults';
import { mergeEmbedders } from './embedders';
import { refuseReserved } from './reserved';
import { acceptedNames, settingNames } from './types';
import type { SettingName, SettingsOutcome } from './types';
import { minWordSizeProblem, settingRules } from './validate';

/**
 * A client's settings write applied to the present settings. `patch` is the body: the settings object,
 * or the bare value when `sub` names one setting (`PUT …/settings/stop-words`). Absent members stay,
 * null ones are reset, objects are merged. `present` is not changed.
 */
export function applySettings(
  present: Settings,
  patch: JsonValue | undefined,
  sub?: SettingName | 'chat' | 'foreignKeys',
): SettingsOutcome {
  try {
    const body = sub === undefined ? readBody(patch) : readOne(sub, patch ?? null);
    refuseReserved(body);
    return applied(present, body);
  } catch (error) {
    if (isMeiliError(error)) return { ok: false, error, inTask: false };
    throw error;
  }
}

/** DELETE …/settings: every setting to its default, whatever it was. */
export function resetSettings(): { settings: Settings; details: JsonObject } {
  const details = acceptedNames.map((name) => [name, resetDetail(name)] as const);
  return { settings: defaultSettings(), details: Object.fromEntries(details) };
}

const resetDetail = (name: string): JsonValue =>
  name === 'displayedAttributes' || name === 'searchableAttributes' ? ['*'] : null;

function readBody(patch: JsonValue | undefined): JsonObject {
  const root = new BodyReader('', 'bad_request');
  const read: JsonObject = {};
  for (const [name, value] of Object.entries(root.object(patch ?? null))) {
    if (!(acceptedNames as readonly string[]).includes(name)) {
      throw root.unknownField(name, acceptedNames);
    }
    read[name] = readSetting(name as (typeof acceptedNames)[number], `.${name}`, value);
  }
  return Object.fromEntries(
    acceptedNames.flatMap((name) => (name in read ? [[name, read[name] as JsonValue]] : [])),
  );
}

const readOne = (name: (typeof acceptedNames)[number], value: JsonValue): JsonObject => ({
  [name]: readSetting(name, '', value),
});

function readSetting(
  name: (typeof acceptedNames)[number],
  path: string,
  value: JsonValue,
): JsonValue {
  if (value === null) return null;
  if (name === 'chat') throw featureOff('chat', 'chat completions', 835);
  if (name === 'foreignKeys') throw featureOff('foreignKeys', 'foreign_keys', 873);
  const rule = settingRules[name];
  return rule.read(new BodyReader(path, rule.code), value);
}

const featureOff = (setting: string, feature: string, discussion: number): MeiliError =>
  new MeiliError(
    'feature_not_enabled',
    `setting \`${setting}\` in the index settings requires enabling the \`${feature}\` experimental feature. ` +
      `See https://github.com/orgs/meilisearch/discussions/${String(discussion)}`,
  );

function applied(present: Settings, body: JsonObject): SettingsOutcome {
  const defaults = defaultSettings();
  const settings: Settings = { ...defaults, ...present };
  const details: JsonObject = {};
  for (const name of acceptedNames) {
    const value = body[name];
    if (value === undefined) continue;
    details[name] = value ?? resetDetail(name);
    if (name === 'chat' || name === 'foreignKeys') continue;
    settings[name] =
      value === null ? (defaults[name] ?? null) : merged(name, settings[name], value);
  }
  const problem = typoProblem(settings);
  if (problem !== null) return { ok: false, error: problem, inTask: true };
  return { ok: true, settings: inOrder(settings), details };
}

const inOrder = (settings: Settings): Settings =>
  Object.fromEntries(settingNames.map((name) => [name, settings[name] ?? null]));

function merged(name: SettingName, before: JsonValue | undefined, value: JsonValue): JsonValue {
  if (name === 'embedders') return mergeEmbedders(before, value);
  if (name !== 'typoTolerance' && name !== 'faceting' && name !== 'pagination') return value;
  const after = mergeObjects(before, value, defaultSettings()[name] ?? null);
  // The order of all facets is always there, whether or not it was named.
  if (name === 'faceting' && isObject(after) && isObject(after['sortFacetValuesBy'])) {
    after['sortFacetValuesBy'] = { '*': 'alpha', ...after['sortFacetValuesBy'] };
  }
  return after;
}

/** Members given win, null members take their default. Only `minWordSizeForTypos` nests. */
function mergeObjects(
  before: JsonValue | undefined,
  patch: JsonValue,
  defaults: JsonValue,
): JsonValue {
  if (!isObject(patch) || !isObject(defaults)) return patch;
  const base: JsonObject = { ...defaults, ...(isObject(before) ? before : {}) };
  for (const [name, value] of Object.entries(patch)) {
    const nested = name === 'minWordSizeForTypos';
    if (value === null) base[name] = defaults[name] ?? null;
    else base[name] = nested ? mergeObjects(base[name], value, defaults[name] ?? null) : value;
  }
  return base;
}

/** A patch of one bound is held against the other only when the task runs. */
function typoProblem(settings: Settings): MeiliError | null {
  const typos = settings['typoTolerance'];
  const sizes = isObject(typos) ? typos['minWordSizeForTypos'] : undefined;
  if (!isObject(sizes)) return null;
  const { oneTypo, twoTypos } = sizes;
  if (typeof oneTypo !== 'number' || typeof twoTypos !== 'number' || oneTypo <= twoTypos)
    return null;
  return new MeiliError('invalid_settings_typo_tolerance', minWordSizeProblem(oneTypo, twoTypos));
}
