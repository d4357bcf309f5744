/** Runs a parsed filter over a facet index; results are sets of document ids. */
import { ApiError } from '../errors';
import { FilterFault } from './ast';
import type { Condition, Operator, Token } from './ast';
import type { FacetField, FacetIndex } from './facet-index';
import { distanceMetres, readPoint, readRadius } from './geo';
import { normalizeFacet } from '../engine/fields';
import type { Bound } from './ordered-keys';
import { allowedOperators, isFilterable, matchingRule, patternsWith } from './rules';

type Docids = ReadonlySet<number>;

const NONE: Docids = new Set();

function union(left: Docids, right: Docids): Docids {
  if (left.size === 0) return right;
  if (right.size === 0) return left;
  const result = new Set(left);
  for (const docid of right) result.add(docid);
  return result;
}

function intersection(left: Docids, right: Docids): Docids {
  const [small, large] = left.size < right.size ? [left, right] : [right, left];
  const result = new Set<number>();
  for (const docid of small) if (large.has(docid)) result.add(docid);
  return result;
}

function difference(from: Docids, without: Docids): Docids {
  if (without.size === 0) return from;
  const result = new Set<number>();
  for (const docid of from) if (!without.has(docid)) result.add(docid);
  return result;
}

function notFilterable(attribute: string, token: Token, index: FacetIndex): FilterFault {
  const patterns = patternsWith(index.rules, isFilterable);
  const available =
    patterns.length === 0
      ? 'This index does not have configured filterable attributes.'
      : `Available filterable attribute patterns are: ${patterns.map((p) => `\`${p}\``).join(', ')}.`;
  return new FilterFault(`Attribute \`${attribute}\` is not filterable. ${available}`, token);
}

/** Every attribute is checked before anything is evaluated. */
function checkFields(condition: Condition, index: FacetIndex): void {
  switch (condition.kind) {
    case 'not':
      checkFields(condition.of, index);
      return;
    case 'and':
    case 'or':
      // Meilisearch walks the tree from a stack, so the last member is checked first.
      for (const part of [...condition.all].reverse()) checkFields(part, index);
      return;
    case 'radius':
    case 'box':
      return;
    default: {
      const rule = matchingRule(condition.field.text, index.rules);
      if (rule === null || !isFilterable(rule.features)) {
        throw notFilterable(condition.field.text, condition.field, index);
      }
    }
  }
}

function finite(token: Token): number | null {
  const text = token.text;
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) return null;
  const value = Number(text);
  return Number.isFinite(value) ? value : null;
}

function equal(field: FacetField, value: Token): Docids {
  const strings = field.strings.get(normalizeFacet(value.text)) ?? NONE;
  const number = finite(value);
  return number === null ? strings : union(strings, field.numbers.get(number) ?? NONE);
}

function compare(field: FacetField, operator: '>' | '>=' | '<' | '<=', value: Token): Docids {
  const isLower = operator === '>' || operator === '>=';
  const included = operator === '>=' || operator === '<=';
  const text: Bound<string> = { key: normalizeFacet(value.text), included };
  const strings = isLower ? field.strings.range(text, null) : field.strings.range(null, text);
  const key = finite(value);
  if (key === null) return strings;
  const bound = { key, included };
  const numbers = isLower ? field.numbers.range(bound, null) : field.numbers.range(null, bound);
  return union(numbers, strings);
}

function between(field: FacetField, from: Token, to: Token): Docids {
  const low = { key: normalizeFacet(from.text), included: true };
  const high = { key: normalizeFacet(to.text), included: true };
  const strings = field.strings.range(low, high);
  const [first, last] = [finite(from), finite(to)];
  if (first === null || last === null) return strings;
  return union(
    field.numbers.range({ key: first, included: true }, { key: last, included: true }),
    strings,
  );
}

function withText(field: FacetField, matches: (value: string) => boolean): Docids {
  const result = new Set<number>();
  for (const key of field.strings.keys()) {
    if (matches(key)) for (const docid of field.strings.get(key) ?? []) result.add(docid);
  }
  return result;
}

function operatorName(condition: Condition): Operator | 'TO' | null {
  if (condition.kind === 'compare') return condition.operator;
  if (condition.kind === 'in') return '=';
  return condition.kind === 'between' ? 'TO' : null;
}

/** A rule may forbid equality or comparison; then the request is refused. */
function checkOperator(attribute: string, condition: Condition, index: FacetIndex): void {
  const operator = operatorName(condition);
  const rule = matchingRule(attribute, index.rules);
  if (operator === null || rule === null) return;
  const isEquality = operator === '=' || operator === '!=';
  if (isEquality ? rule.features.equality : rule.features.comparison) return;
  const needed = isEquality ? 'equality' : 'comparison';
  const number = rule.index;
  throw new ApiError(
    'invalid_search_filter',
    [
      `Filter operator \`${operator}\` is not allowed for the attribute \`${attribute}\`.`,
      `  - Note: allowed operators: ${allowedOperators(rule.features).join(', ')}.`,
      `  - Note: field \`${attribute}\` matched rule #${number} in \`filterableAttributes\``,
      `  - Hint: enable ${needed} in rule #${number} by modifying the features.filter object`,
      `  - Hint: prepend another rule matching \`${attribute}\` with appropriate filter features before rule #${number}`,
    ].join('\n'),
  );
}

function onField(condition: Extract<Condition, { field: Token }>, index: FacetIndex): Docids {
  const field = index.fields.get(condition.field.text);
  if (field === undefined) return NONE;
  checkOperator(condition.field.text, condition, index);
  switch (condition.kind) {
    case 'compare':
      if (condition.operator === '=') return equal(field, condition.value);
      if (condition.operator === '!=') {
        return difference(index.documents, equal(field, condition.value));
      }
      return compare(field, condition.operator, condition.value);
    case 'between':
      return between(field, condition.from, condition.to);
    case 'in': {
      const result = new Set<number>();
      for (const value of condition.values) {
        for (const docid of equal(field, value)) result.add(docid);
      }
      return result;
    }
    case 'exists':
      return field.exists;
    case 'null':
      return field.isNull;
    case 'empty':
      return field.isEmpty;
    case 'contains': {
      const needle = normalizeFacet(condition.value.text);
      return withText(field, (value) => value.includes(needle));
    }
    case 'startsWith': {
      const prefix = normalizeFacet(condition.value.text);
      return prefix === '' ? field.exists : withText(field, (value) => value.startsWith(prefix));
    }
  }
}

function inRadius(condition: Extract<Condition, { kind: 'radius' }>, index: FacetIndex): Docids {
  const center = readPoint(condition.point);
  const radius = readRadius(condition.radius);
  if (!index.hasGeo) throw notFilterable('_geo/_geojson', condition.point[0], index);
  const result = new Set<number>();
  for (const [docid, point] of index.points) {
    if (distanceMetres(center, point) <= radius + Number.EPSILON) result.add(docid);
  }
  return result;
}

function inBox(condition: Extract<Condition, { kind: 'box' }>, index: FacetIndex): Docids {
  const [top, right] = readPoint(condition.topRight);
  const [bottom, left] = readPoint(condition.bottomLeft);
  if (top < bottom) {
    const message = `The top latitude \`${top}\` is below the bottom latitude \`${bottom}\`.`;
    throw new FilterFault(message, condition.bottomLeft[1]);
  }
  if (!index.hasGeo) throw notFilterable('_geo/_geojson', condition.topRight[0], index);
  const result = new Set<number>();
  for (const [docid, [lat, lng]] of index.points) {
    const inLongitude = right < left ? lng >= left || lng <= right : lng >= left && lng <= right;
    if (lat >= bottom && lat <= top && inLongitude) result.add(docid);
  }
  return result;
}

function evaluate(condition: Condition, index: FacetIndex): Docids {
  switch (condition.kind) {
    case 'not':
      return difference(index.documents, evaluate(condition.of, index));
    case 'or':
      return condition.all.reduce<Docids>((all, part) => union(all, evaluate(part, index)), NONE);
    case 'and': {
      let result: Docids | null = null;
      for (const part of condition.all) {
        const found = evaluate(part, index);
        result = result === null ? found : intersection(result, found);
        if (result.size === 0) break;
      }
      return result ?? NONE;
    }
    case 'radius':
      return inRadius(condition, index);
    case 'box':
      return inBox(condition, index);
    default:
      return onField(condition, index);
  }
}

/**
 * The documents that pass a filter. Throws `FilterFault` with Meilisearch's text when an attribute
 * is not filterable, `ApiError` when a rule forbids the operator.
 */
export function evaluateFilter(condition: Condition, index: FacetIndex): ReadonlySet<number> {
  checkFields(condition, index);
  return evaluate(condition, index);
}
