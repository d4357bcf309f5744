/**
 * How the engine writes, normalises and orders values. Merged answers must show and order them the
 * same way, and JavaScript's own rules differ in each case.
 */

/**
 * A float as the engine's JSON writer prints it: always with a point or an exponent, an exponent
 * only outside 1e-5 … 1e16, and no plus sign in it.
 */
export function floatText(value: number): string {
  if (Object.is(value, -0)) return '-0.0';
  if (value === 0) return '0.0';
  const [mantissa = '', exponentText = '0'] = Math.abs(value).toExponential().split('e');
  const digits = mantissa.replace('.', '');
  const point = Number(exponentText) + 1;
  const sign = value < 0 ? '-' : '';
  if (point > 16 || point <= -5) {
    const tail = digits.length > 1 ? `.${digits.slice(1)}` : '';
    return `${sign}${digits[0] ?? ''}${tail}e${String(point - 1)}`;
  }
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  if (digits.length <= point) return `${sign}${digits.padEnd(point, '0')}.0`;
  return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
}

/**
 * A float as the engine writes it in a facet key: never an exponent, no point for whole numbers
 * (`1`, `0.1`, 1e21 as twenty-two digits).
 */
export function facetNumberText(value: number): string {
  const [mantissa = '', exponentText = '0'] = Math.abs(value).toExponential().split('e');
  const digits = mantissa.replace('.', '');
  const point = Number(exponentText) + 1;
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  if (value === 0) return `${sign}0`;
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  if (digits.length <= point) return sign + digits.padEnd(point, '0');
  return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
}

const asciiOnly = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;
/** Rust trims U+0085 and keeps U+FEFF; JavaScript's `trim` does the opposite. */
const edges =
  /^[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+|[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+$/g;

/**
 * The engine's normalised form of a facet string: trimmed, decomposed (NFKD), lower case, one
 * character at a time so that no final sigma is made.
 */
export function normalizeFacet(text: string): string {
  if (asciiOnly.test(text)) return text.toLowerCase();
  let out = '';
  for (const character of text.replace(edges, '').normalize('NFKD')) out += character.toLowerCase();
  return out;
}

/**
 * Order of the UTF-8 bytes. It equals the order of UTF-16 units but where a surrogate meets a unit
 * from U+E000 on, which is a smaller code point with a larger unit.
 */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    if (x < 0xd800 || y < 0xd800) return x - y;
    return fixSurrogate(x) - fixSurrogate(y);
  }
  return a.length - b.length;
}

const fixSurrogate = (unit: number): number => (unit >= 0xe000 ? unit - 0x800 : unit + 0x2000);
