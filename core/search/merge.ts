import type { JsonValue } from '../fleet';
import { physicalMaxValuesPerFacet } from '../settings/physical-limits';
import { writeEnvelope } from './envelope';
import { DistinctFilter } from './distinct';
import { distinctField, hitsNeeded, memberOf, windowOf } from './fields';
import { listedValues, mergeFacets } from './facets';
import type { MergedFacets } from './facets';
import { splitAnswer } from './hits';
import type { AnswerParts, Hit } from './hits';
import { HitMerger, noteDoubts } from './merge-hits';
import type { OrderDoubts } from './merge-hits';
import { mergePerformance } from './performance';
import { projectHit, projectionOf } from './project';
import { addedFacet } from './rewrite';
import { floatText } from './rust-text';
import { searchKind } from './kind';
import type { ApproximateReason, JsonObject, MergeInput, MergeOutput } from './types';

/** A merged list before it is written: what the hybrid rule works on. */
export interface MergedList {
  /** The best hits of the whole index, at most as many as were asked of each node. */
  readonly hits: readonly Hit[];
  readonly parts: readonly AnswerParts[];
  readonly total: number;
  readonly approximate: Set<ApproximateReason>;
}

/**
 * Merges the nodes' answers to one query into the answer one Meilisearch would give: hits by ranking
 * details and cut to the client's window, totals summed, facets and stats joined, hidden fields taken
 * out. Hits are copied as bytes.
 *
 * Throws `AnswerError` for bytes that are no search answer.
 */
export function mergeAnswers(input: MergeInput): MergeOutput {
  const list = mergeList(input);
  const shown = cutToWindow(input, list.hits);
  const semantic = searchKind(input.request) === 'semantic' ? shown.length : null;
  return finishAnswer(input, { list, shown, semantic });
}

/**
 * The part of a merge that is the same for plain searches and for the two halves of a hybrid one. Hits
 * that are not wanted are passed over, as if the nodes had not given them.
 */
export function mergeList(input: MergeInput, isWanted?: (hit: Hit) => boolean): MergedList {
  const { request, settings } = input;
  const parts = input.answers.map(({ bytes }) => splitAnswer(bytes));
  const approximate = new Set<ApproximateReason>();
  const field = distinctField(request, settings);
  const distinct = field === null ? null : new DistinctFilter(field);
  const merger = new HitMerger(parts, isWanted);
  const hits = takeHits(merger, hitsNeeded(request, settings), distinct, approximate);
  if (distinct?.sawArray === true) approximate.add('distinct-array');
  if (parts.length > 1) {
    if (request.matchingStrategy === 'frequency') approximate.add('frequency-strategy');
    // By pages all candidates are judged, but a search by vectors was seen to leave some out.
    const inPart = request.paging.mode === 'offset' || searchKind(request) === 'semantic';
    if (request.rankingScoreThreshold !== null && inPart) approximate.add('score-threshold');
  }
  const total =
    input.counts?.total ??
    (distinct === null ? sumTotals(parts) : distinctTotal(input, parts, approximate));
  return { hits, parts, total, approximate };
}

function takeHits(
  merger: HitMerger,
  wanted: number,
  distinct: DistinctFilter | null,
  approximate: Set<ApproximateReason>,
): Hit[] {
  const doubts: OrderDoubts = { skipped: false, geoNear: false };
  const hits: Hit[] = [];
  while (hits.length < wanted) {
    const hit = merger.next();
    if (hit === null) break;
    if (distinct !== null && !distinct.admit(hit)) continue;
    noteDoubts(hits[hits.length - 1] ?? null, hit, doubts);
    hits.push(hit);
  }
  if (doubts.skipped) approximate.add('skipped-rule');
  if (doubts.geoNear) approximate.add('geo-near');
  return hits;
}

export function cutToWindow(input: MergeInput, hits: readonly Hit[]): readonly Hit[] {
  const { offset, limit } = windowOf(input.request);
  return hits.slice(offset, Math.min(offset + limit, hitsNeeded(input.request, input.settings)));
}

/** Page mode and offset mode name the total differently; a distinct search is asked in page mode. */
export function nodeTotal(rest: JsonObject): number {
  const total = rest['totalHits'] ?? rest['estimatedTotalHits'];
  return typeof total === 'number' ? total : 0;
}

const sumTotals = (parts: readonly AnswerParts[]): number =>
  parts.reduce((sum, part) => sum + nodeTotal(part.rest), 0);

/**
 * The number of distinct values over all nodes: each node's own total counts one hit a value, so values
 * that several nodes have are counted once by joining the values that the nodes list as a facet.
 */
function distinctTotal(
  input: MergeInput,
  parts: readonly AnswerParts[],
  approximate: Set<ApproximateReason>,
): number {
  const total = sumTotals(parts);
  // In offset mode, and in any semantic search, one Meilisearch's own count depends on the limit.
  if (input.request.paging.mode === 'offset' || searchKind(input.request) !== 'keyword') {
    approximate.add('distinct-total');
  }
  const field = distinctField(input.request, input.settings);
  if (field === null || parts.length < 2) return total;
  const cap = physicalMaxValuesPerFacet(input.settings);
  const union = new Set<string>();
  let listed = 0;
  for (const { rest } of parts) {
    const counts = memberOf(rest['facetDistribution'], field);
    // A node that never saw the field has no value of it.
    if (typeof counts !== 'object' || counts === null) continue;
    if (Object.keys(counts).length >= cap) approximate.add('distinct-total');
    const stats = memberOf(rest['facetStats'], field);
    for (const value of listedValues(counts as JsonObject, stats)) union.add(value);
    listed += Object.keys(counts).length;
  }
  return total - listed + union.size;
}

export interface FinishInput {
  readonly list: MergedList;
  readonly shown: readonly Hit[];
  /** `semanticHitCount`, where the search was semantic or hybrid. */
  readonly semantic: number | null;
  readonly queryVector?: string | null;
}

/** Facets, projection and envelope. */
export function finishAnswer(input: MergeInput, finish: FinishInput): MergeOutput {
  const { list, shown } = finish;
  const projection = projectionOf(input.request, input.settings, input.ttl ?? false);
  const hits = shown.map((hit) => {
    const pieces: Uint8Array[] = [];
    projectHit(hit, projection, pieces);
    return pieces;
  });
  const counted = input.counts?.facets ?? null;
  const merged = counted === null ? facetsOf(input, list) : null;
  const doubts = merged?.approximate ?? input.counts?.approximate ?? [];
  for (const reason of doubts) list.approximate.add(reason);
  const facets = counted ?? merged;
  const bytes = writeEnvelope({
    input,
    hits,
    total: list.total,
    facets,
    queryVector: finish.queryVector ?? queryVectorOf(list.parts, input.request.retrieveVectors),
    performanceDetails: mergePerformance(list.parts.map(({ rest }) => rest['performanceDetails'])),
    semanticHitCount: finish.semantic,
  });
  return { bytes, approximate: [...list.approximate], hits: shown.length, total: list.total };
}

function facetsOf(input: MergeInput, list: MergedList): MergedFacets | null {
  const { request, settings } = input;
  const nodes = list.parts
    .filter(({ rest }) => rest['facetDistribution'] !== undefined)
    .map(({ rest }) => ({
      distribution: objectOf(rest['facetDistribution']),
      stats: objectOf(rest['facetStats']),
      total: nodeTotal(rest),
    }));
  if (request.facets === null || request.facets.length === 0 || nodes.length === 0) return null;
  const distinct = distinctField(request, settings);
  if (distinct !== null && nodes.length > 1) list.approximate.add('facet-distinct');
  return mergeFacets({
    nodes,
    settings,
    total: list.total,
    distinct,
    omit: addedFacet(request, settings),
  });
}

const objectOf = (value: JsonValue | undefined): JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};

/** Every node embedded the same query; the first vector stands for all. */
function queryVectorOf(parts: readonly AnswerParts[], wanted: boolean): string | null {
  if (!wanted) return null;
  for (const { rest } of parts) {
    const vector = rest['queryVector'];
    if (Array.isArray(vector)) return `[${vector.map((one) => floatText(Number(one))).join(',')}]`;
  }
  return null;
}
