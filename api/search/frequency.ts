import type { JsonValue } from '../../core/fleet';
import { hitsNeeded } from '../../core/search/fields';
import {
  LevelJoin,
  frequencyLevels,
  frequencyWords,
  hasEqualCounts,
  levelRequest,
  wordRequests,
} from '../../core/search/frequency';
import { countAnswers } from '../../core/search/federation/count';
import { mergeList } from '../../core/search/merge';
import type { JsonObject, NodeAnswer, SearchRequest } from '../../core/search/types';
import { nodeId } from '../../core/ids';
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
  const join = new LevelJoin();
  const needed = hitsNeeded(request, settings);
  const headers: Record<string, string> = {};
  let above = 0;
  let last: { answers: readonly NodeAnswer[]; asked: SearchRequest } | null = null;
  for (const level of levels) {
    const isLast = level === levels[levels.length - 1];
    if (join.hits.length >= needed && !isLast) continue;
    // Every document of the levels above matches this one too.
    const limit = join.hits.length >= needed ? 0 : needed + above;
    const asked = levelRequest(request, level, limit);
    const { answers, headers: degraded } = await options.ask(asked, options.tenantFilter);
    Object.assign(headers, degraded);
    const list = mergeList({
      answers,
      request: asked,
      settings,
      primaryKey,
      processingTimeMs: 0,
      requestUid: '',
    });
    above = list.total;
    join.add(level, list.hits, primaryKey);
    last = { answers, asked };
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
  return { answers: [answer], headers, approximate: hasEqualCounts(counts) };
}
