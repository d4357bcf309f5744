/** The recorded searches over 3,201 films, and how to ask the engine the same. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import {
  DEFAULT_ENGINE_SETTINGS,
  type EngineQuery,
  type EngineResult,
  type EngineSettings,
  formatHit,
  isObject,
  type Json,
  type JsonObject,
  numberOf,
  parseJson,
  parseNumberExactly,
  SearchIndex,
  stringifyJson,
  toPlain,
} from '../../../../local/embedded-node/engine';
import { scalarsAt } from '../../../../local/embedded-node/engine/fields';
import { distanceBetween, geoPoint } from '../../../../local/embedded-node/engine/rules/geo-rule';

const folder = join(__dirname, '../../../recordings/ranking');

/** Documents are read as the server reads them, its answers as they stand. */
function readLines(name: string, isAnswer = false): JsonObject[] {
  const text = gunzipSync(readFileSync(join(folder, name))).toString('utf8');
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) =>
    asObject(isAnswer ? parseJson(line, parseNumberExactly) : parseJson(line)),
  );
}

export function asObject(value: Json | undefined): JsonObject {
  if (!isObject(value)) throw new Error('expected an object');
  return value;
}

export type Variant = 'default' | 'tuned';

export interface RecordedCase {
  readonly request: JsonObject;
  readonly single: JsonObject;
  readonly partRequest: JsonObject;
  readonly parts: readonly JsonObject[];
}

export function readCases(variant: Variant): RecordedCase[] {
  return readLines(`${variant}.ndjson.gz`, true).map((line) => ({
    request: asObject(line.get('request')),
    single: asObject(line.get('single')),
    partRequest: asObject(line.get('partRequest')),
    parts: (line.get('parts') as Json[]).map(asObject),
  }));
}

interface RawSettings {
  readonly typoTolerance?: Partial<EngineSettings['typoTolerance']>;
  readonly pagination?: { readonly maxTotalHits: number };
}

export interface VariantSettings {
  readonly engine: EngineSettings;
  readonly maxTotalHits: number;
}

export function readSettings(variant: Variant): VariantSettings {
  const all = JSON.parse(readFileSync(join(folder, 'settings.json'), 'utf8')) as Record<
    Variant,
    Partial<EngineSettings> & RawSettings
  >;
  const { typoTolerance, pagination, ...rest } = all[variant];
  return {
    engine: {
      ...DEFAULT_ENGINE_SETTINGS,
      ...rest,
      typoTolerance: { ...DEFAULT_ENGINE_SETTINGS.typoTolerance, ...typoTolerance },
    },
    maxTotalHits: pagination?.maxTotalHits ?? 1000,
  };
}

export interface Films {
  readonly index: SearchIndex;
  readonly documents: readonly JsonObject[];
}

/** The engine with all films, or with those of one part. */
export function loadFilms(variant: Variant, part: number | null): Films {
  const index = new SearchIndex(readSettings(variant).engine);
  const documents: JsonObject[] = [];
  for (const film of readLines('documents.ndjson.gz')) {
    const isWanted = part === null || film.get('_part') === part;
    film.delete('_part');
    if (variant === 'default') film.delete('_vectors');
    if (!isWanted) continue;
    index.upsert(documents.length, film);
    documents.push(film);
  }
  return { index, documents };
}

type Predicate = (film: JsonObject) => boolean;

const first = (film: JsonObject, field: string): Json | undefined => scalarsAt(film, field)[0];
const number = (film: JsonObject, field: string): number | null => numberOf(first(film, field));
const text = (film: JsonObject, field: string): string =>
  String(first(film, field) ?? '').toLowerCase();

/** The recorded filters, so that the ranking is tested without the filter parser. */
const FILTERS: Record<string, Predicate> = {
  'major_genre = Drama': (film) => text(film, 'major_genre') === 'drama',
  'year > 1999': (film) => (number(film, 'year') ?? 0) > 1999,
  'mpaa_rating IN ["PG", "R"]': (film) => ['pg', 'r'].includes(text(film, 'mpaa_rating')),
  'director EXISTS': (film) => film.has('director'),
  'NOT year 1990 TO 2000': (film) => {
    const year = number(film, 'year');
    return year === null || year < 1990 || year > 2000;
  },
  'imdb_rating > 7 AND major_genre != Comedy': (film) =>
    (number(film, 'imdb_rating') ?? 0) > 7 && text(film, 'major_genre') !== 'comedy',
  '_geoRadius(45.0, 10.0, 4000000)': (film) => {
    const point = geoPoint(film);
    return point !== null && distanceBetween([45, 10], point) <= 4_000_000;
  },
};

function candidatesOf(films: Films, filter: unknown): Set<number> | null {
  if (typeof filter !== 'string') return null;
  const predicate = FILTERS[filter];
  if (!predicate) throw new Error(`unknown recorded filter ${filter}`);
  return new Set(films.documents.flatMap((film, docid) => (predicate(film) ? [docid] : [])));
}

interface RawRequest {
  readonly q?: string;
  readonly filter?: string;
  readonly offset?: number;
  readonly limit?: number;
  readonly page?: number;
  readonly hitsPerPage?: number;
  readonly sort?: string[];
  readonly distinct?: string;
  readonly matchingStrategy?: EngineQuery['matchingStrategy'];
  readonly attributesToSearchOn?: string[];
  readonly rankingScoreThreshold?: number;
  readonly vector?: number[];
  readonly hybrid?: EngineQuery['hybrid'];
}

/** Asks the engine what was asked of the server. */
export function ask(films: Films, request: JsonObject, maxTotalHits: number): EngineResult {
  const raw = toPlain(request) as RawRequest;
  const exhaustive = raw.page !== undefined || raw.hitsPerPage !== undefined;
  const perPage = raw.hitsPerPage ?? 20;
  const offset = exhaustive ? ((raw.page ?? 1) - 1) * perPage : (raw.offset ?? 0);
  const end = Math.min(offset + (exhaustive ? perPage : (raw.limit ?? 20)), maxTotalHits);
  return films.index.search({
    q: raw.q ?? null,
    candidates: candidatesOf(films, raw.filter),
    offset: Math.min(offset, end),
    limit: Math.max(0, end - offset),
    exhaustive,
    sort: raw.sort ?? [],
    distinct: raw.distinct ?? null,
    matchingStrategy: raw.matchingStrategy ?? 'last',
    attributesToSearchOn: raw.attributesToSearchOn ?? null,
    rankingScoreThreshold: raw.rankingScoreThreshold ?? null,
    vector: raw.vector ?? null,
    hybrid: raw.hybrid ?? null,
    locales: null,
  });
}

/** `_formatted` as the search asked for it, or null. */
function formatted(film: JsonObject, result: EngineResult, request: JsonObject): Json {
  const raw = toPlain(request) as {
    attributesToRetrieve?: string[];
    attributesToHighlight?: string[];
    attributesToCrop?: string[];
    cropLength?: number;
  };
  return formatHit(film, result.matcher, {
    attributesToRetrieve: raw.attributesToRetrieve ?? ['*'],
    attributesToHighlight: raw.attributesToHighlight ?? [],
    highlightPreTag: '<em>',
    highlightPostTag: '</em>',
    attributesToCrop: raw.attributesToCrop ?? [],
    cropLength: raw.cropLength ?? 10,
    cropMarker: '…',
    displayed: ['*'],
  });
}

/** The order of members is the order in which the index first met the fields; it is not ours. */
function sorted(value: Json | undefined): Json {
  return isObject(value) ? new Map([...value].sort(([a], [b]) => (a < b ? -1 : 1))) : null;
}

export interface Comparison {
  readonly formatted: boolean;
  readonly details: boolean;
  readonly ids: boolean;
  readonly scores: boolean;
  readonly total: boolean;
  readonly semanticHitCount: boolean;
}

/** What of the answer equals the recorded one; ids are compared with the order of ties. */
export function compare(
  films: Films,
  { result, request }: { result: EngineResult; request: JsonObject },
  recorded: JsonObject,
): Comparison {
  const hits = (recorded.get('hits') as Json[]).map(asObject);
  const same = (ours: readonly Json[], field: string): boolean =>
    ours.length === hits.length &&
    ours.every((value, i) => stringifyJson(value) === stringifyJson(hits[i]?.get(field) ?? null));
  const total = recorded.get('estimatedTotalHits') ?? recorded.get('totalHits');
  return {
    formatted: result.hits.every(({ docid }, i) => {
      const ours = sorted(
        formatted(films.documents[docid] ?? new Map(), result, request) ?? undefined,
      );
      return stringifyJson(ours) === stringifyJson(sorted(hits[i]?.get('_formatted')));
    }),
    details: same(
      result.hits.map(({ details }) => details),
      '_rankingScoreDetails',
    ),
    ids: same(
      result.hits.map(({ docid }) => films.documents[docid]?.get('id') ?? null),
      'id',
    ),
    scores: result.hits.every(
      ({ rankingScore }, i) => rankingScore === numberOf(hits[i]?.get('_rankingScore')),
    ),
    total: result.total === total,
    semanticHitCount: result.semanticHitCount === (recorded.get('semanticHitCount') ?? null),
  };
}
