import { isDeepStrictEqual } from 'node:util';
import { compareDetails, detailsList } from '../../core/search/details';
import type { RuleDetails } from '../../core/search/details';
import type { Body } from './searches';

export interface CompatAnswer {
  readonly status: number;
  readonly body: Body;
  readonly approximate: string;
}

/** What of two answers is equal. */
export interface Verdict {
  /** Position by position the rules rank the hits alike. */
  readonly details: boolean;
  readonly ids: boolean;
  readonly totals: boolean;
  readonly facets: boolean;
  /** Null when all is equal. */
  readonly difference: string | null;
}

type Hit = Record<string, unknown> & {
  id: number;
  _rankingScoreDetails?: Record<string, RuleDetails>;
};

export function compareAnswers(single: CompatAnswer, fleet: CompatAnswer): Verdict {
  if (single.status !== 200 || fleet.status !== 200) return compareErrors(single, fleet);
  const one = hitsOf(single.body);
  const many = hitsOf(fleet.body);
  const ids = isDeepStrictEqual(one.map(idOf), many.map(idOf));
  const details = one.length === many.length && one.every((hit, i) => sameRank(hit, many[i]));
  const totals = totalOf(single.body) === totalOf(fleet.body);
  const facets = facetNames.every(
    (name) => JSON.stringify(single.body[name]) === JSON.stringify(fleet.body[name]),
  );
  const semantic = single.body['semanticHitCount'] === fleet.body['semanticHitCount'];
  const parts = [
    ...(ids ? [] : [sameSet(one, many) ? 'order' : details ? 'ties' : 'hits']),
    ...(!ids || details ? [] : ['details']),
    ...(totals ? [] : ['total']),
    ...(facets ? [] : ['facets']),
    ...(semantic ? [] : ['semanticHitCount']),
  ];
  const named = fleet.approximate === '' ? 'not named' : `named ${fleet.approximate}`;
  const difference = parts.length === 0 ? null : `${parts.join('+')} (${named})`;
  return { details, ids, totals, facets, difference };
}

const facetNames = ['facetDistribution', 'facetStats', 'facetsByIndex', 'facetHits'];

function compareErrors(single: CompatAnswer, fleet: CompatAnswer): Verdict {
  const same = single.status === fleet.status && isDeepStrictEqual(single.body, fleet.body);
  const difference = same ? null : `error ${String(single.status)} against ${String(fleet.status)}`;
  return { details: same, ids: same, totals: same, facets: same, difference };
}

const hitsOf = (body: Body): Hit[] => (body['hits'] ?? body['results'] ?? []) as Hit[];
const totalOf = (body: Body): unknown =>
  body['totalHits'] ?? body['estimatedTotalHits'] ?? body['total'];

function idOf(hit: Hit): string {
  const federation = hit['_federation'] as
    { indexUid: string; queriesPosition: number } | undefined;
  const { indexUid = '', queriesPosition = 0 } = federation ?? {};
  return `${indexUid}/${String(queriesPosition)}/${String(hit.id)}`;
}

function sameRank(a: Hit, b: Hit | undefined): boolean {
  if (b === undefined) return false;
  const left = detailsList(a._rankingScoreDetails ?? {});
  const right = detailsList(b._rankingScoreDetails ?? {});
  const names = (list: typeof left): string[] => list.map(([rule]) => rule);
  return isDeepStrictEqual(names(left), names(right)) && compareDetails(left, right) === 0;
}

const sameSet = (a: readonly Hit[], b: readonly Hit[]): boolean =>
  isDeepStrictEqual(a.map(idOf).sort(), b.map(idOf).sort());
