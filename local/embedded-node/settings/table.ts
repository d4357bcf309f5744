/** All settings of an index, in the order in which Meilisearch lists them. */
import { ApiError } from '../errors';
import { fromPlain } from '../engine/json';
import type { Json, JsonObject } from '../engine/json';
import * as check from '../http/validate';
import type { Place } from '../http/validate';
import { checkEmbedders } from './embedders';
import { checkFilterable, checkLocalized } from './patterns';
import { checkRankingRules } from './ranking-rules';
import { sortedMembers } from './setting';
import type { Setting } from './setting';

const TYPO_FIELDS = [
  'enabled',
  'minWordSizeForTypos',
  'disableOnWords',
  'disableOnAttributes',
  'disableOnNumbers',
];

/** A set of texts: without doubles, in order. */
function checkSet(value: Json, place: Place): Json {
  return [...new Set(check.asStrings(value, place))].sort();
}

function checkList(value: Json, place: Place): Json {
  return check.asStrings(value, place);
}

function checkSynonyms(value: Json, place: Place): Json {
  const synonyms: JsonObject = new Map();
  for (const [word, others] of check.asObject(value, place)) {
    synonyms.set(word, check.asStrings(others, check.child(place, word)));
  }
  return sortedMembers(synonyms);
}

/** Checks the members of an object that are not null, by a table; keeps the table's order. */
function checkMembers(
  value: Json,
  members: Readonly<Record<string, (value: Json, place: Place) => Json>>,
  place: Place,
): JsonObject {
  const object = check.asStruct(value, Object.keys(members), place);
  const checked: JsonObject = new Map();
  for (const [name, checkMember] of Object.entries(members)) {
    const member = object.get(name);
    if (member === undefined) continue;
    checked.set(name, member === null ? null : checkMember(member, check.child(place, name)));
  }
  return checked;
}

function checkByte(value: Json, place: Place): Json {
  const number = check.asUint(value, place);
  if (number <= 255) return number;
  const limit = 'is too large to be deserialized, maximum value authorized is `255`';
  throw check.invalidValue(`value: \`${number}\` ${limit}`, place);
}

function checkPositive(value: Json, place: Place): Json {
  const number = check.asUint(value, place);
  if (number > 0) return number;
  const expected = 'a non-zero integer value lower than `18446744073709551615` was expected';
  throw check.invalidValue(`${expected}, but found a zero`, place);
}

/** What is wrong with the lengths from which words may have typos; null if nothing. */
export function typoSizesFault(one: unknown, two: unknown): string | null {
  if (typeof one !== 'number' || typeof two !== 'number' || one <= two) return null;
  const rule =
    '`oneTypo` and `twoTypos` fields should be between `0` and `255`, and `twoTypos` should be greater or equals to `oneTypo`';
  return `\`minWordSizeForTypos\` setting is invalid. ${rule} but found \`oneTypo: ${one}\` and twoTypos: ${two}\`.`;
}

function checkMinWordSize(value: Json, place: Place): Json {
  const sizes = checkMembers(value, { oneTypo: checkByte, twoTypos: checkByte }, place);
  const one = sizes.get('oneTypo') ?? null;
  const two = sizes.get('twoTypos') ?? null;
  const fault = typoSizesFault(one, two);
  if (fault !== null) throw check.invalidValue(fault, place);
  return sizes;
}

function checkTypoTolerance(value: Json, place: Place): Json {
  const members = {
    enabled: check.asBoolean,
    minWordSizeForTypos: checkMinWordSize,
    disableOnWords: checkSet,
    disableOnAttributes: checkSet,
    disableOnNumbers: check.asBoolean,
  };
  check.asStruct(value, TYPO_FIELDS, place);
  return checkMembers(value, members, place);
}

function checkFacetOrders(value: Json, place: Place): Json {
  const orders: JsonObject = new Map();
  for (const [name, order] of check.asObject(value, place)) {
    orders.set(name, check.asWord(order, ['alpha', 'count'], check.child(place, name)));
  }
  return sortedMembers(orders);
}

function checkFaceting(value: Json, place: Place): Json {
  const members = { maxValuesPerFacet: check.asUint, sortFacetValuesBy: checkFacetOrders };
  return checkMembers(value, members, place);
}

function oneOf(...words: string[]): (value: Json, place: Place) => Json {
  return (value, place) => check.asWord(value, words, place);
}

interface Rest {
  readonly verb?: 'PATCH';
  readonly resetDetails?: Json;
}

function setting(
  name: string,
  initial: unknown,
  checkValue: (value: Json, place: Place) => Json,
  rest: Rest = {},
): Setting {
  const kebab = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return {
    name,
    path: kebab,
    verb: rest.verb ?? 'PUT',
    code:
      name === 'chat'
        ? 'invalid_settings_index_chat'
        : `invalid_settings_${kebab.replace(/-/g, '_')}`,
    initial: fromPlain(initial),
    check: checkValue,
    resetDetails: rest.resetDetails ?? null,
  };
}

const DEFAULT_RULES = [
  'words',
  'typo',
  'proximity',
  'attributeRank',
  'sort',
  'wordPosition',
  'exactness',
];
const DEFAULT_TYPO = {
  enabled: true,
  minWordSizeForTypos: { oneTypo: 5, twoTypos: 9 },
  disableOnWords: [],
  disableOnAttributes: [],
  disableOnNumbers: false,
};
const CHAT_TEMPLATE =
  '{% for field in fields %}{% if field.is_searchable and field.value != nil %}{{ field.name }}: {{ field.value }}\n{% endif %}{% endfor %}';
const DEFAULT_CHAT = {
  description: '',
  documentTemplate: CHAT_TEMPLATE,
  documentTemplateMaxBytes: 400,
  searchParameters: {},
};

/** Shown only with their experimental features, which the embedded node does not have. */
export const HIDDEN_SETTINGS: ReadonlySet<string> = new Set(['foreignKeys', 'chat']);

function refuseFeature(value: Json, place: Place): Json {
  throw new ApiError(
    'feature_not_enabled',
    `The embedded node does not know this setting (${place.path}: ${typeof value}).`,
  );
}

export const SETTINGS: readonly Setting[] = [
  setting('displayedAttributes', ['*'], checkList, { resetDetails: ['*'] }),
  setting('searchableAttributes', ['*'], checkList, { resetDetails: ['*'] }),
  setting('filterableAttributes', [], checkFilterable),
  setting('sortableAttributes', [], checkSet),
  setting('foreignKeys', [], refuseFeature),
  setting('rankingRules', DEFAULT_RULES, checkRankingRules),
  setting('stopWords', [], checkSet),
  setting('nonSeparatorTokens', [], checkSet),
  setting('separatorTokens', [], checkSet),
  setting('dictionary', [], checkSet),
  setting('synonyms', {}, checkSynonyms),
  setting('distinctAttribute', null, check.asString),
  setting('proximityPrecision', 'byWord', oneOf('byWord', 'byAttribute')),
  setting('typoTolerance', DEFAULT_TYPO, checkTypoTolerance, { verb: 'PATCH' }),
  setting(
    'faceting',
    { maxValuesPerFacet: 100, sortFacetValuesBy: { '*': 'alpha' } },
    checkFaceting,
    {
      verb: 'PATCH',
    },
  ),
  setting(
    'pagination',
    { maxTotalHits: 1000 },
    (value, place) => checkMembers(value, { maxTotalHits: checkPositive }, place),
    { verb: 'PATCH' },
  ),
  setting('embedders', {}, checkEmbedders, { verb: 'PATCH' }),
  setting('searchCutoffMs', null, check.asUint),
  setting('localizedAttributes', null, checkLocalized),
  setting('facetSearch', true, check.asBoolean),
  setting('prefixSearch', 'indexingTime', oneOf('indexingTime', 'disabled')),
  setting('chat', DEFAULT_CHAT, refuseFeature, { verb: 'PATCH' }),
];
