import { decodeString } from '../json/keys';
import { JsonScanner, ascii } from '../json/scanner';

/**
 * Values written as the engine writes them in the texts of its errors: compact, strings with the
 * fewest escapes, and numbers as what they became, a 64-bit integer or a double.
 */

const decoder = new TextDecoder();
const unsignedMax = 2n ** 64n - 1n;
const signedMin = -(2n ** 63n);

/** A double as serde_json writes it: never like an integer, and in powers of ten beyond 1e16. */
export function floatText(value: number): string {
  const size = Math.abs(value);
  if (Object.is(value, -0)) return '-0.0';
  if (size !== 0 && (size >= 1e16 || size < 1e-5)) return value.toExponential();
  if (Number.isInteger(value)) return `${value.toFixed(0)}.0`;
  return String(value);
}

function numberText(text: string): string {
  if (/^-?\d+$/.test(text) && text !== '-0') {
    const integer = BigInt(text);
    if (integer >= signedMin && integer <= unsignedMax) return integer.toString();
  }
  return floatText(Number(text));
}

/** An open container: finished items, or finished members by name with the name that waits. */
interface Frame {
  readonly items: string[] | null;
  readonly members: Map<string, string>;
  name: string | null;
}

function closed({ items, members }: Frame): string {
  if (items !== null) return `[${items.join(',')}]`;
  const parts = [...members].map(([name, value]) => `${JSON.stringify(name)}:${value}`);
  return `{${parts.join(',')}}`;
}

/**
 * The compact text of the well-formed value `bytes[start, end)`. Of equal names the last value
 * stands in the place of the first. The depth is not bounded, so there is a stack and no recursion.
 */
export function compactText(bytes: Uint8Array, start: number, end: number): string {
  const open: Frame[] = [];
  let result = '';
  const finish = (text: string): void => {
    const frame = open[open.length - 1];
    if (frame === undefined) result = text;
    else if (frame.items !== null) frame.items.push(text);
    else {
      frame.members.set(frame.name ?? '', text);
      frame.name = null;
    }
  };
  let at = start;
  while (at < end) {
    const byte = bytes[at] as number;
    const frame = open[open.length - 1];
    if (byte <= 0x20 || byte === ascii.comma || byte === ascii.colon) {
      at += 1;
    } else if (byte === ascii.objectOpen || byte === ascii.arrayOpen) {
      const items = byte === ascii.arrayOpen ? [] : null;
      open.push({ items, members: new Map(), name: null });
      at += 1;
    } else if (byte === ascii.objectClose || byte === ascii.arrayClose) {
      open.pop();
      finish(frame === undefined ? '' : closed(frame));
      at += 1;
    } else {
      const scanner = new JsonScanner(bytes, at);
      scanner.skipValue();
      const isName = frame !== undefined && frame.items === null && frame.name === null;
      if (isName) frame.name = decodeString(bytes, at + 1, scanner.at - 1);
      else finish(scalarText(bytes, at, scanner.at));
      at = scanner.at;
    }
  }
  return result;
}

function scalarText(bytes: Uint8Array, start: number, end: number): string {
  if (bytes[start] === ascii.quote) return JSON.stringify(decodeString(bytes, start + 1, end - 1));
  const text = decoder.decode(bytes.subarray(start, end));
  return /^[tfn]/.test(text) ? text : numberText(text);
}
