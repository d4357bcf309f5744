import { decodeMillis, hiddenField, hiddenPrefix, isMillisCode } from '../hidden-fields';
import { decodeString } from './keys';
import { scanObject } from './scan';

/**
 * Takes members out of, and adds members to, objects in bytes. What is not taken out keeps its
 * bytes: no value is parsed and written again.
 */

const encoder = new TextEncoder();
const objectClose = 0x7d;
const objectOpen = 0x7b;

/** A run of bytes to be left out of, or put in place of, `[start, end)`. */
interface Cut {
  readonly start: number;
  readonly end: number;
  readonly replacement: Uint8Array | null;
}

/** `bytes[start, end)` with the cuts applied, which are ascending and apart. */
function applyCuts(
  bytes: Uint8Array,
  start: number,
  end: number,
  cuts: readonly Cut[],
): Uint8Array {
  if (cuts.length === 0) return bytes.subarray(start, end);
  let size = end - start;
  for (const cut of cuts) size += (cut.replacement?.length ?? 0) - (cut.end - cut.start);
  const result = new Uint8Array(size);
  let from = start;
  let to = 0;
  for (const cut of cuts) {
    result.set(bytes.subarray(from, cut.start), to);
    to += cut.start - from;
    if (cut.replacement !== null) {
      result.set(cut.replacement, to);
      to += cut.replacement.length;
    }
    from = cut.end;
  }
  result.set(bytes.subarray(from, end), to);
  return result;
}

type MemberDecision = (key: string, valueStart: number, valueEnd: number) => readonly Cut[] | null;

/**
 * The cuts that remove some members with their commas. A decision of null removes the member,
 * a list of cuts lies inside its value. A removed member takes the comma before it, or, where no
 * kept member comes before it, the comma after it.
 */
function memberCuts(bytes: Uint8Array, start: number, decide: MemberDecision): Cut[] {
  const cuts: Cut[] = [];
  /** The end of the last kept member, or the place after the opening brace. */
  let keptEnd = -1;
  let pendingFrom = -1;
  scanObject(bytes, start, (key, valueStart, valueEnd, memberStart) => {
    const inner = decide(key, valueStart, valueEnd);
    if (inner === null) {
      if (pendingFrom < 0) pendingFrom = keptEnd < 0 ? memberStart : keptEnd;
      // Until a kept member follows, the cut reaches to the end of this one.
      if (cuts.length > 0 && cuts[cuts.length - 1]?.start === pendingFrom) cuts.pop();
      cuts.push({ start: pendingFrom, end: valueEnd, replacement: null });
      return;
    }
    if (pendingFrom >= 0 && keptEnd < 0) {
      // Members were removed before the first kept one: the cut takes the comma after them too.
      cuts.pop();
      cuts.push({ start: pendingFrom, end: memberStart, replacement: null });
    }
    pendingFrom = -1;
    keptEnd = valueEnd;
    cuts.push(...inner);
  });
  return cuts;
}

/**
 * The object `bytes[start, end)` without the members that `shouldRemove` names, by decoded key.
 * A view of the same bytes where there is nothing to remove.
 */
export function removeMembers(
  bytes: Uint8Array,
  start: number,
  end: number,
  shouldRemove: (key: string) => boolean,
): Uint8Array {
  const cuts = memberCuts(bytes, start, (key) => (shouldRemove(key) ? null : []));
  return applyCuts(bytes, start, end, cuts);
}

/** The object `bytes[start, end)` with `text`, members as JSON text, after its own ones. */
export function appendMembers(
  bytes: Uint8Array,
  start: number,
  end: number,
  text: string,
): Uint8Array {
  const close = bytes.lastIndexOf(objectClose, end - 1);
  let last = close - 1;
  while (last > start && (bytes[last] as number) <= 0x20) last -= 1;
  const addition = encoder.encode(bytes[last] === objectOpen && last === start ? text : `,${text}`);
  const cut = { start: close, end: close, replacement: addition };
  return applyCuts(bytes, start, end, text === '' ? [] : [cut]);
}

/** Members of a hit whose own members are fields of the document. */
const mirrors: ReadonlySet<string> = new Set(['_formatted', '_matchesPosition']);

/** The time to live as the number that the client wrote; `null` and what is no code stay. */
function decodedExpiry(bytes: Uint8Array, start: number, end: number, quoted: boolean): Cut[] {
  if (bytes[start] !== 0x22) return [];
  const code = decodeString(bytes, start + 1, end - 1);
  if (!isMillisCode(code)) return [];
  const millis = String(decodeMillis(code));
  return [{ start, end, replacement: encoder.encode(quoted ? `"${millis}"` : millis) }];
}

/**
 * A document or a hit as a client may see it: without hidden fields, also inside `_formatted` and
 * `_matchesPosition`. With `ttl` the time to live, which the client wrote itself, comes back as
 * the number it was; in `_formatted` as a string, as the engine formats any number.
 */
export function stripHiddenMembers(
  bytes: Uint8Array,
  start: number,
  end: number,
  options: { readonly ttl: boolean } = { ttl: false },
): Uint8Array {
  const decideIn =
    (nested: boolean): MemberDecision =>
    (key, valueStart, valueEnd) => {
      if (key.startsWith(hiddenPrefix)) {
        if (!options.ttl || key !== hiddenField.expiresAt) return null;
        return decodedExpiry(bytes, valueStart, valueEnd, nested);
      }
      // A field of the document may have such a name too, so this looks one level deep only.
      if (!nested && mirrors.has(key) && bytes[valueStart] === objectOpen) {
        return memberCuts(bytes, valueStart, decideIn(true));
      }
      return [];
    };
  return applyCuts(bytes, start, end, memberCuts(bytes, start, decideIn(false)));
}
