/**
 * serde_json, as Meilisearch builds it, reads a decimal number by dividing its digits by a power of
 * ten, which can miss the nearest double by one step. Answers show that value, so documents are
 * brought to it once, when they are stored.
 */
import { LosslessNumber, float } from '../engine/json';
import type { Json } from '../engine/json';

/** The double serde_json reads from the text of a non-integer number. */
function serdeDouble(text: string): number {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (match === null) return Number(text);
  const [, sign = '', whole = '', fraction = '', exponentText = '0'] = match;
  const digits = BigInt(whole + fraction);
  if (digits > 18446744073709551615n) return Number(text);
  const exponent = Number(exponentText) - fraction.length;
  if (exponent < -300 || exponent > 300) return Number(text);
  const scale = Number(`1e${Math.abs(exponent)}`);
  const magnitude = exponent < 0 ? Number(digits) / scale : Number(digits) * scale;
  return sign === '-' ? -magnitude : magnitude;
}

/** The same JSON value with every non-integer number as serde_json would have read it. */
export function withSerdeFloats(value: Json): Json {
  if (typeof value === 'number') {
    return Number.isInteger(value) ? value : float(serdeDouble(String(value)));
  }
  if (Array.isArray(value)) return value.map(withSerdeFloats);
  if (value instanceof LosslessNumber || !(value instanceof Map)) return value;
  for (const [name, item] of value) {
    if (typeof item === 'number' || (typeof item === 'object' && item !== null)) {
      value.set(name, withSerdeFloats(item));
    }
  }
  return value;
}
