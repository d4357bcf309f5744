/** The `_vectors` of documents: kept as sent, read for the embedders that the settings name. */
import { ApiError } from '../errors';
import { float, isObject, numberOf } from '../engine/json';
import type { Json, JsonObject } from '../engine/json';
import type { EmbedderSettings } from '../engine/types';
import { toJsonText } from '../http/answer';

export type Embedders = Readonly<Record<string, EmbedderSettings>>;

function numbers(value: Json): number[] | null {
  if (!Array.isArray(value)) return null;
  const result: number[] = [];
  for (const item of value) {
    const number = numberOf(item);
    if (number === null) return null;
    result.push(Math.fround(number));
  }
  return result;
}

/** The embeddings that a document gives for one embedder; null if it gives none at all. */
export function embeddingsOf(vectors: JsonObject | null, embedder: string): number[][] | null {
  let value = vectors?.get(embedder);
  if (value === undefined) return null;
  if (isObject(value)) value = value.get('embeddings') ?? null;
  if (value === null) return [];
  const single = numbers(value);
  if (single !== null) return single.length === 0 ? [] : [single];
  return Array.isArray(value) ? value.map((item) => numbers(item) ?? []) : [];
}

/** Throws invalid_vectors_type where a value can be no embeddings. */
function checkShape(id: string, embedder: string, value: Json): void {
  if (value === null || isObject(value) || Array.isArray(value)) return;
  const kind =
    typeof value === 'string' ? 'string' : typeof value === 'boolean' ? 'boolean' : 'number';
  const shown = typeof value === 'string' ? value : toJsonText(value);
  throw new ApiError(
    'invalid_vectors_type',
    `Bad embedder configuration in the document with id: \`${id}\`. Expected \`._vectors.${embedder}\` to be an array of floats, an array of arrays of floats, or an object with at least the field \`regenerate\`, but got the ${kind} \`${shown}\``,
  );
}

/** Checks the `_vectors` of a sent document. Throws as the engine does while indexing. */
export function checkVectors(id: string, document: JsonObject, embedders: Embedders): void {
  const vectors = document.get('_vectors');
  if (vectors === undefined || vectors === null) return;
  if (!isObject(vectors)) {
    throw new ApiError(
      'invalid_vectors_type',
      `The \`_vectors\` field in the document with id: \`${id}\` is not an object. Was expecting an object with a key for each embedder with manually provided vectors, but instead got \`${toJsonText(vectors)}\``,
    );
  }
  for (const [name, { dimensions }] of Object.entries(embedders)) {
    checkShape(id, name, vectors.get(name) ?? null);
    const embeddings = embeddingsOf(vectors, name) ?? [];
    if (embeddings.length > 256) {
      const message = `Too many vectors for document with id ${id}: found ${embeddings.length}, but limited to 256.`;
      throw new ApiError('too_many_vectors', message);
    }
    embeddings.forEach((embedding, index) => {
      if (embedding.length === dimensions) return;
      throw new ApiError(
        'invalid_vector_dimensions',
        `Invalid vector dimensions in document with id \`${id}\` in \`._vectors.${name}\`.\n  - note: embedding #${index} has dimensions ${embedding.length}\n  - note: embedder \`${name}\` requires ${dimensions}`,
      );
    });
  }
}

/** The error of documents without vectors for an embedder that cannot compute them. */
export function missingVectors(embedder: string, ids: readonly string[]): ApiError {
  const others = ids.length > 1 ? ` and at least ${ids.length - 1} other document(s)` : '';
  return new ApiError(
    'vector_embedding_error',
    `While embedding documents for embedder \`${embedder}\`: no vectors provided for document \`${ids[0] ?? ''}\`${others}\n` +
      `- Note: \`${embedder}\` has \`source: userProvided\`, so documents must provide embeddings as an array in \`_vectors.${embedder}\`.\n` +
      `- Hint: opt-out for a document with \`_vectors.${embedder}: null\``,
  );
}

/** `_vectors` as answers show it: known embedders in full form, others as they were sent. */
export function shownVectors(vectors: JsonObject | null, embedders: Embedders): JsonObject {
  const shown: JsonObject = new Map([...(vectors ?? [])].filter(([name]) => !(name in embedders)));
  for (const name of Object.keys(embedders)) {
    const embeddings = (embeddingsOf(vectors, name) ?? []).map((embedding) => embedding.map(float));
    const full: JsonObject = new Map<string, Json>([['embeddings', embeddings]]);
    shown.set(name, full.set('regenerate', false));
  }
  return shown;
}
