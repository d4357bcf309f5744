import {
  AnswerError,
  keyBytes,
  objectMembers,
  skipSpace,
  skipValue,
  spanEquals,
  spanText,
  utf8,
} from './answer-bytes';
import type { MemberSpan } from './answer-bytes';
import { detailsList } from './details';
import type { Details, RuleDetails } from './details';
import type { JsonObject } from './types';

/** One hit of one node's answer, as spans of that answer. Nothing of the document is parsed. */
export interface Hit {
  /** Index of the answer it came from. */
  readonly source: number;
  /** Place in that answer. */
  readonly position: number;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  readonly members: readonly MemberSpan[];
  /** With the hidden last rule, so that comparing details is already a total order. */
  readonly details: Details;
}

export const detailsKey = keyBytes('_rankingScoreDetails');
export const scoreKey = keyBytes('_rankingScore');
export const formattedKey = keyBytes('_formatted');
export const positionsKey = keyBytes('_matchesPosition');
const hitsHead = utf8('{"hits":[');
const tailMark = Buffer.from('],"query":');

/** The members of an answer other than its hits, and where its hits are. */
export interface AnswerParts {
  readonly bytes: Uint8Array;
  /** Index after the opening bracket of `hits`. */
  readonly hitsStart: number;
  /** Index of the closing bracket of `hits`. */
  readonly hitsEnd: number;
  readonly rest: JsonObject;
}

/**
 * Splits an answer without walking through its hits: in the engine's compact JSON the text `],"query":`
 * cannot stand in the members after the hits, as no string can hold a bare quote and none of those
 * members has an array before a member named `query`. So its last place is the end of the hits. An
 * answer in another form is walked.
 */
export function splitAnswer(bytes: Uint8Array): AnswerParts {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (spanEquals(bytes, 0, hitsHead.length, hitsHead)) {
    const mark = view.lastIndexOf(tailMark);
    if (mark >= hitsHead.length - 1) {
      const rest = parseObject(`{${view.toString('utf8', mark + 2)}`);
      return { bytes, hitsStart: hitsHead.length, hitsEnd: mark, rest };
    }
  }
  return walkAnswer(bytes, view);
}

function walkAnswer(bytes: Uint8Array, view: Buffer): AnswerParts {
  const { members } = objectMembers(bytes, skipSpace(bytes, 0));
  const hits = members.find((m) => spanText(bytes, m.keyStart, m.keyEnd) === 'hits');
  if (hits === undefined || bytes[hits.valueStart] !== 0x5b) {
    throw new AnswerError('The answer has no hits.');
  }
  const others = members
    .filter((member) => member !== hits)
    .map((member) => view.toString('utf8', member.keyStart - 1, member.valueEnd));
  const rest = parseObject(`{${others.join(',')}}`);
  return { bytes, hitsStart: hits.valueStart + 1, hitsEnd: hits.valueEnd - 1, rest };
}

function parseObject(text: string): JsonObject {
  try {
    return JSON.parse(text) as JsonObject;
  } catch {
    throw new AnswerError('The end of the answer is not JSON.');
  }
}

/** Walks one answer's hits from the best on; a merge reads no further than it must. */
export class HitReader {
  private at: number;
  private position = 0;

  constructor(
    private readonly parts: AnswerParts,
    private readonly source: number,
  ) {
    this.at = skipSpace(parts.bytes, parts.hitsStart);
  }

  next(): Hit | null {
    const { bytes, hitsEnd } = this.parts;
    if (this.at >= hitsEnd) return null;
    const start = this.at;
    const { members, end } = objectMembers(bytes, start);
    if (end > hitsEnd) throw new AnswerError('A hit reaches past the end of the hits.');
    this.at = skipSpace(bytes, end);
    if (bytes[this.at] === 0x2c) this.at = skipSpace(bytes, this.at + 1);
    const details = readDetails(bytes, members);
    return { source: this.source, position: this.position++, bytes, start, end, members, details };
  }
}

function readDetails(bytes: Uint8Array, members: readonly MemberSpan[]): Details {
  const member = findLast(bytes, members, detailsKey);
  if (member === null) return [];
  const text = spanText(bytes, member.valueStart, member.valueEnd);
  return detailsList(JSON.parse(text) as { [rule: string]: RuleDetails });
}

/** The last member with this key: the engine writes its own members after the document's. */
export function findLast(
  bytes: Uint8Array,
  members: readonly MemberSpan[],
  key: Uint8Array,
): MemberSpan | null {
  for (let i = members.length - 1; i >= 0; i--) {
    const member = members[i];
    if (member && spanEquals(bytes, member.keyStart, member.keyEnd, key)) return member;
  }
  return null;
}

/** Spans of the items of the array at `at`. */
export function arrayItems(bytes: Uint8Array, at: number): { start: number; end: number }[] {
  const items: { start: number; end: number }[] = [];
  let i = skipSpace(bytes, at + 1);
  while (i < bytes.length && bytes[i] !== 0x5d) {
    const end = skipValue(bytes, i);
    items.push({ start: i, end });
    i = skipSpace(bytes, end);
    if (bytes[i] === 0x2c) i = skipSpace(bytes, i + 1);
  }
  return items;
}
