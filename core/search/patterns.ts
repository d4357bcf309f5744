import type { JsonValue, Settings } from '../fleet';
import { memberOf, strings } from './fields';

/** One rule of `filterableAttributes` with its features made explicit. */
export interface FilterRule {
  readonly patterns: readonly string[];
  readonly filterable: boolean;
  readonly facetSearch: boolean;
}

/**
 * The client's rules in order. A plain string is a rule for that name and the fields below it, with
 * every feature; an object's features default to equality and facet search off.
 */
export function filterRules(settings: Settings): FilterRule[] {
  const value = settings['filterableAttributes'];
  return (Array.isArray(value) ? value : []).map(filterRule);
}

function filterRule(rule: JsonValue): FilterRule {
  if (typeof rule === 'string') return { patterns: [rule], filterable: true, facetSearch: true };
  const features = memberOf(rule, 'features');
  const filter = memberOf(features, 'filter');
  return {
    patterns: strings(memberOf(rule, 'attributePatterns')),
    filterable: memberOf(filter, 'equality') !== false || memberOf(filter, 'comparison') === true,
    facetSearch: memberOf(features, 'facetSearch') === true,
  };
}

/** The names and patterns that may be filtered on or taken as facets, sorted as messages list them. */
export function filterablePatterns(settings: Settings): string[] {
  const patterns = filterRules(settings)
    .filter(({ filterable }) => filterable)
    .flatMap((rule) => rule.patterns);
  return [...new Set(patterns)].sort();
}

/** Whether a pattern (`*`, `a*`, `*a`, `*a*` or a name) covers a field, or a field above it. */
export function matchesPattern(pattern: string, field: string): boolean {
  if (pattern === '*') return true;
  const starts = pattern.startsWith('*');
  const ends = pattern.endsWith('*');
  if (starts && ends) return field.includes(pattern.slice(1, -1));
  if (starts) return field.endsWith(pattern.slice(1));
  if (ends) return field.startsWith(pattern.slice(0, -1));
  return field === pattern || field.startsWith(`${pattern}.`);
}
