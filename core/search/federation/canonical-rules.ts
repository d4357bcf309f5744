/** What a search is ranked by, as far as it decides which rules apply. */
export type RankedKind = 'placeholder' | 'keyword' | 'vector';

/** One criterion of a `sort` parameter. */
export interface SortCriterion {
  /** Null for the distance from a point. */
  readonly field: string | null;
  readonly ascending: boolean;
}

/** Where a rule was written. */
export type RuleSource =
  | { readonly kind: 'rule'; readonly at: number }
  | { readonly kind: 'sort'; readonly rule: number; readonly at: number };

export interface CanonicalInput {
  /** The client's `rankingRules`, without hidden ones. */
  readonly rules: readonly string[];
  readonly sort: readonly SortCriterion[] | null;
  /** `matchingStrategy` is `all`: there is nothing for `words` to rank. */
  readonly allWords: boolean;
  readonly kind: RankedKind;
}

/** The rules that a search really applies, and what was changed to get them. */
export interface CanonicalRules {
  readonly rules: readonly string[];
  readonly sort: readonly SortCriterion[];
  /** One text a change, in the engine's words, numbered by the reader. */
  readonly notes: readonly string[];
}

const relevancyRules = new Set([
  'words',
  'typo',
  'proximity',
  'attribute',
  'attributeRank',
  'wordPosition',
  'exactness',
]);

export const isRelevancy = (rule: string): boolean => relevancyRules.has(rule);

/** Drops the rules that do not apply and those that stand twice, and adds `words` where it is implied. */
export function canonicalRules(input: CanonicalInput): CanonicalRules {
  return new Canonicalizer(input).run();
}

class Canonicalizer {
  readonly #rules: string[] = [];
  readonly #sort: SortCriterion[] = [];
  readonly #notes: string[] = [];
  /** Where each relevancy rule stood first. */
  readonly #seen = new Map<string, number>();
  readonly #sortedFields = new Map<string, RuleSource>();
  #sortAt: number | null = null;
  #wordsPrepended = false;
  #vectorAt: number | null = null;

  constructor(private readonly input: CanonicalInput) {}

  run(): CanonicalRules {
    for (const [at, rule] of this.input.rules.entries()) {
      if (!isRelevancy(rule)) this.#addSorting(rule, at);
      else if (this.input.kind === 'placeholder') {
        this.#note(
          `Removed relevancy rule \`${rule}\` at position ${place(at)} because the query is a placeholder search (\`q\`: "")`,
        );
      } else if (this.input.kind === 'keyword') this.#addRelevancy(rule, at);
      else if (!this.#addVector(rule, at)) break;
    }
    return { rules: this.#rules, sort: this.#sort, notes: this.#notes };
  }

  #note(text: string): void {
    this.#notes.push(text);
  }

  #addRelevancy(rule: string, at: number): void {
    const { allWords } = this.input;
    if (rule === 'words' && allWords) {
      this.#note(
        `Removed rule \`words\` at position ${place(at)} because \`query.matchingWords\` is set to \`all\``,
      );
      return;
    }
    if (rule !== 'words' && !allWords && !this.#wordsPrepended && !this.#seen.has('words')) {
      this.#note(
        `Prepended rule \`words\` before first relevancy rule \`${rule}\` at position ${place(at)}`,
      );
      this.#rules.push('words');
      this.#wordsPrepended = true;
    }
    const earlier = this.#seen.get(rule);
    if (earlier !== undefined) {
      this.#noteDuplicate(this.input.rules[earlier] ?? rule, place(at), place(earlier));
      return;
    }
    if (rule === 'words' && this.#wordsPrepended) {
      // The engine says so and yet keeps the rule.
      this.#note(
        `Removed rule \`words\` at position ${place(at)} because it was previously prepended`,
      );
    }
    this.#seen.set(rule, at);
    this.#rules.push(rule);
  }

  /** A vector search ranks once, in the place of the first relevancy rule; false: no rule follows. */
  #addVector(rule: string, at: number): boolean {
    if (this.#vectorAt === null) {
      this.#vectorAt = at;
      this.#rules.push(rule);
      return true;
    }
    const vector = place(this.#vectorAt);
    if (this.#sortedFields.size === 0) {
      this.#note(
        `Removed relevancy rule \`${rule}\` at position ${place(at)} because the query is a vector search and \`vector\` was already inserted at position ${vector}`,
      );
      return true;
    }
    this.#note(
      `Truncated relevancy rule \`${rule}\` at position ${place(at)} and later rules because the query is a vector search and \`vector\` was inserted at position ${vector}`,
    );
    return false;
  }

  #addSorting(rule: string, at: number): void {
    if (rule === 'sort') {
      this.#addSort(at);
      return;
    }
    const field = rule.replace(/:(?:asc|desc)$/, '');
    const earlier = this.#sortedFields.get(field);
    if (earlier !== undefined) {
      this.#noteDuplicate(this.#nameOf(earlier), place(at), placeOf(earlier));
      return;
    }
    this.#sortedFields.set(field, { kind: 'rule', at });
    this.#rules.push(rule);
  }

  #addSort(at: number): void {
    if (this.#sortAt !== null) {
      this.#noteDuplicate('sort', place(at), place(this.#sortAt));
      return;
    }
    if (this.input.sort === null) {
      this.#note(`Removed rule \`sort\` at position ${place(at)} because \`query.sort\` is empty`);
      return;
    }
    this.#sortAt = at;
    this.#rules.push('sort');
    let geo: RuleSource | null = null;
    for (const [ordinal, criterion] of this.input.sort.entries()) {
      const source: RuleSource = { kind: 'sort', rule: at, at: ordinal };
      const { field } = criterion;
      const earlier = field === null ? geo : (this.#sortedFields.get(field) ?? null);
      if (earlier !== null) {
        this.#noteDuplicate(this.#nameOf(earlier), placeOf(source), placeOf(earlier));
        continue;
      }
      if (field === null) geo = source;
      else this.#sortedFields.set(field, source);
      this.#sort.push(criterion);
    }
  }

  #noteDuplicate(name: string, removed: string, earlier: string): void {
    this.#note(
      `Removed duplicate rule \`${name}\` at position ${removed} as it already appears at position ${earlier}`,
    );
  }

  #nameOf(source: RuleSource): string {
    if (source.kind === 'rule') return this.input.rules[source.at] ?? 'unknown';
    const criterion = this.input.sort?.[source.at];
    if (criterion === undefined) return 'unknown';
    return `${criterion.field ?? '_geo(..)'}:${criterion.ascending ? 'asc' : 'desc'}`;
  }
}

const place = (at: number): string => `#${String(at)} in ranking rules`;

const placeOf = (source: RuleSource): string =>
  source.kind === 'rule'
    ? place(source.at)
    : `#${String(source.at)} in \`query.sort\` (as \`sort\` is #${String(source.rule)} in ranking rules)`;
