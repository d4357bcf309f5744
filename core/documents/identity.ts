import { decodeString } from '../json/keys';
import { scanObject } from '../json/scan';
import { ascii } from '../json/scanner';
import { documentIdBytesMax } from '../limits';
import { compactText } from './engine-text';
import type { DocumentError } from './types';

export type DocumentIdResult =
  { readonly ok: true; readonly id: string } | { readonly ok: false; readonly message: string };

const plainId = /^[A-Za-z0-9_-]+$/;
const integer = /^-?(?:0|[1-9][0-9]*)$/;
const unsignedMax = 2n ** 64n - 1n;
const signedMin = -(2n ** 63n);
const decoder = new TextDecoder();

function isIntegerId(text: string): boolean {
  if (!integer.test(text) || text === '-0') return false;
  if (text.length < 19) return true;
  const value = BigInt(text);
  return value >= signedMin && value <= unsignedMax;
}

function invalidId(shown: string): DocumentIdResult {
  return {
    ok: false,
    message:
      `Document identifier \`${shown}\` is invalid. A document identifier can be of type integer ` +
      'or string, only composed of alphanumeric characters (a-z A-Z 0-9), hyphens (-) and ' +
      `underscores (_), and can not be more than ${String(documentIdBytesMax)} bytes.`,
  };
}

/** True for a text that may be the id of a document. */
export function isDocumentId(text: string): boolean {
  return text.length <= documentIdBytesMax && plainId.test(text);
}

/** The normalised id in `bytes[start, end)`, a well-formed value; its own blanks excluded. */
export function documentIdAt(bytes: Uint8Array, start: number, end: number): DocumentIdResult {
  if (bytes[start] === ascii.quote) {
    const text = decodeString(bytes, start + 1, end - 1);
    if (isDocumentId(text)) return { ok: true, id: text };
  } else if (end - start <= 20) {
    const text = decoder.decode(bytes.subarray(start, end));
    if (isIntegerId(text)) return { ok: true, id: text };
  }
  return invalidId(compactText(bytes, start, end));
}

/** The normalised id of one well-formed JSON value: `1` and `"1"` are one document. */
export function documentId(valueBytes: Uint8Array): DocumentIdResult {
  return documentIdAt(valueBytes, 0, valueBytes.length);
}

export type PrimaryKeyResult =
  | { readonly ok: true; readonly key: string }
  | { readonly ok: false; readonly code: string; readonly message: string };

const askForKey = 'Please specify the primary key manually using the `primaryKey` query parameter.';

/**
 * The primary key of an index that has none, from the decoded top-level names of the first document
 * that comes: the one whose lower-case form ends with `id`.
 */
export function inferPrimaryKey(firstDocKeys: readonly string[]): PrimaryKeyResult {
  const candidates = [...new Set(firstDocKeys)]
    .filter((key) => key.toLowerCase().endsWith('id'))
    .sort((a, b) => (a < b ? -1 : 1));
  const [first, second] = candidates;
  if (first === undefined) {
    return {
      ok: false,
      code: 'index_primary_key_no_candidate_found',
      message:
        'The primary key inference failed as the engine did not find any field ending with `id` ' +
        `in its name. ${askForKey}`,
    };
  }
  if (second === undefined) return { ok: true, key: first };
  return {
    ok: false,
    code: 'index_primary_key_multiple_candidates_found',
    message:
      `The primary key inference failed as the engine found ${String(candidates.length)} fields ` +
      `ending with \`id\` in their names: '${first}' and '${second}'. ${askForKey}`,
  };
}

/** A way from a top-level name to the id: `a.b` is the member `b` of `a`, or a member named `a.b`. */
interface Level {
  readonly name: string;
  /** What is still to be found inside the member; empty where the member is the id. */
  readonly rest: string;
}

function levelsOf(primaryKey: string): Level[] {
  const levels: Level[] = [];
  for (let dot = primaryKey.indexOf('.'); dot >= 0; dot = primaryKey.indexOf('.', dot + 1)) {
    levels.push({ name: primaryKey.slice(0, dot), rest: primaryKey.slice(dot + 1) });
  }
  // A name that repeats is taken as the first of its levels, like the engine does.
  levels.push({ name: primaryKey, rest: '' });
  return levels.filter((level) => level.name !== '');
}

export type IdSearch =
  | { readonly kind: 'id'; readonly id: string }
  | { readonly kind: 'none' }
  | { readonly kind: 'many' }
  | { readonly kind: 'invalid'; readonly message: string };

const none: IdSearch = { kind: 'none' };

/** Finds a document's id among its members; made once for each primary key. */
export class IdFinder {
  private readonly levels: readonly Level[];
  private readonly inner: ReadonlyMap<string, IdFinder>;

  constructor(readonly primaryKey: string) {
    this.levels = levelsOf(primaryKey);
    this.inner = new Map(
      this.levels
        .filter(({ rest }) => rest !== '')
        .map(({ name, rest }) => [name, new IdFinder(rest)]),
    );
  }

  /** The place of a top-level name among those that can hold the id, or -1. */
  levelOf(name: string): number {
    // Nearly every primary key is flat, and this is asked for each name of each document.
    if (this.levels.length === 1) return name === this.primaryKey ? 0 : -1;
    return this.levels.findIndex((level) => level.name === name);
  }

  /** Joins what one more member says with what the members before it said. */
  join(before: IdSearch, bytes: Uint8Array, member: IdMember): IdSearch {
    if (before.kind === 'invalid' || before.kind === 'many') return before;
    const found = this.search(bytes, member);
    if (found.kind === 'none') return before;
    return before.kind === 'id' && found.kind === 'id' ? { kind: 'many' } : found;
  }

  private search(bytes: Uint8Array, { level, start, end }: IdMember): IdSearch {
    const inner = this.inner.get(this.levels[level]?.name ?? '');
    if (inner === undefined) {
      const result = documentIdAt(bytes, start, end);
      if (result.ok) return { kind: 'id', id: result.id };
      return { kind: 'invalid', message: result.message };
    }
    if (bytes[start] !== ascii.objectOpen) return none;
    let found = none;
    scanObject(bytes, start, (name, valueStart, valueEnd) => {
      const innerLevel = inner.levelOf(name);
      if (innerLevel < 0) return;
      found = inner.join(found, bytes, { level: innerLevel, start: valueStart, end: valueEnd });
    });
    return found;
  }
}

/** A member that can hold the id. */
export interface IdMember {
  readonly level: number;
  readonly start: number;
  readonly end: number;
}

/** The engine's error for a document whose search for an id ended without one. */
export function idError(search: IdSearch, primaryKey: string, document: string): DocumentError {
  if (search.kind === 'invalid') return { code: 'invalid_document_id', message: search.message };
  if (search.kind === 'many') {
    const message = `Document have too many matching \`${primaryKey}\` attribute: \`${document}\`.`;
    return { code: 'invalid_document_id', message };
  }
  const message = `Document doesn't have a \`${primaryKey}\` attribute: \`${document}\`.`;
  return { code: 'missing_document_id', message };
}
