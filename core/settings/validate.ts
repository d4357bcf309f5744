import type { ErrorCode } from '../errors';
import type { JsonValue } from '../fleet';
import { locales } from '../search/locales';
import { compareUtf8 } from '../search/rust-text';
import type { JsonObject } from '../search/types';
import type { BodyReader } from '../search/values';
import { readEmbedders } from './embedders';
import { readRankingRules } from './ranking-rules';
import type { SettingName, SettingReader } from './types';

const sortedSet = (texts: readonly string[]): string[] => [...new Set(texts)].sort(compareUtf8);

const list: SettingReader = (r, v) => r.texts(v);
const set: SettingReader = (r, v) => sortedSet(r.texts(v));

/** A list that holds `*` is the default. */
const wildcardList: SettingReader = (r, v) => {
  const names = r.texts(v);
  return names.includes('*') ? ['*'] : names;
};

/** Reads an object of known members; a null member is kept, as it resets that member. */
function members(readers: Readonly<Record<string, SettingReader>>): SettingReader {
  return (reader, value) => {
    const read: JsonObject = {};
    for (const [name, item] of Object.entries(reader.object(value))) {
      const check = Object.hasOwn(readers, name) ? readers[name] : undefined;
      if (check === undefined) throw reader.unknownField(name, Object.keys(readers));
      read[name] = item === null ? null : check(reader.at(`.${name}`), item);
    }
    return Object.fromEntries(
      Object.keys(readers).flatMap((name) =>
        name in read ? [[name, read[name] as JsonValue]] : [],
      ),
    );
  };
}

const byte: SettingReader = (r, v) => {
  const number = r.uint(v);
  if (number > 255) {
    throw r.invalid(
      `value: \`${String(number)}\` is too large to be deserialized, maximum value authorized is \`255\``,
    );
  }
  return number;
};

const minWordSize: SettingReader = (reader, value) => {
  const read = members({ oneTypo: byte, twoTypos: byte })(reader, value) as JsonObject;
  const { oneTypo, twoTypos } = read;
  if (typeof oneTypo === 'number' && typeof twoTypos === 'number' && oneTypo > twoTypos) {
    throw reader.invalid(minWordSizeProblem(oneTypo, twoTypos));
  }
  return read;
};

export const minWordSizeProblem = (oneTypo: number, twoTypos: number): string =>
  '`minWordSizeForTypos` setting is invalid. `oneTypo` and `twoTypos` fields should be between `0` and `255`, ' +
  `and \`twoTypos\` should be greater or equals to \`oneTypo\` but found \`oneTypo: ${String(oneTypo)}\` and twoTypos: ${String(twoTypos)}\`.`;

const synonyms: SettingReader = (reader, value) => {
  const entries = Object.entries(reader.object(value));
  const read = entries.map(([word, texts]): [string, JsonValue] => [
    word,
    reader.at(`.${word}`).texts(texts),
  ]);
  return Object.fromEntries(read.sort(([a], [b]) => compareUtf8(a, b)));
};

const sortFacetValuesBy: SettingReader = (reader, value) => {
  const entries = Object.entries(reader.object(value));
  const read = entries.map(([field, order]): [string, JsonValue] => [
    field,
    reader.at(`.${field}`).oneOf(order, ['alpha', 'count']),
  ]);
  return Object.fromEntries(read.sort(([a], [b]) => compareUtf8(a, b)));
};

const localized: SettingReader = (reader, value) =>
  reader.array(value).map((item, i) => {
    const at = reader.at(`[${String(i)}]`);
    const known = ['attributePatterns', 'locales'];
    const rule = at.object(item);
    for (const name of Object.keys(rule)) {
      if (!known.includes(name)) throw at.unknownField(name, known);
    }
    for (const name of known) if (rule[name] === undefined) throw at.missing(name);
    const codes = at.at('.locales');
    return {
      attributePatterns: at.at('.attributePatterns').texts(rule['attributePatterns'] ?? null),
      locales: codes
        .array(rule['locales'] ?? null)
        .map((code, j) => codes.at(`[${String(j)}]`).oneOf(code, locales)),
    };
  });

const bool: SettingReader = (r, v) => r.bool(v);

/** A rule is a name, or patterns with the features that are not at their defaults made explicit. */
const filterable: SettingReader = (reader, value) =>
  reader.array(value).map((item, i) => {
    const at = reader.at(`[${String(i)}]`);
    if (typeof item !== 'object' || item === null || Array.isArray(item)) return at.text(item);
    const filter = members({ equality: bool, comparison: bool });
    const features = members({ facetSearch: bool, filter });
    const read = members({ attributePatterns: list, features })(at, item) as JsonObject;
    if (read['attributePatterns'] === undefined) throw at.missing('attributePatterns');
    const given = (read['features'] ?? {}) as JsonObject;
    const filters = (given['filter'] ?? {}) as JsonObject;
    return {
      attributePatterns: read['attributePatterns'],
      features: {
        facetSearch: given['facetSearch'] ?? false,
        filter: {
          equality: filters['equality'] ?? true,
          comparison: filters['comparison'] ?? false,
        },
      },
    };
  });

const maxTotalHits: SettingReader = (r, v) => {
  const number = r.uint(v);
  if (number === 0)
    throw r.invalid(
      'a non-zero integer value lower than `18446744073709551615` was expected, but found a zero',
    );
  return number;
};

const oneOf =
  (...accepted: string[]): SettingReader =>
  (r, v) =>
    r.oneOf(v, accepted);

export interface SettingRule {
  readonly code: ErrorCode;
  readonly read: SettingReader;
}

/** How each setting is checked, and the code of its errors. */
export const settingRules: Readonly<Record<SettingName, SettingRule>> = {
  displayedAttributes: { code: 'invalid_settings_displayed_attributes', read: wildcardList },
  searchableAttributes: { code: 'invalid_settings_searchable_attributes', read: wildcardList },
  filterableAttributes: { code: 'invalid_settings_filterable_attributes', read: filterable },
  sortableAttributes: { code: 'invalid_settings_sortable_attributes', read: set },
  rankingRules: { code: 'invalid_settings_ranking_rules', read: readRankingRules },
  stopWords: { code: 'invalid_settings_stop_words', read: set },
  nonSeparatorTokens: { code: 'invalid_settings_non_separator_tokens', read: set },
  separatorTokens: { code: 'invalid_settings_separator_tokens', read: set },
  dictionary: { code: 'invalid_settings_dictionary', read: set },
  synonyms: { code: 'invalid_settings_synonyms', read: synonyms },
  distinctAttribute: {
    code: 'invalid_settings_distinct_attribute',
    read: (r: BodyReader, v: JsonValue) => r.text(v),
  },
  proximityPrecision: {
    code: 'invalid_settings_proximity_precision',
    read: oneOf('byWord', 'byAttribute'),
  },
  typoTolerance: {
    code: 'invalid_settings_typo_tolerance',
    read: members({
      enabled: bool,
      minWordSizeForTypos: minWordSize,
      disableOnWords: set,
      disableOnAttributes: set,
      disableOnNumbers: bool,
    }),
  },
  faceting: {
    code: 'invalid_settings_faceting',
    read: members({ maxValuesPerFacet: (r, v) => r.uint(v), sortFacetValuesBy }),
  },
  pagination: { code: 'invalid_settings_pagination', read: members({ maxTotalHits }) },
  embedders: { code: 'invalid_settings_embedders', read: readEmbedders },
  searchCutoffMs: { code: 'invalid_settings_search_cutoff_ms', read: (r, v) => r.uint(v) },
  localizedAttributes: { code: 'invalid_settings_localized_attributes', read: localized },
  facetSearch: { code: 'invalid_settings_facet_search', read: bool },
  prefixSearch: {
    code: 'invalid_settings_prefix_search',
    read: oneOf('indexingTime', 'disabled'),
  },
};
