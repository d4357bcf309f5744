import { MeiliError } from '../../errors';
import type { JsonValue } from '../../fleet';
import { indexUidBytesMax } from '../../limits';
import { parseSearchBody, searchMembers } from '../request';
import type { JsonObject } from '../types';
import { BodyReader } from '../values';
import type { FederatedQuery, Federation, FederationOptions, MultiSearch } from './types';

const queryMembers = ['indexUid', ...Object.keys(searchMembers), 'federationOptions'];
const federationMembers = [
  'limit',
  'offset',
  'page',
  'hitsPerPage',
  'facetsByIndex',
  'mergeFacets',
  'distinct',
  'showPerformanceDetails',
  'personalize',
];
const optionMembers = ['weight', 'remote', 'queryPosition'];

/** Reads the body of `/multi-search`. Throws MeiliError with the texts of Meilisearch. */
export function readMultiSearch(body: JsonValue): MultiSearch {
  const root = new BodyReader('', 'bad_request');
  const object = members(root, body, ['queries', 'federation']);
  const { queries, federation } = object;
  if (queries === undefined) throw root.missing('queries');
  const list = root.at('.queries').array(queries);
  return {
    queries: list.map((query, i) => readQuery(root.at(`.queries[${String(i)}]`), query, i)),
    federation:
      federation === undefined || federation === null
        ? null
        : readFederation(root.at('.federation'), federation),
  };
}

/** The members of an object, none of which may be unknown. */
function members(reader: BodyReader, value: JsonValue, known: readonly string[]): JsonObject {
  const object = reader.object(value);
  for (const name of Object.keys(object)) {
    if (!known.includes(name)) throw reader.unknownField(name, known);
  }
  return object;
}

function readQuery(reader: BodyReader, value: JsonValue, position: number): FederatedQuery {
  const { indexUid, federationOptions, ...search } = members(reader, value, queryMembers);
  if (indexUid === undefined) throw reader.missing('indexUid', 'missing_index_uid');
  const uid = readUid(reader.at('.indexUid', 'invalid_index_uid'), indexUid);
  const parsed = parseSearchBody(search, reader.path);
  if (!parsed.ok) throw parsed.error;
  const options = federationOptions ?? null;
  return {
    indexUid: uid,
    request: parsed.request,
    position,
    options: options === null ? null : readOptions(reader.at('.federationOptions'), options),
  };
}

export const isIndexUid = (uid: string): boolean =>
  /^[A-Za-z0-9_-]+$/.test(uid) && uid.length <= indexUidBytesMax;

function readUid(reader: BodyReader, value: JsonValue): string {
  const uid = reader.text(value);
  if (isIndexUid(uid)) return uid;
  throw reader.invalid(
    `\`${uid}\` is not a valid index uid. Index uid can be an integer or a string containing only alphanumeric characters, hyphens (-) and underscores (_), and can not be more than 512 bytes.`,
  );
}

function readOptions(reader: BodyReader, value: JsonValue): FederationOptions {
  const { weight, remote, queryPosition } = members(reader, value, optionMembers);
  const weightAt = reader.at('.weight', 'invalid_multi_search_weight');
  const read = weight === undefined ? 1 : weightAt.number(weight);
  if (read < 0) {
    throw weightAt.invalid('the value of `weight` is invalid, expected a positive float (>= 0.0).');
  }
  return {
    weight: read,
    remote: given(remote, (v) => reader.at('.remote', 'invalid_multi_search_remote').text(v)),
    queryPosition: given(queryPosition, (v) =>
      reader.at('.queryPosition', 'invalid_multi_search_query_position').uint(v),
    ),
  };
}

const given = <T>(value: JsonValue | undefined, read: (value: JsonValue) => T): T | null =>
  value === undefined || value === null ? null : read(value);

function readFederation(reader: BodyReader, value: JsonValue): Federation {
  const body = members(reader, value, federationMembers);
  const { limit, offset, showPerformanceDetails: details } = body;
  const limitAt = reader.at('.limit', 'invalid_search_limit');
  const offsetAt = reader.at('.offset', 'invalid_search_offset');
  const limitRead = limit === undefined ? 20 : limitAt.uint(limit);
  const offsetRead = offset === undefined ? 0 : offsetAt.uint(offset);
  const page = given(body['page'], (v) => reader.at('.page', 'invalid_search_page').uint(v));
  const hitsPerPage = given(body['hitsPerPage'], (v) =>
    reader.at('.hitsPerPage', 'invalid_search_hits_per_page').uint(v),
  );
  const facets = reader.at('.facetsByIndex', 'invalid_multi_search_facets_by_index');
  return {
    paging:
      page === null && hitsPerPage === null
        ? { mode: 'offset', offset: offsetRead, limit: limitRead }
        : { mode: 'page', page: page ?? 1, hitsPerPage: hitsPerPage ?? 20 },
    facetsByIndex: readFacets(facets, body['facetsByIndex']),
    mergeFacets: given(body['mergeFacets'], (v) =>
      readMergeFacets(reader.at('.mergeFacets', 'invalid_multi_search_merge_facets'), v),
    ),
    distinct: given(body['distinct'], (v) =>
      reader.at('.distinct', 'invalid_search_distinct').text(v),
    ),
    showPerformanceDetails:
      details !== undefined &&
      reader.at('.showPerformanceDetails', 'invalid_search_show_performance_details').bool(details),
    personalize:
      given(body['personalize'], (v) =>
        reader.at('.personalize', 'invalid_search_personalize').object(v),
      ) !== null,
  };
}

function readFacets(
  reader: BodyReader,
  value: JsonValue | undefined,
): Map<string, readonly string[] | null> {
  const byIndex = new Map<string, readonly string[] | null>();
  if (value === undefined) return byIndex;
  for (const [uid, facets] of Object.entries(reader.object(value))) {
    if (!isIndexUid(uid)) {
      throw reader.invalid(
        `the key ${JSON.stringify(uid)} could not be deserialized into the key type \`meilisearch_types::index_uid::IndexUid\``,
      );
    }
    byIndex.set(
      uid,
      given(facets, (v) => reader.at(`.${uid}`).texts(v)),
    );
  }
  return byIndex;
}

function readMergeFacets(
  reader: BodyReader,
  value: JsonValue,
): { maxValuesPerFacet: number | null } {
  const { maxValuesPerFacet } = members(reader, value, ['maxValuesPerFacet']);
  return {
    maxValuesPerFacet: given(maxValuesPerFacet, (v) =>
      reader.at('.maxValuesPerFacet', 'invalid_multi_search_max_values_per_facet').uint(v),
    ),
  };
}

/**
 * What a query may not say beside `federation`, in the order in which Meilisearch looks; null when
 * nothing. `network` is never enabled before a fleet, as Miroir itself distributes.
 */
export function refuseInFederation(
  query: FederatedQuery,
  federation: Federation,
): MeiliError | null {
  const { body } = query.request;
  const remote = query.options?.remote ?? null;
  const paging = ['offset', 'limit', 'page', 'hitsPerPage'].find((name) => name in body);
  if (paging !== undefined) {
    return new MeiliError(
      'invalid_multi_search_query_pagination',
      `Using pagination options is not allowed in federated queries.\n - Hint: remove \`${paging}\` from the query or remove \`federation\` from the request\n - Hint: pass \`federation.limit\` and \`federation.offset\` for pagination in federated search`,
    );
  }
  const { facets } = query.request;
  if (facets !== null && facets.length > 0) {
    const list = `[${facets.map((facet) => JSON.stringify(facet)).join(', ')}]`;
    return new MeiliError(
      'invalid_multi_search_query_facets',
      `Using facet options is not allowed in federated queries.\n - Hint: remove \`facets\` from the query or remove \`federation\` from the request\n - Hint: pass \`federation.facetsByIndex.${query.indexUid}: ${list}\` for facets in federated search`,
    );
  }
  if ('personalize' in body) {
    return new MeiliError(
      'invalid_multi_search_query_personalization',
      'Using `.personalize` is not allowed in federated queries.\n - Hint: remove `personalize` from the query or remove `federation` from the request\n - Hint: pass `federation.personalize` for personalization in federated search',
    );
  }
  if (remote !== null && body['useNetwork'] === true) {
    return new MeiliError(
      'invalid_multi_search_federation_options',
      'Using `.useNetwork` is not allowed as the same time as `.federationOptions.remote`.\n  - Hint: to perform an explicit query against a remote, remove `.useNetwork`.\n  - Hint: to automatically perform queries against the entire network, remove `.federationOptions.remote`.',
    );
  }
  if ('showPerformanceDetails' in body) {
    return new MeiliError(
      'invalid_multi_search_query_show_performance_details',
      'Using `.showPerformanceDetails` is not allowed in federated queries.\n - Hint: remove `showPerformanceDetails` from the query or remove `federation` from the request',
    );
  }
  if (query.request.distinct !== null && federation.distinct !== null) {
    return new MeiliError(
      'invalid_multi_search_distinct',
      'Using `distinct` options is not allowed in federated queries when it also appears in `.federation.distinct`.\n - Hint: remove `distinct` from the query or remove `federation` from the request\n  - Note: `distinct` at the query level is discouraged in federated search.',
    );
  }
  return refuseNetwork(query, remote);
}

function refuseNetwork(query: FederatedQuery, remote: string | null): MeiliError | null {
  if (query.request.body['useNetwork'] === true) {
    return needsFeature('passing `useNetwork` in a search query', 'network', 805);
  }
  if (remote !== null) return needsFeature('Performing a remote federated search', 'network', 805);
  return (query.options?.queryPosition ?? null) === null
    ? null
    : needsFeature('Using `federationOptions.queryPosition`', 'network', 805);
}

/** Personalising is a feature that a fleet does not have. */
export const refusePersonalize = (federation: Federation): MeiliError | null =>
  federation.personalize ? needsFeature('reranking search results', 'personalization', 866) : null;

const needsFeature = (action: string, feature: string, discussion: number): MeiliError =>
  new MeiliError(
    'feature_not_enabled',
    `${action} requires enabling the \`${feature}\` experimental feature. See https://github.com/orgs/meilisearch/discussions/${String(discussion)}`,
  );
