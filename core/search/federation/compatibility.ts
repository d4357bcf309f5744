import { MeiliError } from '../../errors';
import type { Settings } from '../../fleet';
import { strings } from '../fields';
import { searchKind } from '../kind';
import type { SearchRequest } from '../types';
import { canonicalRules, isRelevancy } from './canonical-rules';
import type { CanonicalRules, RankedKind, SortCriterion } from './canonical-rules';

/** A query with what is needed to tell by which rules it is ranked. */
export interface RankedQuery {
  readonly request: SearchRequest;
  readonly settings: Settings;
  readonly indexUid: string;
  readonly position: number;
}

type StepKind =
  'relevancy' | 'ascending sort' | 'descending sort' | 'ascending geo sort' | 'descending geo sort';

/** One step of a comparison; neighbouring relevancy rules are one step. */
interface Step {
  readonly kind: StepKind;
  /** As the engine names the rule in its message. */
  readonly place: string;
  readonly rule: string;
}

interface Ranked {
  readonly query: RankedQuery;
  readonly canonical: CanonicalRules;
  readonly steps: readonly Step[];
}

/**
 * The first query, in the order given, whose hits cannot be compared with those of the queries before
 * it, and Meilisearch's error for it; null when all can. It is decided by the client's own ranking
 * rules: on the nodes every index has one more rule, for which they would refuse ordinary pairs.
 */
export function firstIncompatible(
  queries: readonly RankedQuery[],
): { readonly position: number; readonly error: MeiliError } | null {
  let previous: Ranked | null = null;
  for (const query of queries) {
    const ranked = rankedOf(query);
    // A sort that is no sort is refused by a node, before its rules are compared.
    if (ranked === null) return null;
    if (previous !== null) {
      const error = incompatibility(previous, ranked);
      if (error !== null) return { position: query.position, error };
      if (previous.steps.length > ranked.steps.length) continue;
    }
    previous = ranked;
  }
  return null;
}

function rankedOf(query: RankedQuery): Ranked | null {
  const sort = readSort(query.request.sort);
  if (sort === undefined) return null;
  const canonical = canonicalRules({
    rules: strings(query.settings['rankingRules']),
    sort,
    allWords: query.request.matchingStrategy === 'all',
    kind: rankedKind(query.request),
  });
  return { query, canonical, steps: stepsOf(query, canonical) };
}

function rankedKind(request: SearchRequest): RankedKind {
  if (searchKind(request) === 'semantic') return 'vector';
  return (request.q ?? '').trim() === '' ? 'placeholder' : 'keyword';
}

/** Undefined when an element is no sort criterion. */
function readSort(sort: readonly string[] | null): SortCriterion[] | null | undefined {
  if (sort === null) return null;
  const criteria: SortCriterion[] = [];
  for (const text of sort) {
    const match = /^(.*):(asc|desc)$/s.exec(text);
    if (match === null) return undefined;
    const name = match[1] ?? '';
    const field = name.startsWith('_geoPoint(') ? null : name;
    criteria.push({ field, ascending: match[2] === 'asc' });
  }
  return criteria;
}

/**
 * Positions are those in the rules after the changes, also where the message calls them
 * `rankingRules`: the engine does so. Relevancy rules around an empty `sort` are neighbours.
 */
function stepsOf(query: RankedQuery, canonical: CanonicalRules): Step[] {
  const steps: Step[] = [];
  const { rules, sort } = canonical;
  const at = `\`queries[${String(query.position)}]`;
  const ruleStep = (begin: number, end: number): Step => {
    const range = end === begin ? String(begin) : `${String(begin)}..=${String(end)}`;
    return {
      kind: ruleKind(rules[end] ?? ''),
      place: `${at}\`, \`${query.indexUid}.rankingRules[${range}]\``,
      rule: `rule(s) ${rules.slice(begin, end + 1).join(', ')}`,
    };
  };
  let begin: number | null = null;
  rules.forEach((rule, i) => {
    if (rule === 'sort') {
      if (sort.length > 0) begin = null;
      sort.forEach((criterion, j) => {
        const where = `${at}.sort[${String(j)}]\`, \`${query.indexUid}.rankingRules[${String(i)}]\``;
        steps.push(sortStep(criterion, where));
      });
    } else if (!isRelevancy(rule)) {
      begin = null;
      steps.push(ruleStep(i, i));
    } else {
      if (begin !== null) steps.pop();
      begin ??= i;
      steps.push(ruleStep(begin, i));
    }
  });
  return steps;
}

function ruleKind(rule: string): StepKind {
  if (isRelevancy(rule)) return 'relevancy';
  return rule.endsWith(':asc') ? 'ascending sort' : 'descending sort';
}

function sortStep(criterion: SortCriterion, place: string): Step {
  const direction = criterion.ascending ? 'ascending' : 'descending';
  return criterion.field === null
    ? { kind: `${direction} geo sort`, place, rule: 'rule(s) default' }
    : { kind: `${direction} sort`, place, rule: `rule(s) on field \`${criterion.field}\`` };
}

function incompatibility(previous: Ranked, current: Ranked): MeiliError | null {
  const steps = Math.min(previous.steps.length, current.steps.length);
  for (let i = 0; i < steps; i++) {
    const before = previous.steps[i];
    const now = current.steps[i];
    if (before === undefined || now === undefined || before.kind === now.kind) continue;
    return new MeiliError(
      'invalid_multi_search_query_ranking_rules',
      `The results of queries #${String(previous.query.position)} and #${String(current.query.position)} are incompatible: \n` +
        `  1. ${describe(before)}\n  2. ${describe(now)}\n  - ${reason(before.kind, now.kind)}\n` +
        notesOf(previous) +
        notesOf(current),
    );
  }
  return null;
}

const describe = (step: Step): string => `${step.place}: ${step.kind} ${step.rule}`;

function notesOf({ query, canonical }: Ranked): string {
  if (canonical.notes.length === 0) return '';
  const lines = canonical.notes.map((note, i) => {
    // The engine indents this one note by a blank less.
    const indent = note.endsWith('`query.sort` is empty') ? '   ' : '    ';
    return `${indent}${String(i + 1)}. ${note}\n`;
  });
  return `  - note: The ranking rules of query #${String(query.position)} were modified during canonicalization:\n${lines.join('')}`;
}

function reason(a: StepKind, b: StepKind): string {
  const isGeo = (kind: StepKind): boolean => kind.endsWith('geo sort');
  if (a === 'relevancy' || b === 'relevancy') {
    return isGeo(a) || isGeo(b)
      ? 'cannot compare a relevancy rule with a geosort rule'
      : 'cannot compare a relevancy rule with a sort rule';
  }
  if (isGeo(a) !== isGeo(b)) return 'cannot compare a sort rule with a geosort rule';
  return isGeo(a)
    ? 'cannot compare two geosort rules in opposite directions'
    : 'cannot compare two sort rules in opposite directions';
}
