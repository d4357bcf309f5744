import type { JsonValue } from '../fleet';
import { parseFilter } from './parser';
import type { FilterAst } from './types';

/** One element of a filter array: a text, or texts of which one must hold. */
export type FilterPart = string | string[];

export type NormalizedFilter =
  | {
      readonly ok: true;
      /** All must hold; to be joined with others only as one flat array. */
      readonly parts: readonly FilterPart[];
      /** The same as one tree; null when nothing is filtered. */
      readonly ast: FilterAst | null;
    }
  | { readonly ok: false; readonly reason: 'syntax' };

const syntax = { ok: false, reason: 'syntax' } as const;

/**
 * A client's `filter` member in the form in which it is sent to nodes: `a != b` is written
 * `NOT a = b`, as a node that never saw field `a` answers nothing to the former. All other bytes stay.
 * A string is one element; null, `""` and `[]` add nothing; an inner array is an OR.
 */
export function normalizeClientFilter(filter: JsonValue | undefined): NormalizedFilter {
  if (filter === undefined || filter === null) return { ok: true, parts: [], ast: null };
  const items = Array.isArray(filter) ? filter : [filter];
  const parts: FilterPart[] = [];
  const asts: FilterAst[] = [];
  for (const item of items) {
    const texts: readonly JsonValue[] = Array.isArray(item) ? item : [item];
    const ors = normalizeTexts(texts);
    if (ors === null) return syntax;
    if (ors.length === 0) continue;
    const [only] = ors;
    parts.push(Array.isArray(item) || !only ? ors.map(({ text }) => text) : only.text);
    asts.push(
      joined(
        'or',
        ors.map(({ ast }) => ast),
      ),
    );
  }
  return { ok: true, parts, ast: asts.length === 0 ? null : joined('and', asts) };
}

function normalizeTexts(items: readonly JsonValue[]): { text: string; ast: FilterAst }[] | null {
  const texts: { text: string; ast: FilterAst }[] = [];
  for (const item of items) {
    if (typeof item !== 'string') return null;
    const parsed = parseFilter(item);
    if (!parsed.ok) return null;
    if (parsed.ast !== null)
      texts.push({ text: withoutNotEqual(item, parsed.ast), ast: parsed.ast });
  }
  return texts;
}

const joined = (kind: 'and' | 'or', parts: readonly FilterAst[]): FilterAst =>
  parts.length === 1 && parts[0] ? parts[0] : { kind, parts };

/** Replaces each `a != b` in place by `NOT a = b`; `NOT` binds tighter than AND and OR. */
function withoutNotEqual(text: string, ast: FilterAst): string {
  const found: { start: number; end: number; text: string }[] = [];
  for (const { field, condition, start, end } of conditions(ast)) {
    if (condition.op !== '!=') continue;
    const { value } = condition;
    const left = text.slice(field.start, field.end);
    const right = text.slice(value.start, value.end);
    found.push({ start, end, text: `NOT ${left} = ${right}` });
  }
  let out = '';
  let from = 0;
  for (const change of found.sort((a, b) => a.start - b.start)) {
    out += text.slice(from, change.start) + change.text;
    from = change.end;
  }
  return out + text.slice(from);
}

type ConditionNode = Extract<FilterAst, { kind: 'condition' }>;

export function conditions(ast: FilterAst): ConditionNode[] {
  switch (ast.kind) {
    case 'condition':
      return [ast];
    case 'opaque':
      return [];
    case 'not':
      return conditions(ast.part);
    case 'and':
    case 'or':
      return ast.parts.flatMap(conditions);
  }
}

/** The fields a filter names, each once, in the order in which they stand. */
export const filterFields = (ast: FilterAst | null): string[] =>
  ast === null ? [] : [...new Set(conditions(ast).map(({ field }) => field.text))];

/**
 * Joins filters that must all hold. Only arrays are joined, flattened one level: an array inside an
 * array means OR, and joining texts would let a client's `a) OR (b` out of its parentheses. Null when
 * nothing is filtered.
 *
 * `tenant` and `client` must be of the form that `normalizeClientFilter` gives, or what the client sent.
 */
export function joinFilters(
  ours: string | null,
  tenant: JsonValue | readonly FilterPart[],
  client: JsonValue | readonly FilterPart[],
): JsonValue {
  const elements: JsonValue[] = ours === null ? [] : [ours];
  for (const filter of [tenant, client]) {
    if (filter === null || filter === '') continue;
    if (Array.isArray(filter)) elements.push(...(filter as JsonValue[]));
    else elements.push(filter as JsonValue);
  }
  if (elements.length === 0) return null;
  return elements.length === 1 && typeof elements[0] === 'string' ? elements[0] : elements;
}
