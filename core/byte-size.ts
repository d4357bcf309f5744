/** Amounts of bytes as people write them (`50 MiB`), read and printed as the engine does. */

export type ByteSize =
  | { readonly ok: true; readonly bytes: number }
  /** Why it is none, in the engine's words. */
  | { readonly ok: false; readonly reason: string };

const letters = ['K', 'M', 'G', 'T', 'P', 'E'] as const;
/** The engine keeps amounts in 64 bits. */
const bytesMax = 2n ** 64n - 1n;

/**
 * Reads `10`, `10B`, `1.5 MB`, `50 MiB`; a small `b` means bits, of which eight are a byte, rounded up.
 * An amount beyond 2^53 is given as the nearest number.
 */
export function parseByteSize(input: string): ByteSize {
  const text = input.trim();
  const first = [...text][0];
  if (first === undefined) return refused('no value can be found');
  const number = /^\d+(?:\.\d+)?/.exec(text)?.[0];
  if (number === undefined) return refused(`the character ${quoted(first)} is not a number`);
  const rest = text.slice(number.length);
  if (!number.includes('.') && rest.startsWith('.')) {
    const next = [...rest][1] ?? '.';
    return refused(`the character ${quoted(next)} is not a number`);
  }
  const unit = readUnit([...rest.replace(/^ +/, '')]);
  if (!unit.ok) return unit;
  const [whole = '0', fraction = ''] = number.split('.');
  const scale = 10n ** BigInt(fraction.length);
  const bits = BigInt(whole + fraction) * unit.bits;
  const divisor = scale * 8n;
  const bytes = (bits + divisor - 1n) / divisor;
  if (bytes > bytesMax) return refused(`the value ${number} exceeds the valid range`);
  return { ok: true, bytes: Number(bytes) };
}

/** `2.44140625 KiB`, in the largest unit of either kind that the amount fills. */
export function byteSizeText(bytes: number): string {
  for (let power = letters.length; power > 0; power -= 1) {
    const letter = letters[power - 1] ?? '';
    if (bytes >= 1024 ** power) return `${String(bytes / 1024 ** power)} ${letter}iB`;
    if (bytes >= 1000 ** power) return `${String(bytes / 1000 ** power)} ${letter}B`;
  }
  return `${String(bytes)} B`;
}

type Unit = { readonly ok: true; readonly bits: bigint } | Extract<ByteSize, { ok: false }>;

function readUnit(chars: readonly string[]): Unit {
  const [first] = chars;
  if (first === undefined) return { ok: true, bits: 8n };
  if (first === 'B' || first === 'b') return readBytes(chars.slice(1), first, 1n);
  const power = letters.findIndex((letter) => letter === first.toUpperCase()) + 1;
  if (power === 0) return wrong(first, ['B', ...letters]);
  let at = 1;
  const binary = chars[at] === 'i' || chars[at] === 'I';
  if (binary && chars[at + 1] !== undefined) at += 1;
  const factor = (binary ? 1024n : 1000n) ** BigInt(power);
  const next = chars[at];
  if (next === undefined || (binary && chars.length === 2)) return { ok: true, bits: 8n * factor };
  if (next !== 'B' && next !== 'b') return wrong(next, ['B', 'b']);
  return readBytes(chars.slice(at + 1), next, factor);
}

/** What follows the letter for bytes or bits: nothing, or the rest of `bit` and `bits`. */
function readBytes(rest: readonly string[], letter: 'B' | 'b', factor: bigint): Unit {
  const expected = ['i', 't', 's'];
  for (const [at, char] of rest.entries()) {
    const wanted = expected[at];
    if (wanted === undefined) return wrong(char, []);
    if (char.toLowerCase() !== wanted) return wrong(char, [wanted], at !== 1);
  }
  if (rest.length === 1) return wrong('i', []);
  return { ok: true, bits: rest.length === 0 && letter === 'B' ? 8n * factor : factor };
}

function wrong(char: string, expected: readonly string[], orNone = true): Unit {
  const start = `the character ${quoted(char)} is incorrect`;
  if (expected.length === 0) return refused(`${start} (no character is expected)`);
  const names = expected.map(quoted);
  const last = names.pop() ?? '';
  const list = names.length === 0 ? last : `${names.join(', ')}, ${last} or no character`;
  // The engine says it twice where several characters would do.
  const tail = names.length === 0 && !orNone ? '' : ' or no character';
  return refused(`${start} (${list}${tail} is expected)`);
}

const quoted = (char: string): string =>
  char === "'" || char === '\\' ? `'\\${char}'` : `'${char}'`;

const refused = (reason: string): Extract<ByteSize, { ok: false }> => ({ ok: false, reason });
