/** Primary keys: how they are found, and which values are document ids. */
import { ApiError } from '../errors';
import { LosslessNumber, isObject } from '../engine/json';
import type { Json, JsonObject } from '../engine/json';
import { toJsonText } from '../http/answer';

const MAX_ID_BYTES = 511;
const ID_RULE =
  'A document identifier can be of type integer or string, only composed of alphanumeric characters (a-z A-Z 0-9), hyphens (-) and underscores (_), and can not be more than 511 bytes.';
const SET_PRIMARY_KEY =
  'Please specify the primary key manually using the `primaryKey` query parameter.';

export function invalidId(value: Json, code = 'invalid_document_id'): ApiError {
  return new ApiError(code, `Document identifier \`${toJsonText(value)}\` is invalid. ${ID_RULE}`);
}

/** The text form of an id, which decides whether two documents are one; null if it is no id. */
export function idText(value: Json): string | null {
  if (typeof value === 'string') {
    return /^[A-Za-z0-9_-]+$/.test(value) && value.length <= MAX_ID_BYTES ? value : null;
  }
  if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value) : null;
  return value instanceof LosslessNumber && /^-?\d+$/.test(value.text) ? value.text : null;
}

/** All values at a dotted primary key, both as one name and as a path. */
function valuesAt(document: JsonObject, path: string): Json[] {
  const values: Json[] = [];
  const direct = document.get(path);
  if (direct !== undefined) values.push(direct);
  for (let dot = path.indexOf('.'); dot >= 0; dot = path.indexOf('.', dot + 1)) {
    const inner = document.get(path.slice(0, dot));
    if (isObject(inner)) values.push(...valuesAt(inner, path.slice(dot + 1)));
  }
  return values;
}

/** The id of a document. Throws missing_document_id and invalid_document_id. */
export function documentId(document: JsonObject, primaryKey: string): string {
  const [value, another] = valuesAt(document, primaryKey);
  const shown = (): string => `\`${toJsonText(document)}\``;
  if (value === undefined) {
    const message = `Document doesn't have a \`${primaryKey}\` attribute: ${shown()}.`;
    throw new ApiError('missing_document_id', message);
  }
  if (another !== undefined) {
    const message = `Document have too many matching \`${primaryKey}\` attribute: ${shown()}.`;
    throw new ApiError('invalid_document_id', message);
  }
  const id = idText(value);
  if (id === null) throw invalidId(value);
  return id;
}

/** Finds the primary key in the first document of an index. Throws when none or several fit. */
export function inferPrimaryKey(document: JsonObject): string {
  const candidates = [...document.keys()]
    .filter((name) => name.toLowerCase().endsWith('id'))
    .sort();
  const [first, second] = candidates;
  if (first === undefined) {
    throw new ApiError(
      'index_primary_key_no_candidate_found',
      `The primary key inference failed as the engine did not find any field ending with \`id\` in its name. ${SET_PRIMARY_KEY}`,
    );
  }
  if (second === undefined) return first;
  throw new ApiError(
    'index_primary_key_multiple_candidates_found',
    `The primary key inference failed as the engine found ${candidates.length} fields ending with \`id\` in their names: '${first}' and '${second}'. ${SET_PRIMARY_KEY}`,
  );
}
