import { isMeiliError } from '../../core/errors';
import type { MeiliError } from '../../core/errors';

/** Meilisearch names the query, and answers 400 where a single search would be 404. */
export function inQuery(error: unknown, position: number): unknown {
  if (!isMeiliError(error)) return error;
  const status = error.code === 'index_not_found' ? 400 : error.status;
  return error.prefixed(`Inside \`.queries[${position}]\`: `, status);
}

const statusOf = (error: MeiliError): number =>
  error.code === 'index_not_found' ? 400 : error.status;

/** An error about facets is told of the place where a federation names them. */
export function facetsError(error: unknown, indexUid: string): unknown {
  if (!isMeiliError(error) || error.code !== 'invalid_search_facets') return error;
  return inFacets(error, indexUid);
}

export const inFacets = (error: MeiliError, indexUid: string): MeiliError =>
  error.prefixed(`Inside \`.federation.facetsByIndex.${indexUid}\`: `, statusOf(error));
