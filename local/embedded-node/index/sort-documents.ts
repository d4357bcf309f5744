/** `sort` of document routes and searches: how it is written, what may be sorted, and in what order. */
import { ApiError } from '../errors';
import { facetValues } from '../engine/fields';
import { compareSortValues } from '../engine/score-details';
import { distanceMetres } from '../filter/geo';
import type { Point } from '../filter/geo';
import { isWithin } from '../filter/rules';
import { plainSetting } from '../settings/index-settings';
import type { IndexStore } from './index-store';

const GEO_SORT = /^_geoPoint\(\s*([-+.\deE]+)\s*,\s*([-+.\deE]+)\s*\)$/;

interface SortCriterion {
  readonly field: string;
  readonly ascending: boolean;
  readonly point: Point | null;
}

/** Names that mean something else in a sort. Throws `ApiError` with `code`. */
function refuseReserved(field: string, isPoint: boolean, code: string): void {
  if (isPoint) return;
  if (field.startsWith('_geoPoint(')) {
    const form = '`_geoPoint(latitude, longitude)` and ending by `:asc` or `:desc`';
    const message = `Invalid syntax for the geo parameter: expected expression formated like ${form}, found \`${field}\`.`;
    throw new ApiError(code, message);
  }
  if (field === '_geo' || field.startsWith('_geoDistance(')) {
    const hint =
      'Use the _geoPoint(latitude, longitude) built-in rule to sort on _geo field coordinates.';
    const name = field === '_geo' ? '_geo' : '_geoDistance';
    throw new ApiError(
      code,
      `\`${name}\` is a reserved keyword and thus can't be used as a sort expression. ${hint}`,
    );
  }
}

/** Reads sort expressions. Throws `ApiError` with `code`. */
export function parseSort(expressions: readonly string[], code: string): SortCriterion[] {
  return expressions.map((expression) => {
    const match = /^(.*):(asc|desc)$/s.exec(expression);
    if (match === null) {
      const expected = 'expected expression ending by `:asc` or `:desc`';
      throw new ApiError(
        code,
        `Invalid syntax for the sort parameter: ${expected}, found \`${expression}\`.`,
      );
    }
    const [, field = '', order] = match;
    const geo = GEO_SORT.exec(field);
    refuseReserved(field, geo !== null, code);
    const point: Point | null = geo === null ? null : [Number(geo[1]), Number(geo[2])];
    return { field, ascending: order === 'asc', point };
  });
}

/** Refuses attributes that the settings do not make sortable. Throws `ApiError` with `code`. */
export function checkSortable(
  index: IndexStore,
  criteria: readonly SortCriterion[],
  report: { readonly code: string; readonly prefix: string },
): void {
  const sortable = plainSetting<string[]>(index.settings, 'sortableAttributes');
  for (const { field, point } of criteria) {
    const name = point === null ? field : '_geo';
    if (sortable.some((allowed) => isWithin(name, allowed))) continue;
    const available =
      sortable.length === 0
        ? 'This index does not have configured sortable attributes.'
        : `Available sortable attributes are: \`${sortable.join(', ')}\`.`;
    const message = `${report.prefix}Attribute \`${name}\` is not sortable. ${available}`;
    throw new ApiError(report.code, message);
  }
}

type SortValue = number | string | null;

function sortValue(
  index: IndexStore,
  docid: number,
  { field, ascending, point }: SortCriterion,
): SortValue {
  const document = index.documents.get(docid)?.document;
  if (document === undefined) return null;
  if (point !== null) {
    const lat = facetValues(document, '_geo.lat').numbers[0];
    const lng = facetValues(document, '_geo.lng').numbers[0];
    return lat === undefined || lng === undefined ? null : distanceMetres(point, [lat, lng]);
  }
  const { numbers, strings } = facetValues(document, field);
  const values: readonly (number | string)[] = numbers.length > 0 ? numbers : strings;
  const ordered = [...values].sort((left, right) => compareSortValues(left, right, ascending));
  return ordered[0] ?? null;
}

/** The documents in the order asked for; ties keep their order. Throws `ApiError`. */
export function sortDocuments(
  index: IndexStore,
  docids: readonly number[],
  expressions: readonly string[],
): readonly number[] {
  if (expressions.length === 0) return docids;
  const code = 'invalid_document_sort';
  const criteria = parseSort(expressions, code);
  checkSortable(index, criteria, { code, prefix: '' });
  const keyed = docids.map((docid) => ({
    docid,
    values: criteria.map((criterion) => sortValue(index, docid, criterion)),
  }));
  keyed.sort((left, right) => {
    for (const [at, criterion] of criteria.entries()) {
      const order = compareSortValues(
        left.values[at] ?? null,
        right.values[at] ?? null,
        criterion.ascending,
      );
      if (order !== 0) return order;
    }
    return left.docid - right.docid;
  });
  return keyed.map(({ docid }) => docid);
}
