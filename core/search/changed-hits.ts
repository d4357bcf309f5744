import { objectMembers, utf8 } from './answer-bytes';
import { detailsList } from './details';
import type { RuleDetails } from './details';
import { detailsKey, findLast, scoreKey } from './hits';
import type { Hit } from './hits';
import type { JsonObject } from './types';

/** A hit with other ranking details than its node gave it, as JSON text. */
export interface HitChange {
  readonly details: string;
  /** `_rankingScore`; null leaves it. */
  readonly score: string | null;
}

/** The same hit with its details, and its score where it is shown, written anew. */
export function changeHit(hit: Hit, change: HitChange): Hit {
  const edits = [
    { member: findLast(hit.bytes, hit.members, detailsKey), text: change.details },
    { member: findLast(hit.bytes, hit.members, scoreKey), text: change.score },
  ]
    .flatMap(({ member, text }) => (member === null || text === null ? [] : [{ member, text }]))
    .sort((a, b) => a.member.valueStart - b.member.valueStart);
  const pieces: Uint8Array[] = [];
  let from = hit.start;
  for (const { member, text } of edits) {
    pieces.push(hit.bytes.subarray(from, member.valueStart), utf8(text));
    from = member.valueEnd;
  }
  pieces.push(hit.bytes.subarray(from, hit.end));
  const bytes = Buffer.concat(pieces);
  const details = detailsList(JSON.parse(change.details) as { [rule: string]: RuleDetails });
  const { members } = objectMembers(bytes, 0);
  return { ...hit, bytes, start: 0, end: bytes.length, members, details };
}

/** An answer of a node's form that holds these hits, in this order. */
export function answerOf(hits: readonly Hit[], rest: JsonObject): Uint8Array {
  const pieces: Uint8Array[] = [utf8('{"hits":[')];
  hits.forEach((hit, i) => {
    if (i > 0) pieces.push(utf8(','));
    pieces.push(hit.bytes.subarray(hit.start, hit.end));
  });
  const { query, ...others } = rest;
  pieces.push(utf8(`],${JSON.stringify({ query: query ?? '', ...others }).slice(1)}`));
  return Buffer.concat(pieces);
}
