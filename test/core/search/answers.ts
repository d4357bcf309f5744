import type { Settings } from '../../../core/fleet';
import { encodeSeq } from '../../../core/hidden-fields';
import { nodeId } from '../../../core/ids';
import { mergeAnswers } from '../../../core/search/merge';
import { parseSearchBody } from '../../../core/search/request';
import type {
  JsonObject,
  MergeInput,
  MergeOutput,
  NodeAnswer,
  SearchRequest,
} from '../../../core/search/types';
import { applySettings } from '../../../core/settings/apply';
import { defaultSettings } from '../../../core/settings/defaults';

/** Builders of node answers, written as the engine writes them: compact, members in its order. */

export function requestOf(body: JsonObject): SearchRequest {
  const parsed = parseSearchBody(body);
  if (!parsed.ok) throw parsed.error;
  return parsed.request;
}

export function settingsOf(patch: JsonObject = {}): Settings {
  const outcome = applySettings(defaultSettings(), patch);
  if (!outcome.ok) throw outcome.error;
  return outcome.settings;
}

/** A hit as a node sends it, ranked by words matched and then by its place in the insertion order. */
export const hit = (document: JsonObject, matchingWords: number, seq: number): JsonObject => ({
  ...document,
  _miroir_bucket: '⊕⊖',
  _miroir_slot: '⊕⊕⊗',
  _miroir_seq: encodeSeq(seq),
  _rankingScore: matchingWords / 10,
  _rankingScoreDetails: {
    words: { order: 0, matchingWords, maxMatchingWords: 10, score: matchingWords / 10 },
    '_miroir_seq:asc': { order: 1, value: encodeSeq(seq) },
  },
});

export function answer(
  name: string,
  hits: readonly JsonObject[],
  rest: JsonObject = { estimatedTotalHits: hits.length },
): NodeAnswer {
  const members = { hits: hits as JsonObject[], query: 'q', processingTimeMs: 1, ...rest };
  return { node: nodeId(name), bytes: Buffer.from(JSON.stringify(members)) };
}

export function mergeInput(
  answers: readonly NodeAnswer[],
  body: JsonObject = {},
  patch: JsonObject = {},
): MergeInput {
  return {
    answers,
    request: requestOf(body),
    settings: settingsOf(patch),
    primaryKey: 'id',
    processingTimeMs: 3,
    requestUid: 'r',
  };
}

export const textOf = (output: MergeOutput): string => Buffer.from(output.bytes).toString('utf8');

export const merged = (
  answers: readonly NodeAnswer[],
  body: JsonObject = {},
  patch: JsonObject = {},
): JsonObject => JSON.parse(textOf(mergeAnswers(mergeInput(answers, body, patch)))) as JsonObject;

export const hitsOf = (one: JsonObject): JsonObject[] => one['hits'] as JsonObject[];
export const idsOf = (one: JsonObject): unknown[] => hitsOf(one).map(({ id }) => id);
