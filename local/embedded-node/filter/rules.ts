/**
 * Which attributes may be filtered, and how: the setting `filterableAttributes`. A plain name covers
 * the attribute and what is nested in it; a pattern knows `*` at its ends; the first rule that
 * matches an attribute decides.
 */
import { isObject } from '../engine/json';
import type { Json } from '../engine/json';

export interface RuleFeatures {
  readonly facetSearch: boolean;
  readonly equality: boolean;
  readonly comparison: boolean;
}

export interface FilterableRule {
  readonly patterns: readonly string[];
  /** A plain name: no wildcards, nested attributes included, all features. */
  readonly isField: boolean;
  readonly features: RuleFeatures;
}

export type PatternMatch = 'match' | 'parent' | 'none';

const ALL_FEATURES: RuleFeatures = { facetSearch: true, equality: true, comparison: true };

/** Whether `attribute` is `parent` or nested in it. */
export function isWithin(attribute: string, parent: string): boolean {
  return attribute === parent || attribute.startsWith(`${parent}.`);
}

/** Matches a plain name. */
export function matchField(name: string, attribute: string): PatternMatch {
  if (isWithin(attribute, name)) return 'match';
  return isWithin(name, attribute) ? 'parent' : 'none';
}

/** Matches a pattern, `*` allowed at either end. */
export function matchPattern(pattern: string, attribute: string): PatternMatch {
  if (pattern === '*') return 'match';
  const starts = pattern.startsWith('*');
  const ends = pattern.endsWith('*');
  const core = pattern.slice(starts ? 1 : 0, ends ? -1 : undefined);
  if (starts && ends ? attribute.includes(core) : false) return 'match';
  if (starts && !ends && attribute.endsWith(core)) return 'match';
  if (ends && !starts && attribute.startsWith(core)) return 'match';
  if (pattern === attribute) return 'match';
  return isWithin(pattern, attribute) ? 'parent' : 'none';
}

/** Matches an attribute against all patterns of a rule. */
export function matchRule(rule: FilterableRule, attribute: string): PatternMatch {
  let best: PatternMatch = 'none';
  for (const pattern of rule.patterns) {
    const found = rule.isField ? matchField(pattern, attribute) : matchPattern(pattern, attribute);
    if (found === 'match') return found;
    if (found === 'parent') best = found;
  }
  return best;
}

function flag(value: Json | undefined, fallback: boolean): boolean {
  return typeof value === 'boolean' ? value : fallback;
}

/** Reads the checked setting `filterableAttributes`. */
export function parseRules(setting: readonly Json[]): FilterableRule[] {
  return setting.map((rule) => {
    if (!isObject(rule)) {
      return { patterns: [String(rule)], isField: true, features: ALL_FEATURES };
    }
    const patterns = rule.get('attributePatterns');
    const features = rule.get('features');
    const filter = isObject(features) ? features.get('filter') : undefined;
    return {
      patterns: Array.isArray(patterns) ? patterns.map(String) : [],
      isField: false,
      features: {
        facetSearch: flag(isObject(features) ? features.get('facetSearch') : undefined, false),
        equality: flag(isObject(filter) ? filter.get('equality') : undefined, true),
        comparison: flag(isObject(filter) ? filter.get('comparison') : undefined, false),
      },
    };
  });
}

export function isFilterable(features: RuleFeatures): boolean {
  return features.equality || features.comparison;
}

/** The first rule that matches the attribute, with its place in the setting. */
export function matchingRule(
  attribute: string,
  rules: readonly FilterableRule[],
): { readonly index: number; readonly features: RuleFeatures } | null {
  const index = rules.findIndex((rule) => matchRule(rule, attribute) === 'match');
  const rule = rules[index];
  return rule === undefined ? null : { index, features: rule.features };
}

/** The patterns of all rules with the wanted features, sorted, as error messages list them. */
export function patternsWith(
  rules: readonly FilterableRule[],
  wanted: (features: RuleFeatures) => boolean,
): string[] {
  const patterns = rules.filter((rule) => wanted(rule.features)).flatMap((rule) => rule.patterns);
  return [...new Set(patterns)].sort();
}

/** Whether values of the attribute, or of what is nested in it, are kept for filters and facets. */
export function facetSelection(attribute: string, rules: readonly FilterableRule[]): PatternMatch {
  let selection: PatternMatch = 'none';
  let decided = false;
  for (const rule of rules) {
    const found = matchRule(rule, attribute);
    const used = rule.features.facetSearch || isFilterable(rule.features);
    if (found === 'match') {
      if (used && !decided) return 'match';
      decided = true;
    } else if (found === 'parent' && used) selection = 'parent';
  }
  return selection;
}

/** The operators that a rule allows, as the error message lists them. */
export function allowedOperators(features: RuleFeatures): string[] {
  if (!isFilterable(features)) return [];
  const operators = ['OR', 'AND', 'NOT'];
  if (features.equality) operators.push('=', '!=', 'IN');
  if (features.comparison) operators.push('<', '>', '<=', '>=', 'TO');
  return [...operators, 'IS EMPTY', 'IS NULL', 'EXISTS'];
}
