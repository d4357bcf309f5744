import type { JsonValue } from '../../core/fleet';
import { hitsNeeded } from '../../core/search/fields';
import {
  LevelJoin,
  frequencyLevels,
  frequencyWords,
  variantRequest,
  wordRequests,
} from '../../core/search/frequency';
import { countAnswers } from '../../core/search/federation/count';
import { mergeList } from '../../core/search/merge';
import type { JsonObject, NodeAnswer, SearchRequest } from '../../core/search/types';
import { nodeId } from '../../core/ids';
import { inParallel } from './in-parallel';
import type { Gathered, SearchTarget } from './types';

type Ask = (request: SearchRequest, tenantFilter: JsonValue) => Promise<Gathered>;

export interface FrequencyAnswer extends Gathered {
  /** Whether the answer may differ from one Meilisearch's. */
  readonly approximate: boolean;
}

/**
 * A search by `frequency` as one answer that a node could have given, or null where it must be asked
 * as it stands.
 */
export async function gatherByFrequency(
  target: SearchTarget,
  request: SearchRequest,
  options: { readonly tenantFilter: JsonValue; readonly ask: Ask },
): Promise<FrequencyAnswer | null> {
  const [{ settings, primaryKey }] = target.entries;
  const words = frequencyWords(request, settings);
  if (words === null) return null;
  const counts = await Promise.all(
    wordRequests(request, words).map(async (one) => {
      const { answers } = await options.ask(one, null);
      return countAnswers(answers, {
        request: one,
        settings: { ...settings, distinctAttribute: null },
      }).total;
    }),
  );
  const levels = frequencyLevels(request, words, counts);
  const join = new LevelJoin(primaryKey);
  const needed = hitsNeeded(request, settings);
  const headers: Record<string, string> = {};
  let last: { answers: readonly NodeAnswer[]; asked: SearchRequest } | null = null;
  for (const level of levels) {
    const full = join.hits.length >= needed;
    if (full && level !== levels[levels.length - 1]) continue;
    // Each document of the levels above, all of which are known by now, may match this one too.
    const limit = full ? 0 : needed + join.hits.length;
    const found = await inParallel(level.variants, async (variant) => {
      const asked = variantRequest(request, variant, limit);
      const { answers, headers: degraded } = await options.ask(asked, options.tenantFilter);
      Object.assign(headers, degraded);
      const { hits } = mergeList({ ...empty, answers, request: asked, settings, primaryKey });
      return { variant, hits, answers, asked };
    });
    join.add(level, found);
    last = found[0] ?? null;
  }
  if (last === null) return null;
  const counted = countAnswers(last.answers, { request: last.asked, settings });
  const rest: JsonObject = { estimatedTotalHits: counted.total };
  if (counted.facets !== null) {
    rest['facetDistribution'] = JSON.parse(counted.facets.distribution) as JsonValue;
    rest['facetStats'] = JSON.parse(counted.facets.stats) as JsonValue;
  }
  const [{ physicalUid }] = target.entries;
  const answer = { node: nodeId('fleet'), bytes: join.answer(rest), physicalUid };
  return { answers: [answer], headers, approximate: marksWords(request) };
}

const empty = { processingTimeMs: 0, requestUid: '' };

/** The engine marks the words that are left out as well, where a document has them. */
const marksWords = (request: SearchRequest): boolean =>
  request.showMatchesPosition ||
  (request.attributesToHighlight?.length ?? 0) > 0 ||
  (request.attributesToCrop?.length ?? 0) > 0;
