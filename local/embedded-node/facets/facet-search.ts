/** Search among the values of one facet: by prefix, with the typos that the settings allow. */
import { ApiError } from '../errors';
import { compareUtf8, normalizeFacet } from '../engine/fields';
import type { TypoTolerance } from '../engine/types';
import type { FacetIndex } from '../filter/facet-index';
import { matchingRule, patternsWith } from '../filter/rules';
import type { FacetOrder } from './distribution';

export interface FacetHit {
  readonly value: string;
  readonly count: number;
}

export interface FacetSearchOptions {
  readonly facet: string;
  /** Null lists all values. */
  readonly query: string | null;
  readonly candidates: ReadonlySet<number>;
  readonly maxValues: number;
  readonly order: FacetOrder;
  readonly typos: TypoTolerance;
}

/** Refuses attributes that may not be searched. Throws invalid_facet_search_facet_name. */
export function checkFacetSearchable(facet: string, index: FacetIndex): void {
  const rule = matchingRule(facet, index.rules);
  if (rule?.features.facetSearch === true) return;
  const patterns = patternsWith(index.rules, (features) => features.facetSearch);
  let hint =
    'This index does not have configured facet-searchable attributes. To make it facet-searchable add it to the `filterableAttributes` index settings.';
  if (rule !== null) {
    hint = [
      `Note: this attribute matches rule #${rule.index} in filterableAttributes, but this rule does not enable facetSearch.`,
      `Hint: enable facetSearch in rule #${rule.index} by adding \`"facetSearch": true\` to the rule.`,
      `Hint: prepend another rule matching ${facet} with facetSearch: true before rule #${rule.index}`,
    ].join('\n');
  } else if (patterns.length > 0) {
    hint = `Available facet-searchable attributes patterns are: \`${patterns.join(', ')}\`. To make it facet-searchable add it to the \`filterableAttributes\` index settings.`;
  }
  throw new ApiError(
    'invalid_facet_search_facet_name',
    `Attribute \`${facet}\` is not facet-searchable. ${hint}`,
  );
}

/** Whether some prefix of the value is within so many edits of the query; swaps count one. */
function isPrefixWithin(
  query: readonly string[],
  value: readonly string[],
  edits: number,
): boolean {
  const columns = Math.min(value.length, query.length + edits);
  let before: number[] = [];
  let previous = Array.from({ length: query.length + 1 }, (_, at) => at);
  if (query.length <= edits) return true;
  for (let j = 1; j <= columns; j += 1) {
    const current = [j];
    for (let i = 1; i <= query.length; i += 1) {
      const cost = query[i - 1] === value[j - 1] ? 0 : 1;
      let best = Math.min(
        (current[i - 1] ?? 0) + 1,
        (previous[i] ?? 0) + 1,
        (previous[i - 1] ?? 0) + cost,
      );
      if (i > 1 && j > 1 && query[i - 1] === value[j - 2] && query[i - 2] === value[j - 1]) {
        best = Math.min(best, (before[i - 2] ?? 0) + 1);
      }
      current.push(best);
    }
    if ((current[query.length] ?? Infinity) <= edits) return true;
    [before, previous] = [previous, current];
  }
  return false;
}

function allowedEdits(query: string, facet: string, typos: TypoTolerance): number {
  if (!typos.enabled || typos.disableOnAttributes.includes(facet)) return 0;
  const bytes = Buffer.byteLength(query);
  if (bytes < typos.minWordSizeForTypos.oneTypo) return 0;
  return bytes < typos.minWordSizeForTypos.twoTypos ? 1 : 2;
}

/** Accents do not count when values are searched; normalised texts have them as marks of their own. */
const withoutMarks = (text: string): string => text.replace(/\p{M}/gu, '');

/** The values that match, counted among the candidates; only texts are searched. */
export function searchFacetValues(index: FacetIndex, options: FacetSearchOptions): FacetHit[] {
  const { facet, query, candidates, maxValues, order } = options;
  const field = index.fields.get(facet);
  if (field === undefined) return [];
  const wanted = query === null ? null : withoutMarks(normalizeFacet(query));
  const edits = wanted === null ? 0 : allowedEdits(wanted, facet, options.typos);
  const characters = [...(wanted ?? '')];
  const hits: FacetHit[] = [];
  for (const normalized of field.strings.keys()) {
    const plain = withoutMarks(normalized);
    if (wanted !== null && !plain.startsWith(wanted)) {
      if (edits === 0 || !isPrefixWithin(characters, [...plain], edits)) continue;
    }
    const docids = field.strings.get(normalized) ?? new Set<number>();
    let count = 0;
    let lowest = Infinity;
    for (const docid of docids) {
      if (candidates.has(docid)) count += 1;
      if (docid < lowest) lowest = docid;
    }
    if (count === 0) continue;
    const value = field.byDocument.get(lowest)?.strings.get(normalized) ?? normalized;
    hits.push({ value, count });
    if (order === 'alpha' && hits.length >= maxValues) break;
  }
  if (order === 'count') {
    hits.sort((left, right) => right.count - left.count || compareUtf8(right.value, left.value));
  }
  return hits.slice(0, maxValues);
}
