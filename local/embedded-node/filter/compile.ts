/** The way in: from the JSON of a request to the documents that pass. */
import { ApiError, featureNotEnabled } from '../errors';
import { toJsonText } from '../http/answer';
import type { Json } from '../engine/json';
import { FilterFault } from './ast';
import type { Condition, Token } from './ast';
import { evaluateFilter } from './evaluate';
import type { FacetIndex } from './facet-index';
import { parseFilterText } from './parser';
import { serializeFilter } from './serialize';

export { FacetIndex } from './facet-index';

/** How faults are reported: the code of the route, and the index uid that prefixes run-time faults. */
export interface FilterReport {
  readonly code: string;
  readonly prefix: string;
  /** The search pipeline re-prints a filter before running it, and its faults quote the print. */
  readonly reprinted: boolean;
}

export const SEARCH_REPORT: FilterReport = {
  code: 'invalid_search_filter',
  prefix: '',
  reprinted: true,
};

function wrongType(expected: string, found: Json, code: string): ApiError {
  const reason = `expected ${expected}, found: ${toJsonText(found)}`;
  return new ApiError(code, `Invalid syntax for the filter parameter: \`${reason}\`.`);
}

/**
 * Parses the JSON of a filter: a text, or an array (AND) of texts and of arrays (OR) of texts. Null
 * when it holds no condition. Throws `ApiError` with `code`.
 */
export function parseFilter(filter: Json, code: string): Condition | null {
  try {
    if (filter === null) return null;
    if (typeof filter === 'string') return parseFilterText(filter);
    if (!Array.isArray(filter)) throw wrongType('String, Array', filter, code);
    const all: Condition[] = [];
    for (const item of filter) {
      const condition = Array.isArray(item) ? parseAny(item, code) : parseItem(item, code);
      if (condition !== null) all.push(condition);
    }
    return all.length < 2 ? (all[0] ?? null) : { kind: 'and', all };
  } catch (error) {
    throw error instanceof FilterFault ? new ApiError(code, error.message) : error;
  }
}

function parseItem(item: Json, code: string): Condition | null {
  if (typeof item !== 'string') throw wrongType('String, [String]', item, code);
  return parseFilterText(item);
}

function parseAny(items: readonly Json[], code: string): Condition | null {
  const all: Condition[] = [];
  for (const item of items) {
    if (typeof item !== 'string') throw wrongType('String', item, code);
    const condition = parseFilterText(item);
    if (condition !== null) all.push(condition);
  }
  return all.length < 2 ? (all[0] ?? null) : { kind: 'or', all };
}

/** The first `CONTAINS` of a filter, or null. */
function findContains(condition: Condition): Token | null {
  if (condition.kind === 'contains') return condition.keyword;
  if (condition.kind === 'not') return findContains(condition.of);
  if (condition.kind !== 'and' && condition.kind !== 'or') return null;
  for (const part of condition.all) {
    const found = findContains(part);
    if (found !== null) return found;
  }
  return null;
}

/** The first condition on `_vectors`, or null. */
function findVectors(condition: Condition): Token | null {
  if (condition.kind === 'not') return findVectors(condition.of);
  if (condition.kind === 'and' || condition.kind === 'or') {
    for (const part of condition.all) {
      const found = findVectors(part);
      if (found !== null) return found;
    }
    return null;
  }
  if (condition.kind !== 'exists') return null;
  return /^_vectors(\.|$)/.test(condition.field.text) ? condition.field : null;
}

/** Filters on vectors need a feature that the embedded node does not have. */
export function refuseVectors(condition: Condition | null): void {
  const field = condition === null ? null : findVectors(condition);
  if (field === null) return;
  const place = `${field.column}:${field.column + '_vectors'.length} ${field.filter}`;
  const error = featureNotEnabled('using a vector filter', 'multimodal', 846);
  throw new ApiError(error.code, `${error.message}\n${place}`);
}

/** `CONTAINS` is an experimental feature. Throws feature_not_enabled. */
export function refuseContains(condition: Condition | null): void {
  const keyword = condition === null ? null : findContains(condition);
  if (keyword === null) return;
  const place = `${keyword.column}:${keyword.column + keyword.source.length} ${keyword.filter}`;
  const error = featureNotEnabled('Using `CONTAINS` in a filter', 'contains filter', 763);
  throw new ApiError(error.code, `${error.message}\n${place}`);
}

/** Runs a parsed filter. Throws `ApiError` with the code and prefix of `report`. */
export function runFilter(
  condition: Condition,
  index: FacetIndex,
  report: FilterReport,
): ReadonlySet<number> {
  try {
    return evaluateFilter(condition, index);
  } catch (error) {
    if (error instanceof ApiError) throw new ApiError(error.code, report.prefix + error.message);
    if (!(error instanceof FilterFault)) throw error;
    throw new ApiError(report.code, report.prefix + faultText(condition, index, report, error));
  }
}

function faultText(
  condition: Condition,
  index: FacetIndex,
  report: FilterReport,
  fault: FilterFault,
): string {
  if (!report.reprinted) return fault.message;
  const reparsed = parseFilterText(serializeFilter(condition));
  try {
    if (reparsed !== null) evaluateFilter(reparsed, index);
  } catch (error) {
    if (error instanceof FilterFault) return error.message;
    throw error;
  }
  return fault.message;
}

/**
 * Parses and runs a filter in one go: the JSON of a request's `filter` against the facets of an
 * index. Null means that there is no condition, so all documents pass. Throws `ApiError`.
 */
export function compileFilter(
  filter: Json,
  index: FacetIndex,
  report: FilterReport = SEARCH_REPORT,
): ReadonlySet<number> | null {
  const condition = parseFilter(filter, report.code);
  return condition === null ? null : runFilter(condition, index, report);
}
