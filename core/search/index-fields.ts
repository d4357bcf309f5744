import type { JsonValue, Settings } from '../fleet';
import { displayedFields, isHiddenField } from './fields';
import { facetOrder } from './facets';
import { matchesPattern } from './patterns';
import { compareUtf8 } from './rust-text';
import type { JsonObject } from './types';
import { BodyReader } from './values';

type Switch = { readonly enabled: boolean } & JsonObject;

/** One field as a node lists it, members in Meilisearch's order. */
export interface IndexField {
  readonly name: string;
  readonly displayed: Switch;
  readonly searchable: Switch;
  readonly sortable: Switch;
  readonly distinct: Switch;
  readonly rankingRule: Switch;
  readonly filterable: Switch;
  readonly localized: JsonValue;
}

const flags = [
  'displayed',
  'searchable',
  'sortable',
  'distinct',
  'rankingRule',
  'filterable',
] as const;

const flagCodes = {
  displayed: 'invalid_index_fields_filter_displayed',
  searchable: 'invalid_index_fields_filter_searchable',
  sortable: 'invalid_index_fields_filter_sortable',
  distinct: 'invalid_index_fields_filter_distinct',
  rankingRule: 'invalid_index_fields_filter_ranking_rule',
  filterable: 'invalid_index_fields_filter_filterable',
} as const;

export interface FieldsFilter {
  readonly attributePatterns: readonly string[] | null;
  readonly wanted: Readonly<Partial<Record<(typeof flags)[number], boolean>>>;
}

export interface ListFields {
  readonly offset: number;
  readonly limit: number;
  readonly filter: FieldsFilter | null;
}

/** Reads the body of `POST …/fields`. Throws MeiliError with Meilisearch's texts. */
export function readListFields(body: JsonValue): ListFields {
  const root = new BodyReader('', 'bad_request');
  const object = known(root, body, ['offset', 'limit', 'filter']);
  const { offset, limit, filter } = object;
  return {
    offset: offset === undefined ? 0 : root.at('.offset', 'invalid_index_offset').uint(offset),
    limit: limit === undefined ? 20 : root.at('.limit', 'invalid_index_limit').uint(limit),
    filter:
      filter === undefined || filter === null
        ? null
        : readFilter(root.at('.filter', 'invalid_index_fields_filter'), filter),
  };
}

function known(reader: BodyReader, value: JsonValue, names: readonly string[]): JsonObject {
  const object = reader.object(value);
  for (const name of Object.keys(object)) {
    if (!names.includes(name)) throw reader.unknownField(name, names);
  }
  return object;
}

function readFilter(reader: BodyReader, value: JsonValue): FieldsFilter {
  const object = known(reader, value, ['attributePatterns', ...flags]);
  const patterns = object['attributePatterns'] ?? null;
  const wanted: Partial<Record<(typeof flags)[number], boolean>> = {};
  for (const name of flags) {
    const flag = object[name];
    if (flag === undefined || flag === null) continue;
    wanted[name] = reader.at(`.${name}`, flagCodes[name]).bool(flag);
  }
  const at = reader.at('.attributePatterns', 'invalid_index_fields_filter_attribute_patterns');
  return { attributePatterns: patterns === null ? null : at.texts(patterns), wanted };
}

/** The fields of all nodes, each once, by name; a node knows the fields of its own documents only. */
export function mergeFields(lists: readonly (readonly IndexField[])[]): IndexField[] {
  const byName = new Map<string, IndexField>();
  for (const field of lists.flat()) {
    if (!isHiddenField(field.name) && !byName.has(field.name)) byName.set(field.name, field);
  }
  return [...byName.values()].sort((a, b) => compareUtf8(a.name, b.name));
}

/** Nodes display every field and have their own order of facet values: the client's are shown. */
export function clientField(field: IndexField, settings: Settings): IndexField {
  const displayed = displayedFields(settings);
  return {
    ...field,
    displayed: {
      enabled: displayed === null || displayed.some((name) => matchesPattern(name, field.name)),
    },
    filterable: { ...field.filterable, sortBy: facetOrder(settings, field.name) },
  };
}

export function matchesFields(field: IndexField, filter: FieldsFilter | null): boolean {
  if (filter === null) return true;
  const { attributePatterns, wanted } = filter;
  if (attributePatterns?.some((one) => matchesPattern(one, field.name)) === false) return false;
  return flags.every((flag) => wanted[flag] === undefined || wanted[flag] === field[flag].enabled);
}
