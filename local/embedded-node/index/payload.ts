/** Reads the body of a documents request: JSON, NDJSON or CSV, wholly, before anything is accepted. */
import { ApiError } from '../errors';
import { endOfValue, serdeFault } from '../http/serde-error';
import { JsonSyntaxError, LosslessNumber, isObject, parseJson } from '../engine/json';
import type { Json, JsonObject } from '../engine/json';
import { CsvFault, parseCsv } from './csv';

export type PayloadFormat = 'json' | 'ndjson' | 'csv';

export interface Payload {
  readonly documents: readonly JsonObject[];
  /**
   * Meilisearch checks only the outline of a payload when it takes it; what it cannot read inside a
   * document fails the task. Null when every document can be read.
   */
  readonly poison: string | null;
}

/** Meilisearch refuses a member nested as deep as this when it indexes it. */
const DEPTH_REFUSED = 128;

function malformed(format: PayloadFormat, reason: string): ApiError {
  const detail = `Couldn't serialize document value: ${reason}`;
  return new ApiError(
    'malformed_payload',
    `The \`${format}\` payload provided is malformed. \`${detail}\`.`,
  );
}

/** Why the engine could not read a member when it indexes it, or null. */
function unreadable(value: Json): string | null {
  const stack: [Json, number][] = [[value, 0]];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const [item, depth] = next;
    if (typeof item === 'string') {
      if (/[\ud800-\udfff]/.test(item) && Buffer.from(item).toString() !== item) {
        return 'unexpected end of hex escape at line 1 column 8';
      }
    } else if (item instanceof LosslessNumber) {
      if (!Number.isFinite(item.value)) return 'number out of range at line 1 column 5';
    } else if (Array.isArray(item) || isObject(item)) {
      if (depth + 1 >= DEPTH_REFUSED) return 'recursion limit exceeded at line 1 column 128';
      for (const child of item.values()) stack.push([child, depth + 1]);
    }
  }
  return null;
}

function findPoison(documents: readonly JsonObject[]): string | null {
  for (const document of documents) {
    for (const value of document.values()) {
      const reason = unreadable(value);
      if (reason !== null) return `internal: ${reason}.`;
    }
  }
  return null;
}

/** The documents among the values of a payload; anything else is refused. */
function onlyObjects(values: readonly Json[], format: PayloadFormat, text: string): JsonObject[] {
  return values.map((value, index) => {
    if (isObject(value)) return value;
    if (format === 'json' && !Array.isArray(value) && index + 1 < values.length) {
      const column = text.indexOf(',') + 2;
      throw malformed(format, `trailing characters at line 1 column ${column}`);
    }
    throw malformed(format, 'data are neither an object nor a list of objects');
  });
}

function parseJsonPayload(text: string): Payload {
  let value: Json;
  try {
    value = parseJson(text);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    const reason = serdeFault(text, 'documents');
    if (reason !== null) throw malformed('json', reason);
    const end = endOfValue(text);
    if (end < text.trimEnd().length) return parseJsonPayload(text.slice(0, end));
    return {
      documents: [new Map()],
      poison: `internal: recursion limit exceeded at line 1 column 128.`,
    };
  }
  if (isObject(value)) return { documents: [value], poison: findPoison([value]) };
  if (!Array.isArray(value)) {
    throw malformed('json', 'data are neither an object nor a list of objects');
  }
  const documents = onlyObjects(value, 'json', text);
  return { documents, poison: findPoison(documents) };
}

function parseNdjson(text: string): Payload {
  const values: Json[] = [];
  try {
    for (const line of text.split('\n')) if (line.trim() !== '') values.push(parseJson(line));
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    throw malformed('ndjson', serdeFault(text, 'ndjson') ?? error.message);
  }
  const documents = onlyObjects(values, 'ndjson', text);
  return { documents, poison: findPoison(documents) };
}

/**
 * Reads a payload. `delimiter` counts only for CSV. Throws `ApiError` missing_payload and
 * malformed_payload, with the texts of Meilisearch.
 */
export function parsePayload(text: string, format: PayloadFormat, delimiter: string): Payload {
  if (text === '') throw new ApiError('missing_payload', `A ${format} payload is missing.`);
  if (format === 'json') return parseJsonPayload(text);
  if (format === 'ndjson') return parseNdjson(text);
  try {
    return { documents: parseCsv(text, delimiter), poison: null };
  } catch (error) {
    if (!(error instanceof CsvFault)) throw error;
    const message = `The \`csv\` payload provided is malformed: \`${error.message}\`.`;
    throw new ApiError('malformed_payload', message);
  }
}
