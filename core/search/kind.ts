import type { SearchKind, SearchRequest } from './types';

/**
 * Which search the engine runs: ratio 1 is semantic, ratio 0 keyword; with no text and a vector it is
 * semantic whatever the ratio, with neither text nor vector it is a keyword (placeholder) search.
 */
export function searchKind(request: SearchRequest): SearchKind {
  const { hybrid } = request;
  if (hybrid === null || hybrid.semanticRatio === 0) return 'keyword';
  const hasText = request.q !== null && request.q.trim() !== '';
  const hasVector = request.vector !== null || hasMedia(request);
  if (!hasText && !hasVector) return 'keyword';
  if (hybrid.semanticRatio === 1 || !hasText) return 'semantic';
  return 'hybrid';
}

const hasMedia = (request: SearchRequest): boolean =>
  request.body['media'] !== undefined && request.body['media'] !== null;
