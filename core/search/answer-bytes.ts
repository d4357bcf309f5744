/**
 * Reads spans out of a node's answer without parsing the documents in it. The bytes were written by
 * the engine's JSON writer, so their syntax is trusted: a value is skipped by counting brackets
 * outside strings. Bytes that end too early raise `AnswerError`, so a cut connection is never taken
 * for an answer.
 */
export class AnswerError extends Error {
  readonly code = 'bad_node_answer';

  constructor(message: string) {
    super(message);
    this.name = 'AnswerError';
  }
}

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const colon = 0x3a;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;

const isSpace = (byte: number | undefined): boolean =>
  byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

export function skipSpace(bytes: Uint8Array, at: number): number {
  let i = at;
  while (isSpace(bytes[i])) i++;
  return i;
}

/** `at` is the opening quote; returns the index after the closing one. */
export function skipString(bytes: Uint8Array, at: number): number {
  const end = bytes.length;
  for (let i = at + 1; i < end; i++) {
    const byte = bytes[i];
    if (byte === backslash) i++;
    else if (byte === quote) return i + 1;
  }
  throw new AnswerError('The answer ends inside a string.');
}

/** Returns the index after the value that starts at `at`. */
export function skipValue(bytes: Uint8Array, at: number): number {
  const first = bytes[at];
  if (first === quote) return skipString(bytes, at);
  if (first === openBrace || first === openBracket) return skipNested(bytes, at);
  let i = at;
  for (; i < bytes.length; i++) {
    const byte = bytes[i];
    if (byte === comma || byte === closeBrace || byte === closeBracket || isSpace(byte)) break;
  }
  if (i === at) throw new AnswerError(`A value was expected at byte ${String(at)} of the answer.`);
  return i;
}

function skipNested(bytes: Uint8Array, at: number): number {
  const end = bytes.length;
  let depth = 0;
  for (let i = at; i < end; i++) {
    const byte = bytes[i];
    if (byte === quote) i = skipString(bytes, i) - 1;
    else if (byte === openBrace || byte === openBracket) depth++;
    else if ((byte === closeBrace || byte === closeBracket) && --depth === 0) return i + 1;
  }
  throw new AnswerError('The answer ends inside a value.');
}

/** One member of an object: the key's bytes are between the quotes, escapes as written. */
export interface MemberSpan {
  readonly keyStart: number;
  readonly keyEnd: number;
  readonly valueStart: number;
  readonly valueEnd: number;
}

/** The members of the object that starts at `at`, in order, and the index after the object. */
export function objectMembers(
  bytes: Uint8Array,
  at: number,
): { readonly members: MemberSpan[]; readonly end: number } {
  if (bytes[at] !== openBrace) throw new AnswerError(`No object at byte ${String(at)}.`);
  const members: MemberSpan[] = [];
  let i = skipSpace(bytes, at + 1);
  while (bytes[i] === quote) {
    const keyStart = i + 1;
    i = skipString(bytes, i);
    const keyEnd = i - 1;
    i = skipSpace(bytes, i);
    if (bytes[i] !== colon) throw new AnswerError(`No colon at byte ${String(i)} of the answer.`);
    const valueStart = skipSpace(bytes, i + 1);
    const valueEnd = skipValue(bytes, valueStart);
    members.push({ keyStart, keyEnd, valueStart, valueEnd });
    i = skipSpace(bytes, valueEnd);
    if (bytes[i] === comma) i = skipSpace(bytes, i + 1);
  }
  if (bytes[i] !== closeBrace) throw new AnswerError('The answer ends inside an object.');
  return { members, end: i + 1 };
}

/** Compares a span of the answer with bytes made beforehand. */
export function spanEquals(
  bytes: Uint8Array,
  start: number,
  end: number,
  wanted: Uint8Array,
): boolean {
  if (end - start !== wanted.length) return false;
  for (let i = 0; i < wanted.length; i++) if (bytes[start + i] !== wanted[i]) return false;
  return true;
}

export function spanStartsWith(
  bytes: Uint8Array,
  start: number,
  end: number,
  wanted: Uint8Array,
): boolean {
  return end - start >= wanted.length && spanEquals(bytes, start, start + wanted.length, wanted);
}

export const utf8 = (text: string): Uint8Array => Buffer.from(text, 'utf8');

/** A key as the engine's JSON writer spells it between the quotes. */
export const keyBytes = (key: string): Uint8Array => utf8(JSON.stringify(key).slice(1, -1));

export function spanText(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');
}
