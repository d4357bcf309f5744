import type { JsonValue, Settings } from '../fleet';
import { decodeMillis, hiddenField, hiddenPrefix, hiddenRankingRule } from '../hidden-fields';
import { arrayItems, detailsKey, formattedKey, positionsKey, scoreKey } from './hits';
import type { Hit } from './hits';
import {
  keyBytes,
  objectMembers,
  spanEquals,
  spanStartsWith,
  spanText,
  utf8,
} from './answer-bytes';
import type { MemberSpan } from './answer-bytes';
import { covers, displayedFields, distinctField } from './fields';
import type { SearchRequest } from './types';

/**
 * What must be taken out of a hit before a client sees it. The nodes already project each document
 * on the displayed attributes (they were asked so), so this only strips what Miroir added: hidden
 * fields, the details and scores it asked for itself, and the field that `distinct` needed.
 */
export interface Projection {
  readonly showScore: boolean;
  readonly showDetails: boolean;
  /** The displayed attributes, or null for all. */
  readonly displayed: readonly string[] | null;
  /** Path of a field that was asked for only by the merge, without what the client asked for. */
  readonly extra: readonly string[] | null;
  readonly extraInFormatted: boolean;
  readonly ttl: boolean;
}

const hiddenBytes = utf8(hiddenPrefix);
const underscore = 0x5f;
const expiresKey = keyBytes(hiddenField.expiresAt);

export function projectionOf(request: SearchRequest, settings: Settings, ttl: boolean): Projection {
  const displayed = displayedFields(settings);
  const extra = extraField(request, settings);
  const formats = [
    ...(request.attributesToHighlight ?? []),
    ...(request.attributesToCrop ?? []).map((one) => one.replace(/:[^:]*$/, '')),
  ];
  return {
    showScore: request.showRankingScore,
    showDetails: request.showRankingScoreDetails,
    displayed,
    extra: extra === null ? null : extra.split('.'),
    extraInFormatted:
      extra !== null && covers(formats, extra) && (displayed === null || covers(displayed, extra)),
    ttl,
  };
}

/**
 * The distinct field, when the client's own projection does not return it. `rewrite` adds it to what
 * the nodes retrieve and the projection takes it out again: both ask here.
 */
export function extraField(request: SearchRequest, settings: Settings): string | null {
  const field = distinctField(request, settings);
  if (field === null) return null;
  const retrieved = retrievedFields(request, settings);
  return retrieved === null || covers(retrieved, field) ? null : field;
}

/**
 * What the client may see of a document: absent or `*` means the displayed attributes, else the
 * names that are displayed too. Names are compared whole, as the engine does: a displayed `a` does
 * not make `a.b` displayed. Null means everything.
 */
export function retrievedFields(
  request: SearchRequest,
  settings: Settings,
): readonly string[] | null {
  const displayed = displayedFields(settings);
  const wanted = request.attributesToRetrieve;
  if (wanted === null || wanted.includes('*')) return displayed;
  return displayed === null ? wanted : wanted.filter((name) => displayed.includes(name));
}

/** The bytes of one hit as the client sees it, as pieces to be written one after another. */
export function projectHit(hit: Hit, projection: Projection, out: Uint8Array[]): void {
  const { bytes } = hit;
  let runStart = -1;
  let runEnd = -1;
  let wrote = false;
  out.push(openBrace);
  const flush = (): void => {
    if (runStart < 0) return;
    if (wrote) out.push(commaBytes);
    out.push(bytes.subarray(runStart, runEnd));
    wrote = true;
    runStart = -1;
  };
  for (const member of hit.members) {
    const change = memberChange(hit, member, projection);
    if (change === keep) {
      if (runStart < 0) runStart = member.keyStart - 1;
      runEnd = member.valueEnd;
      continue;
    }
    flush();
    if (change === null) continue;
    if (wrote) out.push(commaBytes);
    out.push(bytes.subarray(member.keyStart - 1, member.valueStart), change);
    wrote = true;
  }
  flush();
  out.push(closeBrace);
}

const openBrace = utf8('{');
const closeBrace = utf8('}');
const commaBytes = utf8(',');
const keep = utf8('keep');

/** `keep`, null to drop the member, or the bytes of its new value. */
function memberChange(hit: Hit, member: MemberSpan, projection: Projection): Uint8Array | null {
  const { bytes } = hit;
  const { keyStart, keyEnd } = member;
  if (bytes[keyStart] === underscore) {
    if (spanStartsWith(bytes, keyStart, keyEnd, hiddenBytes)) {
      return projection.ttl && spanEquals(bytes, keyStart, keyEnd, expiresKey)
        ? decodedExpiry(bytes, member)
        : null;
    }
    if (spanEquals(bytes, keyStart, keyEnd, scoreKey)) return projection.showScore ? keep : null;
    if (spanEquals(bytes, keyStart, keyEnd, detailsKey)) {
      return projection.showDetails ? clientDetails(hit, member, projection) : null;
    }
    if (spanEquals(bytes, keyStart, keyEnd, positionsKey)) {
      return clientPositions(bytes, member, projection);
    }
    if (spanEquals(bytes, keyStart, keyEnd, formattedKey)) {
      return clientFormatted(bytes, member, projection);
    }
  }
  return projection.extra === null ? keep : withoutPath(bytes, member, projection.extra);
}

function decodedExpiry(bytes: Uint8Array, member: MemberSpan): Uint8Array | null {
  const code = JSON.parse(spanText(bytes, member.valueStart, member.valueEnd)) as JsonValue;
  return typeof code === 'string' ? utf8(String(decodeMillis(code))) : null;
}

/** Drops the hidden last rule; a rule on a field that is not displayed loses name and value. */
function clientDetails(hit: Hit, member: MemberSpan, projection: Projection): Uint8Array {
  const { bytes } = hit;
  return rebuilt(bytes, member.valueStart, (rule) => {
    const name = spanText(bytes, rule.keyStart, rule.keyEnd);
    if (name === hiddenRankingRule) return null;
    const field = sortedField(name);
    if (field === null || (projection.displayed?.includes(field) ?? true)) return keep;
    const order = /"order":(\d+)/.exec(spanText(bytes, rule.valueStart, rule.valueEnd))?.[1] ?? '0';
    return utf8(`"<hidden-rule-${order}>":{"order":${order},"value":"<hidden>"}`);
  });
}

/** The field of a rule named `field:asc` or `field:desc`; points are never redacted. */
function sortedField(encodedName: string): string | null {
  const rule = JSON.parse(`"${encodedName}"`) as string;
  if (rule.startsWith('_geoPoint(')) return null;
  if (rule.endsWith(':asc')) return rule.slice(0, -4);
  return rule.endsWith(':desc') ? rule.slice(0, -5) : null;
}

function clientPositions(
  bytes: Uint8Array,
  member: MemberSpan,
  projection: Projection,
): Uint8Array {
  return rebuilt(bytes, member.valueStart, (field) => {
    const name = JSON.parse(spanText(bytes, field.keyStart - 1, field.keyEnd + 1)) as string;
    if (name.startsWith(hiddenPrefix)) return null;
    return projection.displayed === null || covers(projection.displayed, name) ? keep : null;
  });
}

function clientFormatted(
  bytes: Uint8Array,
  member: MemberSpan,
  projection: Projection,
): Uint8Array | null {
  const extra = projection.extraInFormatted ? null : projection.extra;
  const text = rebuilt(bytes, member.valueStart, (field) => {
    if (spanStartsWith(bytes, field.keyStart, field.keyEnd, hiddenBytes)) return null;
    if (extra === null) return keep;
    const change = withoutPath(bytes, field, extra);
    if (change === keep || change === null) return change;
    return Buffer.concat([bytes.subarray(field.keyStart - 1, field.valueStart), change]);
  });
  // Without the added field the node would have formatted nothing and written no such member.
  return extra !== null && text.length <= 2 ? null : text;
}

/** An object with each member kept, dropped (null) or replaced by another member's text. */
function rebuilt(
  bytes: Uint8Array,
  at: number,
  change: (member: MemberSpan) => Uint8Array | null,
): Uint8Array {
  const { members, end } = objectMembers(bytes, at);
  const kept: Uint8Array[] = [];
  let same = true;
  for (const member of members) {
    const result = change(member);
    if (result !== keep) same = false;
    if (result === null) continue;
    if (kept.length > 0) kept.push(commaBytes);
    kept.push(result === keep ? bytes.subarray(member.keyStart - 1, member.valueEnd) : result);
  }
  return same ? bytes.subarray(at, end) : Buffer.concat([openBrace, ...kept, closeBrace]);
}

/**
 * The member without the field at `path`: null when nothing of it is left, `keep` when the path does
 * not pass through it. Arrays are walked; an object that is left empty goes, as the engine's own
 * selection of nested fields would not have made it.
 */
function withoutPath(
  bytes: Uint8Array,
  member: MemberSpan,
  path: readonly string[],
): Uint8Array | null {
  const [head = '', ...rest] = path;
  if (!spanEquals(bytes, member.keyStart, member.keyEnd, keyBytes(head))) return keep;
  if (rest.length === 0) return null;
  return withoutPathInValue(bytes, member.valueStart, member.valueEnd, rest);
}

function withoutPathInValue(
  bytes: Uint8Array,
  start: number,
  end: number,
  path: readonly string[],
): Uint8Array | null {
  if (bytes[start] === 0x7b) {
    const text = rebuilt(bytes, start, (member) => {
      const change = withoutPath(bytes, member, path);
      if (change === keep || change === null) return change;
      return Buffer.concat([bytes.subarray(member.keyStart - 1, member.valueStart), change]);
    });
    return text.length <= 2 ? null : text;
  }
  if (bytes[start] !== 0x5b) return bytes.subarray(start, end);
  const items = arrayItems(bytes, start)
    .map((item) => withoutPathInValue(bytes, item.start, item.end, path))
    .filter((item): item is Uint8Array => item !== null);
  if (items.length === 0) return null;
  const pieces = items.flatMap((item, i) => (i === 0 ? [item] : [commaBytes, item]));
  return Buffer.concat([utf8('['), ...pieces, utf8(']')]);
}
