import type { JsonValue, Settings } from '../fleet';
import { memberOf, strings } from './fields';
import { matchesPattern } from './patterns';
import type { JsonObject, SearchRequest } from './types';

/**
 * What depends on the fields that a node happens to have: the languages of the query, and the names that
 * it may be searched in.
 */

/**
 * The search with the languages of all `localizedAttributes`, as one Meilisearch would take them for its
 * query; a node takes those of its own fields only and may cut the query into other words. Where words
 * are marked the search stays as it is, as the languages would also decide how the documents are cut.
 */
export function withLocales(request: SearchRequest, settings: Settings): SearchRequest {
  const { body } = request;
  const rules = settings['localizedAttributes'];
  const isMarked =
    request.showMatchesPosition ||
    (request.attributesToHighlight?.length ?? 0) > 0 ||
    (request.attributesToCrop?.length ?? 0) > 0;
  if (!Array.isArray(rules) || isMarked || (request.q ?? '') === '') return request;
  if (body['locales'] !== undefined || body['attributesToSearchOn'] !== undefined) return request;
  const searchable = strings(settings['searchableAttributes']);
  const locales = new Set(
    rules
      .filter((rule) => covers(strings(memberOf(rule, 'attributePatterns')), searchable))
      .flatMap((rule) => strings(memberOf(rule, 'locales'))),
  );
  if (locales.size === 0) return request;
  return { ...request, body: { ...body, locales: [...locales].sort() } };
}

const covers = (patterns: readonly string[], searchable: readonly string[]): boolean =>
  searchable.includes('*') ||
  patterns.some((pattern) =>
    searchable.some((name) => matchesPattern(pattern, name) || matchesPattern(name, pattern)),
  );

/** The name that a node refused to search in, as it has no such field; null for any other answer. */
export function refusedAttribute(status: number, body: JsonValue): string | null {
  if (status !== 400 || memberOf(body, 'code') !== 'invalid_search_attributes_to_search_on') {
    return null;
  }
  const message = memberOf(body, 'message');
  const match = /Attribute `([^`]*)` is not searchable/.exec(String(message));
  return match?.[1] ?? null;
}

/** The node's body without one name to search in; null when it does not have it. */
export function withoutAttribute(body: JsonObject, name: string): JsonObject | null {
  const names = strings(body['attributesToSearchOn']);
  if (!names.includes(name)) return null;
  return { ...body, attributesToSearchOn: names.filter((one) => one !== name) };
}
