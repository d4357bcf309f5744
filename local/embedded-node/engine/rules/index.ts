/** Which rules a search runs, in which order, from the setting `rankingRules` and the parameter `sort`. */
import type { SearchContext } from '../search-context';
import type { MatchingStrategy } from '../settings';
import { ExactAttributeRule } from './exact-attribute-rule';
import { GeoRule } from './geo-rule';
import { proximityRule } from './proximity-rule';
import type { RankingRule } from './rule';
import { SortRule } from './sort-rule';
import { attributeRule, exactWordsRule, positionRule, typoRule, wordsRule } from './term-rules';
import { VectorRule, type VectorSpec } from './vector-rule';

export type RuleMode =
  | { readonly kind: 'query'; readonly strategy: MatchingStrategy }
  | { readonly kind: 'placeholder' }
  | { readonly kind: 'vector'; readonly vector: VectorSpec };

const RELEVANCE = [
  'words',
  'typo',
  'proximity',
  'attribute',
  'attributeRank',
  'wordPosition',
  'exactness',
];
const GEO = /^_geoPoint\(\s*([^,\s]+)\s*,\s*([^)\s]+)\s*\):(asc|desc)$/;

class RuleList {
  readonly rules: RankingRule[] = [];
  private readonly taken = new Set<string>();

  constructor(
    private readonly context: SearchContext,
    private readonly sort: readonly string[],
    private readonly mode: RuleMode,
  ) {}

  add(name: string): void {
    if (name === 'sort') {
      if (this.take('sort')) for (const criterion of this.sort) this.addCriterion(criterion);
    } else if (!RELEVANCE.includes(name)) {
      this.addCriterion(name);
    } else if (this.mode.kind === 'query') {
      this.addRelevance(name, this.mode.strategy);
    } else if (this.mode.kind === 'vector' && this.take('vector')) {
      this.rules.push(new VectorRule(this.context, this.mode.vector));
    }
  }

  private take(name: string): boolean {
    if (this.taken.has(name)) return false;
    this.taken.add(name);
    return true;
  }

  /** A field is sorted by once, whatever the direction. */
  private addCriterion(criterion: string): void {
    const geo = GEO.exec(criterion);
    if (geo) {
      const target = [Number(geo[1]), Number(geo[2])] as const;
      this.rules.push(new GeoRule(this.context, { target, ascending: geo[3] === 'asc' }));
      return;
    }
    const colon = criterion.lastIndexOf(':');
    const field = criterion.slice(0, colon);
    const ascending = criterion.slice(colon + 1) === 'asc';
    if (!this.take(`field ${field}`)) return;
    this.rules.push(new SortRule(this.context, { field, ascending }));
  }

  /** Every rule that may drop words needs the words rule before it, except where all must match. */
  private addRelevance(name: string, strategy: MatchingStrategy): void {
    const { context } = this;
    if (this.take('words') && strategy !== 'all') this.rules.push(wordsRule(context, strategy));
    if (name === 'words') return;
    const partOfAttribute = name === 'attributeRank' || name === 'wordPosition';
    if (partOfAttribute && this.taken.has('attribute')) return;
    if (
      name === 'attribute' &&
      (this.taken.has('attributeRank') || this.taken.has('wordPosition'))
    ) {
      return;
    }
    if (!this.take(name)) return;
    if (name === 'typo') this.rules.push(typoRule(context));
    if (name === 'proximity') this.rules.push(proximityRule(context));
    if (name === 'attribute' || name === 'attributeRank') this.rules.push(attributeRule(context));
    if (name === 'attribute' || name === 'wordPosition') this.rules.push(positionRule(context));
    if (name === 'exactness') {
      this.rules.push(new ExactAttributeRule(context), exactWordsRule(context));
    }
  }
}

export function rankingRules(
  context: SearchContext,
  sort: readonly string[],
  mode: RuleMode,
): readonly RankingRule[] {
  const list = new RuleList(context, sort, mode);
  for (const name of context.index.settings.rankingRules) list.add(name);
  return list.rules;
}

/** The target of a `_geoPoint` sort, if there is one; hits then carry their distance from it. */
export function geoTarget(sort: readonly string[]): readonly [number, number] | null {
  for (const criterion of sort) {
    const geo = GEO.exec(criterion);
    if (geo) return [Number(geo[1]), Number(geo[2])];
  }
  return null;
}
