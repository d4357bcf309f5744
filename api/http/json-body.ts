import { MeiliError } from '../../core/errors';
import type { JsonValue } from '../../core/fleet';
import { isJsonSyntaxError, jsonFault } from '../../core/json/error';
import { findValueFault } from '../../core/json/faults';
import { JsonScanner, endOfBytes } from '../../core/json/scanner';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * The body of a JSON route. Throws Meilisearch's `missing_payload` for an empty one and its
 * `malformed_payload`, with the place as its parser names it, for bytes that are no JSON.
 */
export function parseJsonBody(bytes: Uint8Array): JsonValue {
  if (bytes.length === 0) throw new MeiliError('missing_payload', 'A json payload is missing.');
  if (tooDeep(bytes)) throw malformed(reasonOf(bytes));
  let value: JsonValue;
  try {
    // JSON.parse makes an own property of `__proto__`: it sets no prototype.
    value = JSON.parse(utf8.decode(bytes)) as JsonValue;
  } catch {
    throw malformed(reasonOf(bytes));
  }
  // The engine's parser refuses lone surrogates and numbers beyond a double, which `JSON.parse` takes.
  const fault = findValueFault(bytes, 0, bytes.length);
  if (fault !== null) throw malformed(fault.message);
  return value;
}

/** The engine's parser gives up at this depth; printing much deeper values overflows the stack. */
const depthMax = 127;
const [quote, backslash, openArray, closeArray, openObject, closeObject] = Buffer.from('"\\[]{}');

/** Whether arrays and objects are nested too deep; what stands in strings does not count. */
function tooDeep(bytes: Uint8Array): boolean {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (byte === quote) inString = !inString;
    else if (inString) at += byte === backslash ? 1 : 0;
    else if (byte === openArray || byte === openObject) depth += 1;
    else if (byte === closeArray || byte === closeObject) depth -= 1;
    if (depth > depthMax) return true;
  }
  return false;
}

export function malformed(reason: string): MeiliError {
  return new MeiliError(
    'malformed_payload',
    `The json payload provided is malformed. \`${reason}\`.`,
  );
}

/** What the engine's own parser says about the same bytes. */
function reasonOf(bytes: Uint8Array): string {
  const scanner = new JsonScanner(bytes);
  scanner.strict = true;
  try {
    scanner.skipValue();
    if (scanner.next() === endOfBytes) return 'invalid JSON';
    return scanner.peekFault(jsonFault.trailing).message;
  } catch (error) {
    if (isJsonSyntaxError(error)) return error.message;
    throw error;
  }
}
