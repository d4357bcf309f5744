import type { JsonValue, Settings } from '../fleet';
import { hiddenField } from '../hidden-fields';
import { joinFilters, normalizeClientFilter } from '../filter/normalize';
import { displayedFields, distinctField, hitsNeeded, isHiddenField } from './fields';
import { filterablePatterns, matchesPattern } from './patterns';
import { extraField, retrievedFields } from './project';
import { almostSemantic, keepsWords } from './semantic-half';
import { distinctSpare } from './spare';
import type { JsonObject, SearchRequest } from './types';

/** The only members of a client's search body that Miroir changes; all others pass through. */
export const touchedFields = [
  'offset',
  'limit',
  'page',
  'hitsPerPage',
  'filter',
  'facets',
  'attributesToRetrieve',
  'attributesToHighlight',
  'attributesToCrop',
  'showRankingScore',
  'showRankingScoreDetails',
  'hybrid',
  'vector',
  'media',
] as const;

export interface NodeSearchOptions {
  /** The client's settings. */
  readonly settings: Settings;
  /** `_miroir_bucket IN […]` where the node holds more shards than it is asked for, else null. */
  readonly bucketFilter: string | null;
  /** The tenant token's filter for this index, or null. */
  readonly tenantFilter: JsonValue;
  /** Which half of a hybrid search to ask for; absent for every other search. */
  readonly half?: 'keyword' | 'semantic';
}

/**
 * What one node is asked for a client's search: its best hits from the first on, as many as can stand
 * in the client's window, with the details that the merge compares, projected on what the client may
 * see. A filter that is no filter is left as it is, so that the node refuses it.
 */
export function nodeSearchBody(request: SearchRequest, options: NodeSearchOptions): JsonObject {
  const { settings } = options;
  const body: JsonObject = { ...request.body };
  for (const name of ['offset', 'limit', 'page', 'hitsPerPage'] as const) delete body[name];
  const needed = hitsNeeded(request, settings);
  const distinct = distinctField(request, settings) !== null;
  if (request.paging.mode === 'page' || distinct) {
    // Page mode counts exhaustively. With the hidden last rule each document is a bucket of its own,
    // so in offset mode almost no duplicate would be subtracted from totals and facets.
    body['page'] = 1;
    const looksFurther = request.paging.mode === 'offset';
    body['hitsPerPage'] = looksFurther ? needed + distinctSpare : needed;
  } else {
    body['offset'] = 0;
    body['limit'] = needed;
  }
  setOrDelete(body, 'filter', nodeFilter(request, options));
  setOrDelete(body, 'facets', nodeFacets(request, settings));
  projectBody(body, request, settings);
  body['showRankingScoreDetails'] = true;
  if (options.half !== undefined) splitHybrid(body, request, { half: options.half, settings });
  return body;
}

function setOrDelete(body: JsonObject, name: string, value: JsonValue): void {
  if (value === null) delete body[name];
  else body[name] = value;
}

function nodeFilter(request: SearchRequest, options: NodeSearchOptions): JsonValue {
  const client = normalizeClientFilter(request.filter);
  const tenant = normalizeClientFilter(options.tenantFilter);
  const { ownFilter } = request;
  const ours = [options.bucketFilter, ownFilter].filter((one) => typeof one === 'string');
  return joinFilters(
    ours.length === 2 ? `(${ours.join(') AND (')})` : (ours[0] ?? null),
    tenant.ok ? tenant.parts : options.tenantFilter,
    client.ok ? client.parts : request.filter,
  );
}

/**
 * `*` is sent as the client's own filterable names, else the hidden fields, of which each document has
 * its own value, would be counted too.
 */
function nodeFacets(request: SearchRequest, settings: Settings): JsonValue {
  const { facets } = request;
  const added = addedFacet(request, settings);
  if (facets === null && added === null) return null;
  const wanted = (facets ?? []).flatMap((one) =>
    one === '*' ? filterablePatterns(settings) : [one],
  );
  return [...new Set(added === null ? wanted : [...wanted, added])];
}

/**
 * The distinct field, when it must be added to the facets for the sake of the total: the values that
 * several nodes have are known only by listing them. Null where the client asked for it itself.
 */
export function addedFacet(request: SearchRequest, settings: Settings): string | null {
  const field = distinctField(request, settings);
  if (field === null) return null;
  return (request.facets ?? []).some((facet) => matchesPattern(facet, field)) ? null : field;
}

/**
 * The nodes display every field, so what the client may see is asked for by name. Names are only ever
 * taken away from the client's lists, but for the field that `distinct` needs.
 */
function projectBody(body: JsonObject, request: SearchRequest, settings: Settings): void {
  if (request.ownFields !== undefined) {
    body['attributesToRetrieve'] = [...request.ownFields];
    // A parameter wins over the setting, and what has no value is never left out as a duplicate.
    if (typeof settings['distinctAttribute'] === 'string') body['distinct'] = hiddenField.expiresAt;
    return;
  }
  const retrieved = retrievedFields(request, settings)?.filter((name) => !isHiddenField(name));
  const extra = extraField(request, settings);
  if (retrieved !== undefined) {
    body['attributesToRetrieve'] = extra === null ? retrieved : [...retrieved, extra];
  }
  const displayed = displayedFields(settings);
  const highlight = visible(request.attributesToHighlight, displayed, false);
  if (highlight !== null) body['attributesToHighlight'] = highlight;
  const crop = visible(request.attributesToCrop, displayed, true);
  if (crop !== null) body['attributesToCrop'] = crop;
}

/** Keeps of `name`, or of `name:length` with `lengths`, what is displayed; `*` stands for all that is. */
function visible(
  list: readonly string[] | null,
  displayed: readonly string[] | null,
  lengths: boolean,
): string[] | null {
  if (list === null) return null;
  const kept = list.flatMap((item) => {
    const [name, length] = lengths ? splitLength(item) : [item, ''];
    if (isHiddenField(name)) return [];
    if (displayed === null) return [item];
    if (name === '*') return displayed.map((field) => field + length);
    return displayed.includes(name) ? [item] : [];
  });
  return [...new Set(kept)];
}

/** `title:20` is the field `title` with a length; the engine splits at the last colon. */
export function splitLength(item: string): [name: string, length: string] {
  const colon = item.lastIndexOf(':');
  return colon < 0 ? [item, ''] : [item.slice(0, colon), item.slice(colon)];
}

/** The keyword half must be scored, as the hybrid rule asks whether its hits are good enough. */
function splitHybrid(
  body: JsonObject,
  request: SearchRequest,
  { half, settings }: { readonly half: 'keyword' | 'semantic'; readonly settings: Settings },
): void {
  body['showRankingScore'] = true;
  if (half === 'semantic') {
    const semanticRatio = keepsWords(request, settings) ? almostSemantic : 1;
    body['hybrid'] = { embedder: request.hybrid?.embedder ?? '', semanticRatio };
    return;
  }
  for (const name of ['hybrid', 'vector', 'media'] as const) delete body[name];
}
