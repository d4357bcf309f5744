import type { JsonValue, Settings } from '../fleet';
import { hiddenPrefix } from '../hidden-fields';
import type { SearchRequest } from './types';

export const strings = (value: JsonValue | undefined): string[] =>
  Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];

export const memberOf = (value: JsonValue | undefined, name: string): JsonValue | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? value[name] : undefined;

export const isHiddenField = (name: string): boolean => name.startsWith(hiddenPrefix);

/** The client's displayed attributes, or null when every field is displayed. */
export function displayedFields(settings: Settings): readonly string[] | null {
  const value = settings['displayedAttributes'];
  if (!Array.isArray(value)) return null;
  const names = strings(value);
  return names.includes('*') ? null : names;
}

/** `pagination.maxTotalHits` of the client: no answer shows a hit beyond it. */
export function maxTotalHits(settings: Settings): number {
  const value = memberOf(settings['pagination'], 'maxTotalHits');
  return typeof value === 'number' ? value : 1000;
}

/** The parameter wins over the setting. With no hits to show the engine leaves nothing out. */
export function distinctField(request: SearchRequest, settings: Settings): string | null {
  if (request.countsAll === true) return null;
  if (request.distinct !== null) return request.distinct;
  const value = settings['distinctAttribute'];
  return typeof value === 'string' ? value : null;
}

/** First hit and number of hits of the client's window, before the cap by `maxTotalHits`. */
export function windowOf(request: SearchRequest): { offset: number; limit: number } {
  const { paging } = request;
  if (paging.mode === 'offset') return { offset: paging.offset, limit: paging.limit };
  if (paging.page === 0) return { offset: 0, limit: 0 };
  return { offset: (paging.page - 1) * paging.hitsPerPage, limit: paging.hitsPerPage };
}

/**
 * How many of its best hits each node is asked for: all that can stand in the client's window. The
 * engine itself looks at no more than the first `maxTotalHits`.
 */
export function hitsNeeded(request: SearchRequest, settings: Settings): number {
  const { offset, limit } = windowOf(request);
  if (request.ownFields !== undefined) return offset + limit;
  return Math.min(offset + limit, maxTotalHits(settings));
}

/**
 * Whether retrieving `selectors` returns the field `name` whole. A selector covers the fields below
 * it; `*` covers all.
 */
export const covers = (selectors: readonly string[], name: string): boolean =>
  selectors.some((one) => one === '*' || one === name || name.startsWith(`${one}.`));
