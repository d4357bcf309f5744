import { scanArrayItems, scanObject, skipValue } from '../json/scan';
import { ascii } from '../json/scanner';
import { compactText } from './engine-text';
import type { DocumentError } from './types';

interface VectorContext {
  readonly bytes: Uint8Array;
  readonly id: string;
  readonly embedders: ReadonlyMap<string, number | null>;
}

function kindOf(first: number, text: string): string {
  if (first === ascii.quote) return 'string';
  if (text === 'true' || text === 'false') return 'boolean';
  return /[.eE]/.test(text) ? 'number' : 'integer';
}

function isNumber(bytes: Uint8Array, at: number): boolean {
  const byte = bytes[at] as number;
  return byte === 0x2d || (byte >= 0x30 && byte <= 0x39);
}

function badEmbedder(id: string, reason: string): DocumentError {
  return {
    code: 'invalid_vectors_type',
    message: `Bad embedder configuration in the document with id: \`${id}\`. ${reason}`,
  };
}

/**
 * What the engine says of a document's `_vectors`, the well-formed value `bytes[start, end)`; null
 * where it takes them. The shape is checked for every name, sizes only for embedders of the index.
 */
export function vectorsFault(
  context: VectorContext,
  start: number,
  end: number,
): DocumentError | null {
  const { bytes, id } = context;
  if (bytes[start] !== ascii.objectOpen) {
    return {
      code: 'invalid_vectors_type',
      message:
        `The \`_vectors\` field in the document with id: \`${id}\` is not an object. Was expecting ` +
        'an object with a key for each embedder with manually provided vectors, but instead got ' +
        `\`${compactText(bytes, start, end)}\``,
    };
  }
  const ofName = new Map<string, { from: number; to: number }>();
  scanObject(bytes, start, (name, from, to) => ofName.set(name, { from, to }));
  // The shapes of all come before the contents of any.
  const checks = [...ofName].map(([name, { from, to }]) => embedderCheck(context, name, from, to));
  for (const { fault } of checks) if (fault !== null) return fault;
  for (const { embeddings } of checks) {
    const fault = embeddings === null ? null : embeddingsFault(context, embeddings);
    if (fault !== null) return fault;
  }
  return null;
}

/** What is wrong with one embedder's entry, or where its embeddings are still to be checked. */
interface EmbedderCheck {
  readonly fault: DocumentError | null;
  readonly embeddings: Embeddings | null;
}

function embedderCheck(
  context: VectorContext,
  name: string,
  start: number,
  end: number,
): EmbedderCheck {
  const { bytes, id, embedders } = context;
  const path = `._vectors.${name}`;
  if (bytes[start] === ascii.arrayOpen) {
    const embeddings = { name, path, start, accepted: 'an array' };
    return { fault: null, embeddings: embedders.has(name) ? embeddings : null };
  }
  if (bytes[start] === ascii.objectOpen) return explicitCheck(context, name, start);
  const text = compactText(bytes, start, end);
  if (text === 'null') return { fault: null, embeddings: null };
  const shown = bytes[start] === ascii.quote ? (JSON.parse(text) as string) : text;
  const fault = badEmbedder(
    id,
    `Expected \`${path}\` to be an array of floats, an array of arrays of floats, or an object ` +
      `with at least the field \`regenerate\`, but got the ` +
      `${kindOf(bytes[start] as number, text)} \`${shown}\``,
  );
  return { fault, embeddings: null };
}

/** `{regenerate, embeddings}`. Where the engine's parser stops, the rest reads as trailing. */
function explicitCheck(context: VectorContext, name: string, start: number): EmbedderCheck {
  const { bytes, id, embedders } = context;
  const path = `._vectors.${name}`;
  let regenerate = false;
  let embeddings = -1;
  let reason: string | null = null;
  scanObject(bytes, start, (key, from, to, keyStart) => {
    if (reason !== null) return;
    if (key === 'embeddings') {
      embeddings = bytes[from] === 0x6e ? embeddings : from;
      return;
    }
    if (key !== 'regenerate') {
      const colon = bytes.indexOf(ascii.colon, skipValue(bytes, keyStart));
      reason = `\`${path}\`: trailing characters at line 1 column ${String(colon + 1 - start)}`;
      return;
    }
    const text = compactText(bytes, from, to);
    if (text === 'true' || text === 'false') regenerate = true;
    else if (/^[[{]/.test(text)) {
      reason = `\`${path}\`: trailing characters at line 1 column ${String(from + 1 - start)}`;
    } else {
      reason =
        `\`${path}.regenerate\`: invalid type: ${serdeKind(text)}, ` +
        `expected a boolean at line 1 column ${String(to - start)}`;
    }
  });
  if (reason !== null) {
    return { fault: badEmbedder(id, `Could not parse ${String(reason)}`), embeddings: null };
  }
  if (!regenerate) return { fault: missingRegenerate(id, path), embeddings: null };
  const given = embeddings >= 0 && embedders.has(name);
  const accepted = 'null or an array';
  const at = { name, path: `${path}.embeddings`, start: embeddings, accepted };
  return { fault: null, embeddings: given ? at : null };
}

function missingRegenerate(id: string, path: string): DocumentError {
  return badEmbedder(
    id,
    `Missing field \`${path}.regenerate\`\n  - note: \`${path}\` must be an array of floats, ` +
      'an array of arrays of floats, or an object with field `regenerate`',
  );
}

function serdeKind(text: string): string {
  if (text === 'null') return 'null';
  if (text.startsWith('"')) return `string ${text}`;
  return /[.eE]/.test(text) ? `floating point \`${text}\`` : `integer \`${text}\``;
}

interface Embeddings {
  readonly name: string;
  readonly path: string;
  readonly start: number;
  /** What may stand here, for the text of the error. */
  readonly accepted: string;
}

function foundText(text: string): string {
  if (text === 'null') return 'null';
  if (text.startsWith('"')) return `a string: \`${text}\``;
  if (text.startsWith('[')) return `an array: \`${text}\``;
  if (text.startsWith('{')) return `an object: \`${text}\``;
  if (text === 'true' || text === 'false') return `a boolean: \`${text}\``;
  if (/[.eE]/.test(text)) return `a number: \`${text}\``;
  return `${text.startsWith('-') ? 'a negative' : 'a positive'} integer: \`${text}\``;
}

function wrongType(context: VectorContext, path: string, at: number, accepted: string) {
  const text = compactText(context.bytes, at, skipValue(context.bytes, at));
  return badEmbedder(
    context.id,
    `Invalid value type at \`${path}\`: expected ${accepted}, but found ${foundText(text)}`,
  );
}

/** One vector, or a list of vectors: numbers only, of the embedder's dimensions. */
function embeddingsFault(context: VectorContext, embeddings: Embeddings): DocumentError | null {
  const { bytes } = context;
  const { path, start, accepted } = embeddings;
  if (bytes[start] !== ascii.arrayOpen) return wrongType(context, path, start, accepted);
  const items = itemsOf(bytes, start);
  const [first] = items;
  // An empty list is how a client says that a document has no vector.
  if (first === undefined) return null;
  if (bytes[first] !== ascii.arrayOpen) {
    if (!isNumber(bytes, first)) {
      return wrongType(context, `${path}[0]`, first, 'a number or an array');
    }
    return vectorFault(context, embeddings, { items, index: 0, path });
  }
  for (const [index, at] of items.entries()) {
    const itemPath = `${path}[${String(index)}]`;
    if (bytes[at] !== ascii.arrayOpen) return wrongType(context, itemPath, at, 'an array');
    const vector = { items: itemsOf(bytes, at), index, path: itemPath };
    const fault = vectorFault(context, embeddings, vector);
    if (fault !== null) return fault;
  }
  return null;
}

function itemsOf(bytes: Uint8Array, start: number): number[] {
  const items: number[] = [];
  scanArrayItems(bytes, start, (from) => items.push(from));
  return items;
}

interface OneVector {
  /** Where its numbers begin. */
  readonly items: readonly number[];
  readonly index: number;
  readonly path: string;
}

function vectorFault(
  context: VectorContext,
  { name }: Embeddings,
  { items, index, path }: OneVector,
): DocumentError | null {
  const bad = items.findIndex((at) => !isNumber(context.bytes, at));
  if (bad >= 0) {
    return wrongType(context, `${path}[${String(bad)}]`, items[bad] as number, 'a number');
  }
  const expected = context.embedders.get(name) ?? null;
  if (expected === null || items.length === expected) return null;
  return {
    code: 'invalid_vector_dimensions',
    message:
      `Invalid vector dimensions in document with id \`${context.id}\` in \`._vectors.${name}\`.\n` +
      `  - note: embedding #${String(index)} has dimensions ${String(items.length)}\n` +
      `  - note: embedder \`${name}\` requires ${String(expected)}`,
  };
}
