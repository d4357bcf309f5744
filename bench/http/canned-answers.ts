import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { bucketOfSlot, slotOfId } from '../../core/hash';
import { encodeBucket, encodeSeq, encodeSlot } from '../../core/hidden-fields';
import { projectRoot } from '../project-root';

/** What the load asks: a common search that fills its page on each node. */
export const benchQuery = { q: 's', limit: 20, showRankingScore: true } as const;

type Json = { [member: string]: unknown };

interface Recorded {
  readonly request: Json;
  readonly parts: readonly (Json & { readonly hits: readonly (Json & { id: number })[] })[];
}

/**
 * What three real nodes answered to the query, in the form in which Miroir's nodes answer: whole
 * documents, each with the hidden fields and the hidden last rule. The scores, details and totals are
 * recorded; the documents are the recorded corpus.
 */
export function cannedAnswers(): string[] {
  const films = documents();
  const { parts } = recording();
  return parts.map((part, node) => {
    const hits = part.hits.map((hit, at) => {
      const film = films.get(hit.id);
      if (film === undefined) throw new Error(`Film ${String(hit.id)} is in no recording.`);
      return asStored(film, hit, at * parts.length + node);
    });
    return JSON.stringify({ ...part, hits });
  });
}

function asStored(film: Json, hit: Json & { id: number }, seq: number): Json {
  const slot = slotOfId(String(hit.id));
  const details = hit['_rankingScoreDetails'] as Json;
  const last = { order: Object.keys(details).length, value: encodeSeq(seq) };
  return {
    ...film,
    _miroir_bucket: encodeBucket(bucketOfSlot(slot)),
    _miroir_slot: encodeSlot(slot),
    _miroir_seq: encodeSeq(seq),
    _rankingScore: hit['_rankingScore'],
    _rankingScoreDetails: { ...details, '_miroir_seq:asc': last },
  };
}

function recording(): Recorded {
  const wanted = lines('default.ndjson.gz')
    .map((line) => JSON.parse(line) as Recorded)
    .find(({ request }) => request['q'] === benchQuery.q && request['filter'] === undefined);
  if (wanted === undefined) throw new Error(`No recorded search asks for \`${benchQuery.q}\`.`);
  return wanted;
}

function documents(): Map<number, Json> {
  const films = new Map<number, Json>();
  for (const line of lines('documents.ndjson.gz')) {
    const { _part, _vectors, ...film } = JSON.parse(line) as Json & { id: number };
    films.set(film.id, film);
  }
  return films;
}

function lines(file: string): string[] {
  const path = join(projectRoot(), 'test', 'recordings', 'ranking', file);
  return gunzipSync(readFileSync(path)).toString('utf8').trimEnd().split('\n');
}
