import type { Body } from './searches';
import type { RuleDetails } from '../../core/search/details';
import { compareDetails, detailsList } from '../../core/search/details';

/**
 * Why two answers differ, told from the answers alone. Each class is a reason for which nodes that hold a
 * part of the documents cannot say what one node with all of them says; `docs/operating/exactness.md`
 * explains each. `unexplained` is a fault until somebody finds the reason.
 */
export type Cause =
  | 'named'
  | 'error'
  | 'other-words'
  | 'word-distance'
  | 'last-word'
  | 'geo-metre'
  | 'cut-off'
  | 'score'
  | 'ties'
  | 'unexplained';

export interface Differing {
  readonly request: Body;
  readonly single: Body;
  readonly fleet: Body;
  readonly statuses: readonly [single: number, fleet: number];
  /** `X-Miroir-Approximate`, or empty. */
  readonly approximate: string;
}

interface RankedHit {
  readonly id?: unknown;
  readonly _rankingScoreDetails?: Record<string, RuleDetails>;
}

/** The class of one difference. */
export function causeOf(differing: Differing): Cause {
  const { request, single, fleet, statuses, approximate } = differing;
  if (statuses[0] !== 200 || statuses[1] !== 200) return 'error';
  const one = hitsOf(single);
  const many = hitsOf(fleet);
  if ([...one, ...many].some(({ _rankingScoreDetails: details }) => details?.['skipped'])) {
    return 'cut-off';
  }
  if (approximate !== '') return 'named';
  const rule = firstRule(one, many);
  const total = (body: Body): number =>
    Number(body['totalHits'] ?? body['estimatedTotalHits'] ?? body['total'] ?? 0);
  const hasWords = wordsOf(request);
  // A smaller dictionary gives up later at the caps of typos and prefixes, and splits other words.
  if (hasWords && total(single) !== total(fleet)) return 'other-words';
  if (rule === 'typo' || rule === 'words') return 'other-words';
  if (rule === 'proximity') return 'word-distance';
  if (rule === 'exactness') return 'last-word';
  if (rule?.startsWith('_geoPoint(') === true) return 'geo-metre';
  // Hits of several queries, and of both halves of a hybrid one, are compared by their scores.
  if (hasWords && (isHybrid(request) || queriesOf(request).length > 1)) return 'score';
  if (rule === 'ties') return 'ties';
  return 'unexplained';
}

const hitsOf = (body: Body): RankedHit[] => (body['hits'] ?? body['results'] ?? []) as RankedHit[];

/**
 * The first rule by which a document that both answers show ranks differently; else the first one in
 * which hits at one place differ; `ties` where only the documents do.
 */
function firstRule(one: readonly RankedHit[], many: readonly RankedHit[]): string | null {
  for (const hit of one) {
    const same = many.find(({ id }) => id !== undefined && id === hit.id);
    const rule = same === undefined ? null : ruleBetween(hit, same);
    if (rule !== null) return rule;
  }
  for (let i = 0; i < Math.max(one.length, many.length); i += 1) {
    const rule = ruleBetween(one[i], many[i]);
    if (rule !== null) return rule;
    if (one[i]?.id !== many[i]?.id) return 'ties';
  }
  return null;
}

function ruleBetween(one: RankedHit | undefined, other: RankedHit | undefined): string | null {
  const left = detailsList(one?._rankingScoreDetails ?? {});
  const right = detailsList(other?._rankingScoreDetails ?? {});
  for (let at = 0; at < Math.max(left.length, right.length); at += 1) {
    const a = left[at];
    const b = right[at];
    if (a === undefined || b === undefined || a[0] !== b[0]) return (a ?? b)?.[0] ?? null;
    if (compareDetails([a], [b]) !== 0) return a[0];
  }
  return null;
}

function queriesOf(request: Body): Body[] {
  const queries = request['queries'];
  return Array.isArray(queries) ? (queries as Body[]) : [request];
}

const wordsOf = (request: Body): boolean =>
  queriesOf(request).some(
    (query) => typeof query['q'] === 'string' && /[\p{L}\p{N}]/u.test(query['q']),
  );

const isHybrid = (request: Body): boolean =>
  queriesOf(request).some((query) => query['hybrid'] !== undefined);
