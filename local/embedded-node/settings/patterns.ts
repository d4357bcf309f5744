/** The settings that hold patterns of attributes: `filterableAttributes`, `localizedAttributes`. */
import { isObject } from '../engine/json';
import type { Json, JsonObject } from '../engine/json';
import { LOCALES } from '../search/locales';
import * as check from '../http/validate';
import type { Place } from '../http/validate';

function flag(object: JsonObject | null, name: string, fallback: boolean, place: Place): boolean {
  const value = object?.get(name);
  return value === undefined ? fallback : check.asBoolean(value, check.child(place, name));
}

/** One granular rule, with all its features spelled out. */
function checkRule(value: JsonObject, place: Place): Json {
  check.asStruct(value, ['attributePatterns', 'features'], place);
  const patterns = value.get('attributePatterns');
  if (patterns === undefined) throw check.missingField('attributePatterns', place);
  const featuresPlace = check.child(place, 'features');
  const sent = value.get('features');
  const features =
    sent === undefined ? null : check.asStruct(sent, ['facetSearch', 'filter'], featuresPlace);
  const filterPlace = check.child(featuresPlace, 'filter');
  const sentFilter = features?.get('filter');
  const filter =
    sentFilter === undefined
      ? null
      : check.asStruct(sentFilter, ['equality', 'comparison'], filterPlace);
  return new Map<string, Json>([
    ['attributePatterns', check.asStrings(patterns, check.child(place, 'attributePatterns'))],
    [
      'features',
      new Map<string, Json>([
        ['facetSearch', flag(features, 'facetSearch', false, featuresPlace)],
        [
          'filter',
          new Map<string, Json>([
            ['equality', flag(filter, 'equality', true, filterPlace)],
            ['comparison', flag(filter, 'comparison', false, filterPlace)],
          ]),
        ],
      ]),
    ],
  ]);
}

export function checkFilterable(value: Json, place: Place): Json {
  return check.asArray(value, place).map((rule, index) => {
    const at = check.child(place, index);
    return isObject(rule) ? checkRule(rule, at) : check.asString(rule, at);
  });
}

export function checkLocalized(value: Json, place: Place): Json {
  return check.asArray(value, place).map((rule, index) => {
    const at = check.child(place, index);
    const object = check.asStruct(rule, ['attributePatterns', 'locales'], at);
    const patterns = object.get('attributePatterns');
    const locales = object.get('locales');
    if (patterns === undefined) throw check.missingField('attributePatterns', at);
    if (locales === undefined) throw check.missingField('locales', at);
    const localesPlace = check.child(at, 'locales');
    return new Map<string, Json>([
      ['attributePatterns', check.asStrings(patterns, check.child(at, 'attributePatterns'))],
      [
        'locales',
        check
          .asArray(locales, localesPlace)
          .map((locale, at2) => check.asWord(locale, LOCALES, check.child(localesPlace, at2))),
      ],
    ]);
  });
}
