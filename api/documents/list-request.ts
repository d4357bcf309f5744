import { MeiliError } from '../../core/errors';
import type { JsonValue } from '../../core/fleet';
import { Fields } from '../http/fields';
import { demandKnown, queryOf, readCount, readFlag } from '../http/page';

/** A checked listing of documents, from the body of a POST or the parameters of a GET. */
export interface ListRequest {
  readonly offset: number;
  readonly limit: number;
  /** Null: all. */
  readonly fields: readonly string[] | null;
  readonly retrieveVectors: boolean;
  readonly ids: readonly string[] | null;
  readonly filter: JsonValue;
  readonly sort: readonly string[] | null;
  /** From a header: only nodes known to have this version of the settings may answer; null or absent: any. */
  readonly minSettingsVersion?: number | null;
}

const codes = {
  offset: 'invalid_document_offset',
  limit: 'invalid_document_limit',
  fields: 'invalid_document_fields',
  retrieveVectors: 'invalid_document_retrieve_vectors',
  ids: 'invalid_document_ids',
  filter: 'invalid_document_filter',
  sort: 'invalid_document_sort',
  useNetwork: 'invalid_document_use_network',
} as const;

const known = [
  'offset',
  'limit',
  'fields',
  'retrieveVectors',
  'ids',
  'filter',
  'sort',
  'useNetwork',
];

export function readListBody(body: JsonValue | undefined): ListRequest {
  const fields = new Fields(body, { known, codes });
  const count = (name: 'offset' | 'limit'): number | null =>
    fields.optionalNumber(name, { min: 0, integer: true });
  return {
    offset: count('offset') ?? 0,
    limit: count('limit') ?? 20,
    fields: named(fields.optionalStrings('fields')),
    retrieveVectors: fields.optionalBoolean('retrieveVectors', false),
    ids: readIds(fields.raw('ids'), fields),
    filter: fields.raw('filter') ?? null,
    sort: fields.optionalStrings('sort'),
  };
}

export function readListQuery(query: unknown): ListRequest {
  const parameters = queryOf(query);
  demandKnown(parameters, known);
  const network = parameters.get('useNetwork');
  if (network !== undefined) {
    // The engine reads this one as text and expects a boolean of it, so that no value fits.
    throw new MeiliError(
      codes.useNetwork,
      `Invalid value type for parameter \`useNetwork\`: expected a string, but found a string: \`${network}\``,
    );
  }
  const list = (name: string): string[] | null => parameters.get(name)?.split(',') ?? null;
  return {
    offset: readCount(parameters, 'offset', { otherwise: 0, code: codes.offset }),
    limit: readCount(parameters, 'limit', { otherwise: 20, code: codes.limit }),
    fields: named(list('fields')),
    retrieveVectors: readFlag(parameters, 'retrieveVectors', {
      otherwise: false,
      code: codes.retrieveVectors,
    }),
    ids: parameters.get('ids') === '' ? [] : (list('ids')?.map(demandId) ?? null),
    filter: filterOf(parameters.get('filter')),
    sort: list('sort'),
  };
}

/** `*` anywhere in the list means all fields. */
export function named(fields: readonly string[] | null): readonly string[] | null {
  return fields === null || fields.includes('*') ? null : fields;
}

/** A GET's filter is JSON when it parses as an array or a string, and the text itself otherwise. */
function filterOf(text: string | undefined): JsonValue {
  if (text === undefined) return null;
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) || typeof value === 'string' ? (value as JsonValue) : text;
  } catch {
    return text;
  }
}

function readIds(value: JsonValue | undefined, fields: Fields): readonly string[] | null {
  if (value === undefined || value === null) return null;
  if (!Array.isArray(value)) throw fields.wrongType('ids', 'an array', value);
  return value.map((id, ordinal) => {
    if (typeof id !== 'string' && typeof id !== 'number') {
      throw fields.wrongType(`ids[${ordinal}]`, 'a string or an integer', id);
    }
    if (typeof id === 'number' && !Number.isInteger(id)) throw invalidIds(String(id), ordinal);
    return demandId(String(id), ordinal);
  });
}

function demandId(id: string, ordinal: number): string {
  if (/^[A-Za-z0-9_-]{1,511}$/.test(id)) return id;
  throw invalidIds(JSON.stringify(id), ordinal);
}

function invalidIds(shown: string, ordinal: number): MeiliError {
  return new MeiliError('invalid_document_ids', `In \`.ids[${ordinal}]\`: ${invalidIdText(shown)}`);
}

function invalidIdText(shown: string): string {
  return `Document identifier \`${shown}\` is invalid. A document identifier can be of type integer or string, only composed of alphanumeric characters (a-z A-Z 0-9), hyphens (-) and underscores (_), and can not be more than 511 bytes.`;
}
