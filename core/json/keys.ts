/**
 * Decodes the names of members. A payload repeats the same few names in each document, so short
 * plain names are looked up in a small table and only made into strings the first time.
 */

const cacheSize = 1024;
const cachedLengthMax = 40;
const cache: (string | undefined)[] = new Array<string | undefined>(cacheSize).fill(undefined);

/** Bytes are UTF-8 already checked; `ignoreBOM` keeps a leading U+FEFF, which is a character here. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

const backslash = 0x5c;

/** The text of the JSON string whose content is `bytes[start, end)`, quotes excluded. */
export function decodeString(bytes: Uint8Array, start: number, end: number): string {
  const text = decoder.decode(bytes.subarray(start, end));
  if (!text.includes('\\')) return text;
  return JSON.parse(`"${text}"`) as string;
}

function equalsAscii(text: string, bytes: Uint8Array, start: number): boolean {
  for (let index = 0; index < text.length; index += 1) {
    if (text.charCodeAt(index) !== bytes[start + index]) return false;
  }
  return true;
}

/** The decoded name whose bytes, quotes excluded, are `bytes[start, end)`; its syntax was checked. */
export function decodeKey(bytes: Uint8Array, start: number, end: number): string {
  const length = end - start;
  if (length > cachedLengthMax) return decodeString(bytes, start, end);
  let hash = length;
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at] as number;
    if (byte >= 0x80 || byte === backslash) return decodeString(bytes, start, end);
    hash = (Math.imul(hash, 31) + byte) | 0;
  }
  const place = (hash ^ (hash >>> 15)) & (cacheSize - 1);
  const known = cache[place];
  if (known !== undefined && known.length === length && equalsAscii(known, bytes, start)) {
    return known;
  }
  const key = decodeString(bytes, start, end);
  cache[place] = key;
  return key;
}
