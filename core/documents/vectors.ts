import { scanArrayItems, scanObject, skipWhitespace } from '../json/scan';
import { ascii } from '../json/scanner';
import { compactText } from './engine-text';
import type { DocumentError } from './types';

/** The engine keeps no more vectors of one embedder for one document. */
const vectorsMax = 256;

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
  for (const [name, { from, to }] of ofName) {
    const fault = embedderFault(context, name, from, to);
    if (fault !== null) return fault;
  }
  return null;
}

function embedderFault(
  context: VectorContext,
  name: string,
  start: number,
  end: number,
): DocumentError | null {
  const { bytes, id, embedders } = context;
  const path = `._vectors.${name}`;
  if (bytes[start] === ascii.arrayOpen) {
    return embedders.has(name) ? embeddingsFault(context, { name, path, start }) : null;
  }
  const text = compactText(bytes, start, end);
  if (text === 'null') return null;
  if (bytes[start] !== ascii.objectOpen) {
    const shown = bytes[start] === ascii.quote ? (JSON.parse(text) as string) : text;
    return badEmbedder(
      id,
      `Expected \`${path}\` to be an array of floats, an array of arrays of floats, or an object ` +
        `with at least the field \`regenerate\`, but got the ` +
        `${kindOf(bytes[start] as number, text)} \`${shown}\``,
    );
  }
  return explicitFault(context, name, start);
}

/** `{regenerate, embeddings}`; other members are refused at the colon after their name. */
function explicitFault(context: VectorContext, name: string, start: number): DocumentError | null {
  const { bytes, id, embedders } = context;
  const path = `._vectors.${name}`;
  let regenerate = false;
  let embeddings = -1;
  let fault: DocumentError | null = null;
  scanObject(bytes, start, (key, from, to, keyStart) => {
    if (fault !== null) return;
    const text = key === 'embeddings' ? '' : compactText(bytes, from, to);
    if (key === 'embeddings') {
      embeddings = from;
    } else if (key !== 'regenerate') {
      const colon = bytes.indexOf(ascii.colon, skipKey(bytes, keyStart));
      const column = String(colon + 1 - start);
      fault = badEmbedder(
        id,
        `Could not parse \`${path}\`: trailing characters at line 1 column ${column}`,
      );
    } else if (text === 'true' || text === 'false') {
      regenerate = true;
    } else {
      const column = String(to - start);
      fault = badEmbedder(
        id,
        `Could not parse \`${path}.regenerate\`: invalid type: ${serdeKind(text)}, ` +
          `expected a boolean at line 1 column ${column}`,
      );
    }
  });
  if (fault !== null) return fault;
  if (!regenerate) {
    return badEmbedder(
      id,
      `Missing field \`${path}.regenerate\`\n  - note: \`${path}\` must be an array of floats, ` +
        'an array of arrays of floats, or an object with field `regenerate`',
    );
  }
  if (embeddings < 0 || !embedders.has(name) || bytes[embeddings] === 0x6e) return null;
  return embeddingsFault(context, { name, path: `${path}.embeddings`, start: embeddings });
}

function skipKey(bytes: Uint8Array, keyStart: number): number {
  let at = keyStart + 1;
  while (bytes[at] !== ascii.quote) at += bytes[at] === ascii.backslash ? 2 : 1;
  return at + 1;
}

function serdeKind(text: string): string {
  if (text === 'null') return 'null';
  if (text.startsWith('[')) return 'sequence';
  if (text.startsWith('{')) return 'map';
  if (text.startsWith('"')) return `string ${text}`;
  return /[.eE]/.test(text) ? `floating point \`${text}\`` : `integer \`${text}\``;
}

interface Embeddings {
  readonly name: string;
  readonly path: string;
  readonly start: number;
}

/** One vector, or a list of vectors: numbers only, of the embedder's dimensions. */
function embeddingsFault(context: VectorContext, embeddings: Embeddings): DocumentError | null {
  const { bytes, id } = context;
  const { path, start } = embeddings;
  if (bytes[start] !== ascii.arrayOpen) {
    return badEmbedder(id, `Invalid value type at \`${path}\`: expected an array`);
  }
  const nested = bytes[skipWhitespace(bytes, start + 1)] === ascii.arrayOpen;
  if (!nested) return vectorFault(context, embeddings, { at: start, index: 0, path });
  const items: number[] = [];
  scanArrayItems(bytes, start, (from) => items.push(from));
  for (const [index, at] of items.entries()) {
    const itemPath = `${path}[${String(index)}]`;
    if (bytes[at] !== ascii.arrayOpen) {
      return badEmbedder(id, `Invalid value type at \`${itemPath}\`: expected an array`);
    }
    const fault = vectorFault(context, embeddings, { at, index, path: itemPath });
    if (fault !== null) return fault;
  }
  if (items.length <= vectorsMax) return null;
  const message =
    `Too many vectors for document with id ${id}: found ${String(items.length)}, ` +
    `but limited to ${String(vectorsMax)}.`;
  return { code: 'too_many_vectors', message };
}

interface OneVector {
  readonly at: number;
  readonly index: number;
  readonly path: string;
}

function vectorFault(
  { bytes, id, embedders }: VectorContext,
  { name }: Embeddings,
  { at, index, path }: OneVector,
): DocumentError | null {
  let found = 0;
  let bad = -1;
  scanArrayItems(bytes, at, (from) => {
    if (bad < 0 && !isNumber(bytes, from)) bad = found;
    found += 1;
  });
  if (bad >= 0) {
    return badEmbedder(id, `Invalid value type at \`${path}[${String(bad)}]\`: expected a number`);
  }
  const expected = embedders.get(name) ?? null;
  // An empty list is how a client says that a document has no vector.
  if (expected === null || found === expected || found === 0) return null;
  return {
    code: 'invalid_vector_dimensions',
    message:
      `Invalid vector dimensions in document with id \`${id}\` in \`._vectors.${name}\`.\n` +
      `  - note: embedding #${String(index)} has dimensions ${String(found)}\n` +
      `  - note: embedder \`${name}\` requires ${String(expected)}`,
  };
}
