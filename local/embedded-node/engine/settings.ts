/** What configures the engine, in Meilisearch's own shapes; the caller has checked the values. */

export interface TypoTolerance {
  readonly enabled: boolean;
  readonly minWordSizeForTypos: { readonly oneTypo: number; readonly twoTypos: number };
  readonly disableOnWords: readonly string[];
  readonly disableOnAttributes: readonly string[];
  readonly disableOnNumbers: boolean;
}

/** Only `userProvided` embedders: vectors come with the documents and with the query. */
export interface EmbedderSettings {
  readonly source: 'userProvided';
  readonly dimensions: number;
  readonly distribution?: { readonly mean: number; readonly sigma: number } | null;
}

export interface EngineSettings {
  /** `['*']` means all attributes, all with the same weight. */
  readonly searchableAttributes: readonly string[];
  readonly displayedAttributes: readonly string[];
  readonly rankingRules: readonly string[];
  readonly stopWords: readonly string[];
  readonly synonyms: Readonly<Record<string, readonly string[]>>;
  readonly separatorTokens: readonly string[];
  readonly nonSeparatorTokens: readonly string[];
  readonly dictionary: readonly string[];
  readonly typoTolerance: TypoTolerance;
  readonly proximityPrecision: 'byWord' | 'byAttribute';
  readonly prefixSearch: 'indexingTime' | 'disabled';
  readonly sortableAttributes: readonly string[];
  readonly distinctAttribute: string | null;
  readonly embedders: Readonly<Record<string, EmbedderSettings>>;
}

/** Meilisearch's settings of a new index. */
export const DEFAULT_ENGINE_SETTINGS: EngineSettings = {
  searchableAttributes: ['*'],
  displayedAttributes: ['*'],
  rankingRules: [
    'words',
    'typo',
    'proximity',
    'attributeRank',
    'sort',
    'wordPosition',
    'exactness',
  ],
  stopWords: [],
  synonyms: {},
  separatorTokens: [],
  nonSeparatorTokens: [],
  dictionary: [],
  typoTolerance: {
    enabled: true,
    minWordSizeForTypos: { oneTypo: 5, twoTypos: 9 },
    disableOnWords: [],
    disableOnAttributes: [],
    disableOnNumbers: false,
  },
  proximityPrecision: 'byWord',
  prefixSearch: 'indexingTime',
  sortableAttributes: [],
  distinctAttribute: null,
  embedders: {},
};

export type MatchingStrategy = 'last' | 'all' | 'frequency';
