import { MeiliError } from '../errors';
import type { ErrorCode } from '../errors';
import type { JsonValue } from '../fleet';
import { locales } from './locales';
import { parseSearchBody, searchMembers } from './request';
import type { ParsedSearch } from './request';
import type { JsonObject } from './types';
import { oneOf } from './values';

type Reader = (value: string, fail: (message: string) => MeiliError) => JsonValue;

const asText: Reader = (value) => value;
/** An empty list asks for nothing, as if it were not there. */
const asFacets: Reader = (value, fail) => (value === '' ? null : asList(value, fail));
const asList: Reader = (value) => value.split(',').map((item) => item.trim());

const asUint: Reader = (value, fail) => {
  if (!/^\+?\d+$/.test(value)) {
    throw fail(`could not parse \`${value}\` as a positive integer`);
  }
  return Number(value);
};

const asBool: Reader = (value, fail) => {
  if (value === 'true' || value === 'false') return value === 'true';
  throw fail(`could not parse \`${value}\` as a boolean, expected either \`true\` or \`false\``);
};

const asNumber =
  (name: string): Reader =>
  (value, fail) => {
    const number = value.trim() === '' ? NaN : Number(value);
    if (Number.isNaN(number) || number < 0 || number > 1) {
      throw fail(
        `the value of \`${name}\` is invalid, expected a float between \`0.0\` and \`1.0\`.`,
      );
    }
    return number;
  };

/** A filter is JSON when it parses as JSON, else the text itself. */
const asFilter: Reader = (value) => {
  try {
    return JSON.parse(value) as JsonValue;
  } catch {
    return value;
  }
};

const asVector: Reader = (value, fail) =>
  value.split(',').map((item) => {
    const number = item.trim() === '' ? NaN : Number(item);
    if (Number.isNaN(number)) throw fail('invalid float literal');
    return number;
  });

/** `_geoPoint(1,2):asc` holds a comma of its own. */
const asSort: Reader = (value) => {
  const parts: string[] = [];
  let inPoint = false;
  for (const part of value
    .replace(/^"+|"+$/g, '')
    .split(',')
    .map((one) => one.trim())) {
    const last = parts.length - 1;
    if (inPoint && !part.startsWith('_geoPoint(')) {
      parts[last] = `${parts[last] ?? ''},${part}`;
      if (part.endsWith('):desc') || part.endsWith('):asc')) inPoint = false;
    } else {
      parts.push(part);
      inPoint = part.startsWith('_geoPoint(');
    }
  }
  return parts;
};

/** The parameters of GET search, in the order in which Meilisearch's messages list them. */
const parameters: Readonly<Record<string, Reader>> = {
  q: asText,
  offset: asUint,
  limit: asUint,
  page: asUint,
  hitsPerPage: asUint,
  attributesToRetrieve: asList,
  attributesToCrop: asList,
  cropLength: asUint,
  cropMarker: asText,
  attributesToHighlight: asList,
  highlightPreTag: asText,
  highlightPostTag: asText,
  showMatchesPosition: asBool,
  filter: asFilter,
  sort: asSort,
  distinct: asText,
  facets: asFacets,
  matchingStrategy: asText,
  attributesToSearchOn: asList,
  rankingScoreThreshold: asNumber('rankingScoreThreshold'),
  locales: asList,
  hybridEmbedder: asText,
  hybridSemanticRatio: asNumber('semanticRatio'),
  vector: asVector,
  retrieveVectors: asBool,
  personalizeUserContext: asText,
  useNetwork: asBool,
  showRankingScore: asBool,
  showRankingScoreDetails: asBool,
  showPerformanceDetails: asBool,
};

const ownCodes: Readonly<Record<string, ErrorCode>> = {
  hybridEmbedder: 'invalid_search_embedder',
  hybridSemanticRatio: 'invalid_search_semantic_ratio',
  personalizeUserContext: 'invalid_search_personalize_user_context',
};

/** Turns the parameters of a GET search into the request that a POST with the same meaning makes. */
export function parseSearchQuery(params: Readonly<Record<string, string>>): ParsedSearch {
  try {
    const read: JsonObject = {};
    for (const [name, value] of Object.entries(params)) {
      const reader = Object.hasOwn(parameters, name) ? parameters[name] : undefined;
      if (reader === undefined) {
        const known = oneOf(name, Object.keys(parameters));
        throw new MeiliError('bad_request', `Unknown parameter \`${name}\`: ${known}`);
      }
      const code = ownCodes[name] ?? searchMembers[name]?.code ?? 'bad_request';
      read[name] = reader(
        value,
        (message) => new MeiliError(code, `Invalid value in parameter \`${name}\`: ${message}`),
      );
      refuseUnknownWords(name, read[name], code);
    }
    return parseSearchBody(bodyOf(read));
  } catch (error) {
    if (error instanceof MeiliError) return { ok: false, error };
    throw error;
  }
}

function refuseUnknownWords(name: string, value: JsonValue | undefined, code: ErrorCode): void {
  const words = Array.isArray(value) ? value : [value];
  const accepted =
    name === 'locales'
      ? locales
      : name === 'matchingStrategy'
        ? ['last', 'all', 'frequency']
        : null;
  words.forEach((word, i) => {
    if (accepted === null || accepted.includes(String(word))) return;
    if (name === 'locales') throw unsupportedLocale(String(word));
    const place = Array.isArray(value) ? `${name}[${String(i)}]` : name;
    const known = oneOf(String(word), accepted);
    throw new MeiliError(
      code,
      `Unknown value \`${String(word)}\` for parameter \`${place}\`: ${known}`,
    );
  });
}

/** A query string and a body differ in this text: it lists the codes of two letters first, each sorted. */
function unsupportedLocale(locale: string): MeiliError {
  const sorted = [...locales].sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
  return new MeiliError(
    'invalid_search_locales',
    `Invalid value in parameter \`locales\`: Unsupported locale \`${locale}\`, expected one of ${sorted.join(', ')}`,
  );
}

function bodyOf(read: JsonObject): JsonObject {
  const { hybridEmbedder, hybridSemanticRatio, personalizeUserContext, ...body } = read;
  if (hybridEmbedder === undefined) {
    if (hybridSemanticRatio !== undefined) {
      throw new MeiliError(
        'invalid_search_hybrid_query',
        '`hybridEmbedder` is mandatory when `hybridSemanticRatio` is present',
      );
    }
    if (body['vector'] !== undefined) {
      throw new MeiliError(
        'missing_search_hybrid',
        '`hybridEmbedder` is mandatory when `vector` is present',
      );
    }
  } else {
    body['hybrid'] = { embedder: hybridEmbedder, semanticRatio: hybridSemanticRatio ?? 0.5 };
  }
  if (personalizeUserContext !== undefined) {
    body['personalize'] = { userContext: personalizeUserContext };
  }
  return body;
}
