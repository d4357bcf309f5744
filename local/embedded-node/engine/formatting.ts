/** `_formatted` and `_matchesPosition` of a hit. */
import { cropBounds } from './crop';
import { compareUtf8, isWithin, textOf } from './fields';
import { isObject, type Json, type JsonObject } from './json';
import type { MatchedText, Matcher } from './matcher';
import type { FormatOptions } from './types';

interface FieldFormat {
  readonly highlight: boolean;
  /** Null: not cropped. */
  readonly crop: number | null;
}

const UNCHANGED: FieldFormat = { highlight: false, crop: null };
const VECTORS = '_vectors';

/** Every path of a document, parents included, as the index would number them. */
function pathsOf(document: JsonObject): string[] {
  const paths = new Set<string>();
  const visit = (value: Json, path: string): void => {
    if (Array.isArray(value)) for (const item of value) visit(item, path);
    if (!isObject(value)) return;
    for (const [name, member] of value) {
      const below = path === '' ? name : `${path}.${name}`;
      if (below === VECTORS) continue;
      paths.add(below);
      visit(member, below);
    }
  };
  visit(document, '');
  return [...paths];
}

function isDisplayed(name: string, displayed: readonly string[]): boolean {
  return displayed.includes('*') || displayed.includes(name);
}

/** `name`, or `name:length`. */
function parseCrop(attribute: string, cropLength: number): { name: string; length: number } {
  const colon = attribute.lastIndexOf(':');
  if (colon < 0) return { name: attribute, length: cropLength };
  const length = attribute.slice(colon + 1);
  return {
    name: attribute.slice(0, colon),
    length: /^\+?\d+$/.test(length) ? Number(length) : cropLength,
  };
}

/** What happens to each field that `_formatted` shows; empty when nothing is to be formatted. */
function fieldFormats(
  document: JsonObject,
  matcher: Matcher,
  options: FormatOptions,
): ReadonlyMap<string, FieldFormat> {
  const { displayed } = options;
  const all = pathsOf(document).filter((path) => isDisplayed(path, displayed));
  const formats = new Map<string, FieldFormat>();
  const named = (name: string): readonly string[] => {
    if (name === '*') return all;
    return matcher.knowsField(name) && isDisplayed(name, displayed) ? [name] : [];
  };
  for (const attribute of options.attributesToHighlight) {
    for (const name of named(attribute)) formats.set(name, { highlight: true, crop: null });
  }
  for (const attribute of options.attributesToCrop) {
    const { name, length } = parseCrop(attribute, options.cropLength);
    for (const field of named(name)) {
      formats.set(field, { ...(formats.get(field) ?? UNCHANGED), crop: length });
    }
  }
  if (formats.size === 0) return formats;
  for (const attribute of options.attributesToRetrieve) {
    for (const name of named(attribute)) if (!formats.has(name)) formats.set(name, UNCHANGED);
  }
  return formats;
}

/** The formats of a value: those of its field, of fields above it and of fields below it. */
function formatFor(
  path: string,
  formats: readonly (readonly [string, FieldFormat])[],
): FieldFormat | null {
  const relevant = formats.filter(([name]) => isWithin(name, path) || isWithin(path, name));
  if (relevant.length === 0) return null;
  return {
    highlight: relevant.some(([, { highlight }]) => highlight),
    crop: relevant.find(([, { crop }]) => crop !== null)?.[1].crop ?? null,
  };
}

/** Puts tags around the matches and cuts the text to size. */
function formatText(matched: MatchedText, format: FieldFormat, options: FormatOptions): string {
  const { text, tokens, matches } = matched;
  const crops = format.crop !== null && format.crop > 0;
  const [start, end] = crops ? cropBounds(matched, format.crop ?? 0) : [0, text.length];
  let result = start > 0 ? options.cropMarker : '';
  let at = start;
  for (const match of format.highlight ? matches : []) {
    const tokenStart = tokens[match.tokens[0]]?.start ?? 0;
    const tokenEnd = tokens[match.tokens[1]]?.end ?? 0;
    if (tokenEnd < start || tokenStart > end) continue;
    const from = Math.max(tokenStart, start);
    const to = Math.min(tokenEnd, end);
    const matchEnd = Math.min(from + match.charCount, to);
    if (at < from) result += text.slice(at, from);
    result += options.highlightPreTag + text.slice(from, matchEnd) + options.highlightPostTag;
    result += text.slice(matchEnd, to);
    at = to;
  }
  if (at < end) result += text.slice(at, end);
  return end < text.length ? result + options.cropMarker : result;
}

type MapLeaf = (value: Json, path: string) => Json;

function mapLeaves(value: Json, path: string, map: MapLeaf): Json {
  if (Array.isArray(value)) return value.map((item) => mapLeaves(item, path, map));
  if (!isObject(value)) return map(value, path);
  const result: JsonObject = new Map();
  for (const [name, member] of value) {
    result.set(name, mapLeaves(member, path === '' ? name : `${path}.${name}`, map));
  }
  return result;
}

/** The parts of a document at these paths; arrays keep only objects when a path leads below them. */
function select(document: JsonObject, paths: ReadonlySet<string>): JsonObject {
  const result: JsonObject = new Map();
  for (const [name, value] of document) {
    if (paths.has(name) && !name.includes('.')) {
      result.set(name, value);
      continue;
    }
    const below = new Set<string>();
    for (const path of paths)
      if (path.startsWith(`${name}.`)) below.add(path.slice(name.length + 1));
    if (below.size === 0) {
      if (paths.has(name)) result.set(name, value);
    } else if (Array.isArray(value)) {
      result.set(name, selectItems(value, below));
    } else if (isObject(value)) {
      result.set(name, select(value, below));
    }
  }
  return result;
}

function selectItems(items: readonly Json[], paths: ReadonlySet<string>): Json[] {
  const result: Json[] = [];
  for (const item of items) {
    if (Array.isArray(item)) result.push(selectItems(item, paths));
    if (!isObject(item)) continue;
    const selected = select(item, paths);
    if (selected.size > 0) result.push(selected);
  }
  return result;
}

/**
 * `_formatted` of a document as stored, or null when no attribute to highlight or crop applies.
 * Numbers become strings, members keep the document's order, `_vectors` is left out.
 */
export function formatHit(
  document: JsonObject,
  matcher: Matcher,
  options: FormatOptions,
): JsonObject | null {
  const formats = fieldFormats(document, matcher, options);
  if (formats.size === 0) return null;
  const active = [...formats].filter(([, { highlight, crop }]) => highlight || crop !== null);
  const formatted = select(document, new Set(formats.keys()));
  return mapLeaves(formatted, '', (value, path) => {
    if (typeof value === 'boolean') return value;
    const text = textOf(value);
    if (text === null) return value;
    const format = formatFor(path, active);
    return format ? formatText(matcher.match(text), format, options) : text;
  }) as JsonObject;
}

function utf8Length(text: string): number {
  return Buffer.byteLength(text, 'utf8');
}

function boundsOf(
  { text, tokens, matches }: MatchedText,
  indices: readonly number[],
): JsonObject[] {
  return matches.map(({ tokens: [first], charCount }) => {
    const start = tokens[first]?.start ?? 0;
    const bounds: JsonObject = new Map<string, Json>([
      ['start', utf8Length(text.slice(0, start))],
      ['length', utf8Length(text.slice(start, start + charCount))],
    ]);
    if (indices.length > 0) bounds.set('indices', [...indices]);
    return bounds;
  });
}

/** `_matchesPosition`: where the query matches in the displayed fields, in bytes of UTF-8. */
export function matchesPosition(
  document: JsonObject,
  matcher: Matcher,
  displayed: readonly string[],
): JsonObject {
  const found = new Map<string, JsonObject[]>();
  const isShown = (path: string): boolean =>
    displayed.some((name) => name === '*' || isWithin(path, name) || isWithin(name, path));
  const visit = (value: Json, path: string, indices: readonly number[]): void => {
    if (Array.isArray(value)) {
      value.forEach((item, i) => visit(item, path, [...indices, i]));
    } else if (isObject(value)) {
      for (const [name, member] of value) {
        const below = path === '' ? name : `${path}.${name}`;
        if (below !== VECTORS && isShown(below)) visit(member, below, indices);
      }
    } else if (typeof value !== 'boolean') {
      const text = textOf(value);
      const bounds = text === null ? [] : boundsOf(matcher.match(text), indices);
      // Of the items of an array the last one with a match is reported.
      if (bounds.length > 0) found.set(path, bounds);
    }
  };
  visit(document, '', []);
  return new Map([...found].sort(([a], [b]) => compareUtf8(a, b)));
}
