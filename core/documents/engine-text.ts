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

/** The compact text of the well-formed value `bytes[start, end)`. */
export function compactText(bytes: Uint8Array, start: number, end: number): string {
  const parts: string[] = [];
  let at = start;
  while (at < end) {
    const byte = bytes[at] as number;
    if (byte <= 0x20) {
      at += 1;
    } else if (byte === ascii.quote) {
      const scanner = new JsonScanner(bytes, at + 1);
      scanner.skipString();
      parts.push(JSON.stringify(decodeString(bytes, at + 1, scanner.at - 1)));
      at = scanner.at;
    } else if (isPunctuation(byte)) {
      parts.push(String.fromCharCode(byte));
      at += 1;
    } else {
      const scanner = new JsonScanner(bytes, at);
      scanner.skipValue();
      const text = decoder.decode(bytes.subarray(at, scanner.at));
      parts.push(/^[tfn]/.test(text) ? text : numberText(text));
      at = scanner.at;
    }
  }
  return parts.join('');
}

function isPunctuation(byte: number): boolean {
  return (
    byte === ascii.objectOpen ||
    byte === ascii.objectClose ||
    byte === ascii.arrayOpen ||
    byte === ascii.arrayClose ||
    byte === ascii.comma ||
    byte === ascii.colon
  );
}
