/** The setting `embedders`; the embedded node computes no embeddings, so only `userProvided`. */
import { ApiError } from '../errors';
import { isObject } from '../engine/json';
import type { Json, JsonObject } from '../engine/json';
import * as check from '../http/validate';
import type { Place } from '../http/validate';

const FIELDS = [
  'source',
  'model',
  'revision',
  'pooling',
  'apiKey',
  'dimensions',
  'binaryQuantized',
  'documentTemplate',
  'documentTemplateMaxBytes',
  'url',
  'indexingFragments',
  'searchFragments',
  'request',
  'response',
  'headers',
  'searchEmbedder',
  'indexingEmbedder',
  'distribution',
];

const SOURCES = ['openAi', 'huggingFace', 'ollama', 'userProvided', 'rest', 'composite'];

function onlyUserProvided(name: string, code: string): ApiError {
  const reason = 'the embedded node knows only the source `userProvided`.';
  return new ApiError(code, `\`.embedders.${name}\`: ${reason}`);
}

/** Members in Meilisearch's order. Without a source it is a change of an embedder that exists. */
function checkEmbedder(name: string, value: Json, place: Place): JsonObject {
  const sent = check.asStruct(value, FIELDS, place);
  const source = sent.get('source') ?? null;
  if (source !== null) {
    const word = check.asWord(source, SOURCES, check.child(place, 'source'));
    if (word !== 'userProvided') throw onlyUserProvided(name, place.code);
  }
  const dimensions = sent.get('dimensions') ?? null;
  if (source !== null && dimensions === null) {
    const note = '(note: this field is mandatory for source `userProvided`)';
    throw new ApiError(place.code, `\`.embedders.${name}\`: Missing field \`dimensions\` ${note}`);
  }
  const embedder: JsonObject = new Map();
  if (source !== null) embedder.set('source', source);
  if (dimensions !== null) {
    embedder.set('dimensions', check.asUint(dimensions, check.child(place, 'dimensions')));
  }
  for (const member of ['distribution', 'binaryQuantized']) {
    const sentMember = sent.get(member);
    if (sentMember !== undefined) embedder.set(member, sentMember);
  }
  return embedder;
}

/** Refuses embedders that are not whole after a merge. Throws invalid_settings_embedders. */
export function checkWholeEmbedders(embedders: Json): void {
  for (const [name, embedder] of isObject(embedders) ? embedders : []) {
    const isWhole = isObject(embedder) && embedder.has('source') && embedder.has('dimensions');
    if (!isWhole) throw onlyUserProvided(name, 'invalid_settings_embedders');
  }
}

export function checkEmbedders(value: Json, place: Place): Json {
  const embedders: JsonObject = new Map();
  for (const [name, embedder] of check.asObject(value, place)) {
    embedders.set(
      name,
      embedder === null ? null : checkEmbedder(name, embedder, check.child(place, name)),
    );
  }
  return embedders;
}
