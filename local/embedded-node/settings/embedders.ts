/** The setting `embedders`; the embedded node computes no embeddings, so only `userProvided`. */
import { ApiError } from '../errors';
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

/** Members in Meilisearch's order. */
function checkEmbedder(value: Json, place: Place): JsonObject {
  const sent = check.asStruct(value, FIELDS, place);
  const source = sent.get('source');
  const word =
    source === undefined ? null : check.asWord(source ?? '', SOURCES, check.child(place, 'source'));
  if (word !== 'userProvided') {
    throw new ApiError(
      place.code,
      `\`${place.path.replace(/^\.(?!embedders)/, '.embedders.')}\`: the embedded node knows only the source \`userProvided\`.`,
    );
  }
  const dimensions = sent.get('dimensions');
  if (dimensions === undefined) {
    const note = `(note: this field is mandatory for source \`userProvided\`)`;
    throw new ApiError(
      place.code,
      `\`.embedders${place.path.replace(/^\.embedders/, '')}\`: Missing field \`dimensions\` ${note}`,
    );
  }
  const embedder: JsonObject = new Map<string, Json>([
    ['source', word],
    ['dimensions', check.asUint(dimensions, check.child(place, 'dimensions'))],
  ]);
  for (const name of ['distribution', 'binaryQuantized']) {
    const member = sent.get(name);
    if (member !== undefined) embedder.set(name, member);
  }
  return embedder;
}

export function checkEmbedders(value: Json, place: Place): Json {
  const embedders: JsonObject = new Map();
  for (const [name, embedder] of check.asObject(value, place)) {
    embedders.set(
      name,
      embedder === null ? null : checkEmbedder(embedder, check.child(place, name)),
    );
  }
  return embedders;
}
