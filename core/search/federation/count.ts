import type { Settings } from '../../fleet';
import { objectMembers, spanText } from '../answer-bytes';
import { mergeAnswers } from '../merge';
import type { ApproximateReason, NodeAnswer, SearchRequest } from '../types';

/** What the queries of one index match together. */
export interface Counted {
  readonly total: number;
  /** JSON texts, whose members are in order; null where no facets were asked for. */
  readonly facets: { readonly distribution: string; readonly stats: string } | null;
  readonly approximate: readonly ApproximateReason[];
}

/** Joins totals and facets of answers of which no two count the same document. */
export function countAnswers(
  answers: readonly NodeAnswer[],
  asked: { readonly request: SearchRequest; readonly settings: Settings },
): Counted {
  const { paging, facets } = asked.request;
  const merged = mergeAnswers({
    answers,
    request: {
      ...asked.request,
      paging:
        paging.mode === 'page'
          ? { mode: 'page', page: 1, hitsPerPage: 0 }
          : { mode: 'offset', offset: 0, limit: 0 },
    },
    settings: asked.settings,
    primaryKey: null,
    processingTimeMs: 0,
    requestUid: '',
  });
  const { total, approximate } = merged;
  if (facets === null) return { total, facets: null, approximate };
  const texts = { distribution: '{}', stats: '{}' };
  for (const member of objectMembers(merged.bytes, 0).members) {
    const name = spanText(merged.bytes, member.keyStart, member.keyEnd);
    const text = spanText(merged.bytes, member.valueStart, member.valueEnd);
    if (name === 'facetDistribution') texts.distribution = text;
    if (name === 'facetStats') texts.stats = text;
  }
  return { total, facets: texts, approximate };
}
