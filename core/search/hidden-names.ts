import { MeiliError } from '../errors';
import type { JsonValue, Settings } from '../fleet';
import { conditions, normalizeClientFilter } from '../filter/normalize';
import { printFilter } from '../filter/print';
import { displayedFields, isHiddenField, strings } from './fields';
import { filterablePatterns, filterRules } from './patterns';
import type { SearchRequest } from './types';

/**
 * The error for a request that names a hidden field, as Meilisearch words it for a field it does not
 * know, else null. Nodes know the hidden fields and would answer.
 */
export function refuseHiddenNames(
  request: SearchRequest,
  settings: Settings,
  indexUid: string,
): MeiliError | null {
  return (
    hiddenInFilter(request.filter, settings, `Index \`${indexUid}\`: `) ??
    hiddenInSort(request, settings, indexUid) ??
    hiddenInDistinct(request, settings, indexUid) ??
    unknownFacet(request, settings) ??
    hiddenInSearchOn(request, settings)
  );
}

/** The check of a filter alone. Searches print the filter again and quote from the printed form. */
export function hiddenInFilter(
  filter: JsonValue,
  settings: Settings,
  prefix: string,
): MeiliError | null {
  const normal = normalizeClientFilter(filter);
  if (!normal.ok || normal.ast === null) return null;
  const hidden = conditions(normal.ast).find(({ field }) => isHiddenField(field.text));
  if (hidden === undefined) return null;
  const name = hidden.field.text;
  const printed = printFilter(normal.ast);
  const at = printed.indexOf(JSON.stringify(name)) + 2;
  const text = notFilterable(name, settings);
  return new MeiliError('invalid_search_filter', `${prefix}${text}\n${quoted(name, at, printed)}`);
}

/**
 * The same for the routes that take a filter as it was written, element by element: documents and
 * facet search. They quote from the element and put no prefix before the text.
 */
export function hiddenInWrittenFilter(filter: JsonValue, settings: Settings): string | null {
  for (const element of [filter].flat(2)) {
    const normal = normalizeClientFilter(element);
    if (!normal.ok || normal.ast === null) continue;
    const hidden = conditions(normal.ast).find(({ field }) => isHiddenField(field.text));
    if (hidden === undefined) continue;
    const { text, start } = hidden.field;
    const opened = /["']/.test(String(element).charAt(start)) ? 1 : 0;
    const at = [...String(element).slice(0, start)].length + 1 + opened;
    return `${notFilterable(text, settings)}\n${quoted(text, at, String(element))}`;
  }
  return null;
}

const quoted = (name: string, at: number, filter: string): string =>
  `${String(at)}:${String(at + [...name].length)} ${filter}`;

function notFilterable(name: string, settings: Settings): string {
  const patterns = filterablePatterns(settings).map((pattern) => `\`${pattern}\``);
  const known =
    patterns.length === 0
      ? 'This index does not have configured filterable attributes.'
      : `Available filterable attribute patterns are: ${patterns.join(', ')}.`;
  return `Attribute \`${name}\` is not filterable. ${known}`;
}

/** A facet search of a hidden field; a node has a rule that covers it and would say so. */
export function hiddenFacetName(name: string, settings: Settings): MeiliError | null {
  if (!isHiddenField(name)) return null;
  const rules = filterRules(settings).filter(({ facetSearch }) => facetSearch);
  const patterns = [...new Set(rules.flatMap((rule) => rule.patterns))].sort();
  const known =
    patterns.length === 0
      ? 'This index does not have configured facet-searchable attributes.'
      : `Available facet-searchable attributes patterns are: \`${patterns.join(', ')}\`.`;
  return new MeiliError(
    'invalid_facet_search_facet_name',
    `Attribute \`${name}\` is not facet-searchable. ${known} To make it facet-searchable add it to the \`filterableAttributes\` index settings.`,
  );
}

/** A listing of documents sorted by a hidden field. */
export function hiddenInListSort(
  sort: readonly string[] | null,
  settings: Settings,
): MeiliError | null {
  const hidden = (sort ?? []).find(isHiddenField);
  return hidden === undefined
    ? null
    : new MeiliError('invalid_document_sort', notSortable(hidden, settings));
}

function hiddenInSort(
  request: SearchRequest,
  settings: Settings,
  indexUid: string,
): MeiliError | null {
  const hidden = (request.sort ?? []).find(isHiddenField);
  if (hidden === undefined) return null;
  return new MeiliError(
    'invalid_search_sort',
    `Index \`${indexUid}\`: ${notSortable(hidden, settings)}`,
  );
}

function notSortable(criterion: string, settings: Settings): string {
  const names = strings(settings['sortableAttributes']);
  const known =
    names.length === 0
      ? 'This index does not have configured sortable attributes.'
      : `Available sortable attributes are: \`${names.join(', ')}\`.`;
  const field = criterion.replace(/:(?:asc|desc)$/, '');
  return `Attribute \`${field}\` is not sortable. ${known}`;
}

const facetPatterns = (settings: Settings): string => {
  const patterns = filterablePatterns(settings);
  return patterns.length === 0
    ? 'This index does not have configured filterable attributes.'
    : `Available filterable attributes patterns are: \`${patterns.join(', ')}\`.`;
};

function hiddenInDistinct(
  request: SearchRequest,
  settings: Settings,
  indexUid: string,
): MeiliError | null {
  const { distinct } = request;
  if (distinct === null || !isHiddenField(distinct)) return null;
  return new MeiliError(
    'invalid_search_distinct',
    `Index \`${indexUid}\`: Attribute \`${distinct}\` is not filterable and thus, cannot be used as ` +
      `distinct attribute. ${facetPatterns(settings)}`,
  );
}

/** A hidden name, and `*` on an index without filterable attributes: a node has its hidden ones. */
function unknownFacet(request: SearchRequest, settings: Settings): MeiliError | null {
  const none = filterablePatterns(settings).length === 0;
  const facet = (request.facets ?? []).find((one) => isHiddenField(one) || (none && one === '*'));
  if (facet === undefined) return null;
  return new MeiliError(
    'invalid_search_facets',
    `Invalid facet distribution: Pattern \`${facet}\` is not filterable. ${facetPatterns(settings)}`,
  );
}

function hiddenInSearchOn(request: SearchRequest, settings: Settings): MeiliError | null {
  const hidden = strings(request.body['attributesToSearchOn']).find(isHiddenField);
  if (hidden === undefined) return null;
  const searchable = strings(settings['searchableAttributes']);
  const displayed = displayedFields(settings);
  const names = searchable.filter((name) => displayed === null || displayed.includes(name));
  return new MeiliError(
    'invalid_search_attributes_to_search_on',
    `Attribute \`${hidden}\` is not searchable. Available searchable attributes are: \`${names.join(', ')}\`.`,
  );
}
