import type { JsonValue } from '../fleet';
import { normalizeClientFilter } from '../filter/normalize';
import { slotOfId } from '../hash';
import { encodeSlot, hiddenField, hiddenRankingRule } from '../hidden-fields';
import { keyBytes, spanText } from './answer-bytes';
import { compareDetails } from './details';
import type { Details } from './details';
import { DistinctFilter } from './distinct';
import { mergeFacets } from './facets';
import type { FacetSource } from './facets';
import { distinctField, hitsNeeded } from './fields';
import { findLast, splitAnswer } from './hits';
import type { Hit } from './hits';
import { searchKind } from './kind';
import { nodeTotal } from './merge';
import { HitMerger } from './merge-hits';
import { distinctSpare } from './spare';
import type { ExactCounts, JsonObject, MergeInput, NodeAnswer, SearchRequest } from './types';

/**
 * Totals and facets of a distinct search in offset mode. One Meilisearch walks through the buckets of
 * equal hits until it has enough, and takes from its candidates only the documents that share a value
 * with a hit that it kept. So with `V`, the values of the hits kept:
 *
 *     total  = matches - matches with a value in V + hits kept for V
 *     facets = the same sum, value by value
 *
 * Each term is the count of an ordinary search and sums exactly over nodes.
 */
export interface KeptHits {
  /** The values of the kept hits, as values of a filter. */
  readonly values: readonly string[];
  /** How many kept hits have a value. */
  readonly count: number;
  /** A filter on the slots of these; null where hits do not show their ids. */
  readonly slots: string | null;
}

/** Longer values are cut in the engine's index, so that a filter would not find them. */
const valueCharsMax = 150;
const valuesMax = 2_000;

/**
 * The hits that one Meilisearch would have kept; null where its counts cannot be told: for values in
 * arrays, semantic searches, thresholds, or when a node may have more hits of the last bucket.
 */
export function keptHits(input: MergeInput): KeptHits | null {
  const { request, settings } = input;
  const field = distinctField(request, settings);
  if (field === null || request.paging.mode !== 'offset') return null;
  if (request.rankingScoreThreshold !== null || searchKind(request) !== 'keyword') return null;
  if (request.matchingStrategy === 'frequency') return null;
  const kept = bucketsWalk(input, field);
  if (kept === null) return null;
  const values: string[] = [];
  const ids: (string | null)[] = [];
  for (const { hit, value } of kept) {
    if (value === null) continue;
    values.push(JSON.stringify(value.slice(1)));
    ids.push(idOf(hit, input.primaryKey));
  }
  const known = ids.filter((id) => id !== null);
  const slots = [...new Set(known.map((id) => JSON.stringify(encodeSlot(slotOfId(id)))))];
  if (!areCountable(values)) return null;
  return {
    values,
    count: values.length,
    slots:
      slots.length > 0 && known.length === ids.length ? inValues(hiddenField.slot, slots) : null,
  };
}

const areCountable = (literals: readonly string[]): boolean =>
  literals.length <= valuesMax && literals.every((value) => value.length <= valueCharsMax);

/** Normalised values after a letter for their kind, as values of a filter; null for too many or too long. */
export function countableValues(values: readonly string[]): string[] | null {
  const literals = values.map((value) => JSON.stringify(value.slice(1)));
  return areCountable(literals) ? literals : null;
}

interface Kept {
  readonly hit: Hit;
  readonly value: string | null;
}

/**
 * What the engine keeps of a ranked list, to the end of the bucket of the last hit that it needs. Null
 * for values in arrays, and where the nodes' answers may end before that bucket does.
 */
export function bucketsWalk(input: MergeInput, field: string): Kept[] | null {
  const needed = hitsNeeded(input.request, input.settings);
  const parts = input.answers.map(({ bytes }) => splitAnswer(bytes));
  const merger = new HitMerger(parts);
  const distinct = new DistinctFilter(field);
  const read = parts.map(() => 0);
  const kept: Kept[] = [];
  let last: Details | null = null;
  if (needed === 0) return kept;
  for (let hit = merger.next(); hit !== null; hit = merger.next()) {
    const bucket = withoutPlace(hit.details);
    if (bucket.some(([rule]) => rule === 'skipped')) return null;
    // Without rules the engine stops at the last hit that it shows, else at the end of its bucket.
    const ended = bucket.length === 0 || (last !== null && compareDetails(last, bucket) !== 0);
    if (kept.length >= needed && ended) break;
    read[hit.source] = (read[hit.source] ?? 0) + 1;
    const values = distinct.valuesOf(hit);
    if (values.length > 1) return null;
    if (!distinct.admit(hit)) continue;
    kept.push({ hit, value: values[0] ?? null });
    if (kept.length <= needed) last = bucket;
  }
  // A node that gave as many hits as it was asked for may have more of the last bucket.
  return read.some((count) => count >= needed + distinctSpare) ? null : kept;
}

const withoutPlace = (details: Details): Details =>
  details.filter(([rule]) => rule !== hiddenRankingRule);

/** The value of the primary key; null where the hit does not show it. */
export function idOf(hit: Hit, primaryKey: string | null): string | null {
  const key = primaryKey === null ? null : findLast(hit.bytes, hit.members, keyBytes(primaryKey));
  if (key === null) return null;
  const text = spanText(hit.bytes, key.valueStart, key.valueEnd);
  return text.startsWith('"') ? text.slice(1, -1) : text;
}

/** The search that counts the matches that also fulfil our filters; null for no valid filter. */
export function countRequest(
  request: SearchRequest,
  filters: { readonly values: string | null; readonly slots: string | null },
  facets: readonly string[] | null,
): SearchRequest | null {
  const client = normalizeClientFilter(request.filter);
  if (!client.ok) return null;
  const joined: JsonValue = [...client.parts, ...(filters.values === null ? [] : [filters.values])];
  const { distinct: _, sort: __, ...body } = request.body;
  return {
    ...request,
    filter: joined,
    sort: null,
    distinct: null,
    facets,
    countsAll: true,
    ...(filters.slots === null ? {} : { ownFilter: filters.slots }),
    paging: { mode: 'offset', offset: 0, limit: 0 },
    body,
  };
}

/** `field IN [values]`; null for no values, which would match nothing. */
export const inValues = (field: string, values: readonly string[]): string | null =>
  values.length === 0 ? null : `${JSON.stringify(field)} IN [${values.join(', ')}]`;

/** The answers to the three searches that count; null where one was not needed. */
export interface CountAnswers {
  readonly all: readonly NodeAnswer[];
  readonly sharing: readonly NodeAnswer[] | null;
  readonly shown: readonly NodeAnswer[] | null;
}

/** Puts the counts together. Facets are null where some list was cut and cannot be summed. */
export function exactCounts(
  input: MergeInput,
  kept: KeptHits,
  { all, sharing, shown }: CountAnswers,
): ExactCounts {
  const sources: FacetSource[] = [];
  const add = (answers: readonly NodeAnswer[] | null, sign: 1 | -1): number => {
    let matches = 0;
    for (const { bytes } of answers ?? []) {
      const { rest } = splitAnswer(bytes);
      matches += nodeTotal(rest);
      if (rest['facetDistribution'] === undefined) continue;
      sources.push({
        distribution: rest['facetDistribution'] as JsonObject,
        stats: (rest['facetStats'] ?? {}) as JsonObject,
        total: nodeTotal(rest),
        sign,
      });
    }
    return matches;
  };
  const total = add(all, 1) - add(sharing, -1) + kept.count;
  // Another document of the same slot can share a value, which the count would show.
  const shownMatches = add(shown, 1);
  const wanted = (input.request.facets ?? []).length > 0;
  if (!wanted || shownMatches !== kept.count) return { total, facets: null };
  const facets = mergeFacets({
    nodes: sources,
    settings: input.settings,
    total,
    distinct: null,
    omit: null,
  });
  return { total, facets: facets.cut ? null : facets };
}
