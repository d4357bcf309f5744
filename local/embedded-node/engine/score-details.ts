/** Scores: what each rule says of a hit, its JSON, and how the parts make one score. */
import { float, type Json, type JsonObject } from './json';
import { compareUtf8 } from './fields';

/** `rank` of `maxRank`, the first being best; both at least 1 for a document that matches. */
export interface Rank {
  readonly rank: number;
  readonly maxRank: number;
}

export type MatchType = 'exactMatch' | 'matchesStart' | 'noExactMatch';
export type SortValue = number | string | null;

export type ScoreDetail =
  | {
      readonly rule: 'words' | 'typo' | 'proximity' | 'fid' | 'position' | 'exactWords';
      readonly rank: Rank;
    }
  | { readonly rule: 'exactAttribute'; readonly matchType: MatchType }
  | {
      readonly rule: 'sort';
      readonly field: string;
      readonly ascending: boolean;
      readonly isHidden: boolean;
      readonly value: SortValue;
    }
  | {
      readonly rule: 'geo';
      readonly target: readonly [number, number];
      readonly ascending: boolean;
      readonly point: readonly [number, number] | null;
      readonly distance: number | null;
    }
  | { readonly rule: 'vector'; readonly similarity: number | null };

const MATCH_RANK: Record<MatchType, number> = { exactMatch: 3, matchesStart: 2, noExactMatch: 1 };

function localScore({ rank, maxRank }: Rank): number {
  return rank / maxRank;
}

/** As Meilisearch multiplies ranks: in 32 bits, wrapping. */
function mergeRanks(outer: Rank, inner: Rank): Rank {
  const above = Math.max(0, outer.rank - 1);
  return {
    rank: (Math.imul(above, inner.maxRank) + inner.rank) >>> 0,
    maxRank: Math.imul(outer.maxRank, inner.maxRank) >>> 0,
  };
}

function scoreOfRanks(ranks: readonly Rank[]): number {
  return localScore(ranks.reduce(mergeRanks, { rank: 1, maxRank: 1 }));
}

function rankOf(detail: ScoreDetail): Rank | null {
  switch (detail.rule) {
    case 'sort':
    case 'geo':
    case 'vector':
      return null;
    case 'exactAttribute':
      return { rank: MATCH_RANK[detail.matchType], maxRank: 3 };
    default:
      return detail.rank;
  }
}

/** `_rankingScore`: the ranks merged, or the similarity where there is one. */
export function globalScore(details: readonly ScoreDetail[]): number {
  const ranks: Rank[] = [];
  let similarity: number | null = null;
  for (const detail of details) {
    const rank = rankOf(detail);
    if (rank) ranks.push(rank);
    if (detail.rule === 'vector') similarity = detail.similarity ?? 0;
  }
  return similarity ?? scoreOfRanks(ranks);
}

/** What two hits are compared by when lists are merged: ranks in a row make one number. */
export type ScoreValue =
  | { readonly kind: 'score'; readonly score: number }
  | { readonly kind: 'sort'; readonly ascending: boolean; readonly value: SortValue }
  | { readonly kind: 'geo'; readonly ascending: boolean; readonly distance: number | null };

export function scoreValues(details: readonly ScoreDetail[]): ScoreValue[] {
  const values: ScoreValue[] = [];
  let merged: Rank | null = null;
  const flush = (): void => {
    if (merged) values.push({ kind: 'score', score: localScore(merged) });
    merged = null;
  };
  for (const detail of details) {
    const rank = rankOf(detail);
    if (rank) {
      merged = merged ? mergeRanks(merged, rank) : rank;
      continue;
    }
    flush();
    if (detail.rule === 'vector') values.push({ kind: 'score', score: detail.similarity ?? 0 });
    if (detail.rule === 'sort') {
      values.push({ kind: 'sort', ascending: detail.ascending, value: detail.value });
    }
    if (detail.rule === 'geo') {
      values.push({ kind: 'geo', ascending: detail.ascending, distance: detail.distance });
    }
  }
  flush();
  return values;
}

/** Negative if `a` comes first: numbers, then strings by bytes, null last whatever the direction. */
export function compareSortValues(a: SortValue, b: SortValue, ascending: boolean): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  if (typeof a === 'number') {
    if (typeof b === 'string') return -1;
    return ascending ? a - b : b - a;
  }
  if (typeof b === 'number') return 1;
  return ascending ? compareUtf8(a, b) : compareUtf8(b, a);
}

/** A double as Rust's `Display` prints it: `48` for 48.0, digits instead of exponents. */
function displayNumber(value: number): string {
  const text = String(value);
  if (!text.includes('e')) return Object.is(value, -0) ? '-0' : text;
  return Math.abs(value) < 1 ? value.toFixed(20).replace(/0+$/, '') : BigInt(value).toString();
}

function object(members: readonly (readonly [string, Json])[]): JsonObject {
  return new Map(members);
}

function exactness(matchType: MatchType, order: number): JsonObject {
  const score = MATCH_RANK[matchType] / 3;
  return object([
    ['order', order],
    ['matchType', matchType],
    ['score', float(score)],
  ]);
}

function exactWordsInto(target: JsonObject, { rank, maxRank }: Rank): void {
  if (target.get('matchType') !== 'noExactMatch') return;
  target.delete('score');
  target.set('matchingWords', Math.max(0, rank - 1));
  target.set('maxMatchingWords', Math.max(0, maxRank - 1));
  target.set(
    'score',
    float(
      scoreOfRanks([
        { rank: 1, maxRank: 3 },
        { rank, maxRank },
      ]),
    ),
  );
}

function sortJson(
  detail: Extract<ScoreDetail, { rule: 'sort' }>,
  order: number,
): [string, JsonObject] {
  if (detail.isHidden) {
    return [
      `<hidden-rule-${order}>`,
      object([
        ['order', order],
        ['value', '<hidden>'],
      ]),
    ];
  }
  const { value } = detail;
  const shown = typeof value === 'number' ? float(value) : value;
  const name = `${detail.field}:${detail.ascending ? 'asc' : 'desc'}`;
  return [
    name,
    object([
      ['order', order],
      ['value', shown],
    ]),
  ];
}

function geoJson(
  detail: Extract<ScoreDetail, { rule: 'geo' }>,
  order: number,
): [string, JsonObject] {
  const [lat, lng] = detail.target;
  const direction = detail.ascending ? 'asc' : 'desc';
  const { point, distance } = detail;
  const value =
    point &&
    object([
      ['lat', float(point[0])],
      ['lng', float(point[1])],
    ]);
  return [
    `_geoPoint(${displayNumber(lat)}, ${displayNumber(lng)}):${direction}`,
    object([
      ['order', order],
      ['value', value],
      ['distance', distance === null ? null : float(distance)],
    ]),
  ];
}

/** The attribute and position rules show as one where the settings name them together. */
export interface DetailsOptions {
  readonly isAttributeUnified: boolean;
}

/** Builds the JSON rule by rule; some rules complete the member of the rule before them. */
class DetailsBuilder {
  readonly json: JsonObject = new Map();
  private order = 0;
  private fid: Rank | null = null;

  constructor(private readonly options: DetailsOptions) {}

  add(detail: ScoreDetail): void {
    switch (detail.rule) {
      case 'words':
        return this.put('words', wordsJson(detail.rank, this.order));
      case 'typo':
        return this.put('typo', typoJson(detail.rank, this.order));
      case 'proximity':
        return this.put('proximity', this.scored('score', detail.rank));
      case 'fid':
        return this.attributeRank(detail.rank);
      case 'position':
        return this.wordPosition(detail.rank);
      case 'exactAttribute':
        return this.put('exactness', exactness(detail.matchType, this.order));
      case 'exactWords': {
        const target = this.json.get('exactness');
        if (target instanceof Map) exactWordsInto(target, detail.rank);
        return;
      }
      case 'sort':
        return this.put(...sortJson(detail, this.order));
      case 'geo':
        return this.put(...geoJson(detail, this.order));
      case 'vector':
        return this.put('vectorSort', this.similarity(detail.similarity));
    }
  }

  private put(name: string, value: JsonObject): void {
    this.json.set(name, value);
    this.order += 1;
  }

  private scored(name: string, rank: Rank): JsonObject {
    return object([
      ['order', this.order],
      [name, float(localScore(rank))],
    ]);
  }

  private similarity(similarity: number | null): JsonObject {
    return object([
      ['order', this.order],
      ['similarity', similarity === null ? null : float(similarity)],
    ]);
  }

  private attributeRank(rank: Rank): void {
    this.fid = rank;
    if (this.options.isAttributeUnified) {
      this.put('attribute', this.scored('attributeRankingOrderScore', rank));
    } else {
      this.put('attributeRank', this.scored('score', rank));
    }
  }

  private wordPosition(rank: Rank): void {
    const attribute = this.json.get('attribute');
    if (!this.options.isAttributeUnified || !(attribute instanceof Map) || !this.fid) {
      this.put('wordPosition', this.scored('score', rank));
      return;
    }
    attribute.set('queryWordDistanceScore', float(localScore(rank)));
    attribute.set('score', float(scoreOfRanks([this.fid, rank])));
  }
}

/** `_rankingScoreDetails`. */
export function detailsJson(details: readonly ScoreDetail[], options: DetailsOptions): JsonObject {
  const builder = new DetailsBuilder(options);
  for (const detail of details) builder.add(detail);
  return builder.json;
}

function wordsJson(rank: Rank, order: number): JsonObject {
  return object([
    ['order', order],
    ['matchingWords', rank.rank],
    ['maxMatchingWords', rank.maxRank],
    ['score', float(localScore(rank))],
  ]);
}

function typoJson({ rank, maxRank }: Rank, order: number): JsonObject {
  return object([
    ['order', order],
    ['typoCount', Math.max(0, maxRank - rank)],
    ['maxTypoCount', Math.max(0, maxRank - 1)],
    ['score', float(localScore({ rank, maxRank }))],
  ]);
}
