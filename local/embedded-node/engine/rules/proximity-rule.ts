/**
 * Words that stand close together are better. For two neighbouring terms there is an edge for each
 * distance, and one for any distance. A word before its neighbour is as good as one more behind it.
 */
import { Bitset } from '../bitset';
import type { Phrase } from '../query-term';
import { type TermSubset, width } from '../query-term';
import { MAX_DISTANCE, type SearchContext } from '../search-context';
import { type Condition, type EdgeBuilder, type EdgeSpec, GraphRule } from './graph-rule';
import type { RankingRule } from './rule';

/** A word that a term may begin or end with, and the documents in which it does. */
interface Side {
  readonly wordId: number;
  /** Null: wherever the word stands. */
  readonly phrase: Phrase | null;
  /** A completion of a common prefix: counts only behind the left word. */
  readonly isCompletion: boolean;
}

interface SideDocs {
  readonly sides: ReadonlyMap<number, readonly Side[]>;
}

class ProximityEdges implements EdgeBuilder {
  private readonly known = new Map<string, Condition[]>();
  private readonly terms = new Map<string, Condition>();

  constructor(
    private readonly context: SearchContext,
    private readonly universe: Bitset,
  ) {}

  edges(from: TermSubset | null, to: TermSubset): readonly EdgeSpec[] {
    const base = width(to) - 1;
    const anywhere = this.anywhere(to);
    if (!from || from.positions[1] + 1 !== to.positions[0]) {
      return [{ cost: base, condition: anywhere }];
    }
    const near = this.near(from, to).map((condition, i) => ({ cost: base + i, condition }));
    return [...near, { cost: base + MAX_DISTANCE - 1, condition: anywhere }];
  }

  private anywhere(to: TermSubset): Condition {
    let condition = this.terms.get(to.key);
    if (!condition) {
      condition = { from: null, to, resolve: () => this.context.subsetDocids(to) };
      this.terms.set(to.key, condition);
    }
    return condition;
  }

  /** The conditions for the distances 1, 2 and 3; all are computed when one is asked for. */
  private near(from: TermSubset, to: TermSubset): readonly Condition[] {
    const key = `${from.key}>${to.key}`;
    let conditions = this.known.get(key);
    if (!conditions) {
      let sets: Bitset[] | null = null;
      conditions = Array.from({ length: MAX_DISTANCE - 1 }, (_, i) => ({
        from,
        to,
        resolve: () => (sets ??= this.compute(from, to))[i] ?? Bitset.empty(this.context.capacity),
      }));
      this.known.set(key, conditions);
    }
    return conditions;
  }

  private compute(from: TermSubset, to: TermSubset): Bitset[] {
    const { context } = this;
    const sets = Array.from({ length: MAX_DISTANCE - 1 }, () => Bitset.empty(context.capacity));
    const lefts = this.docsOf(this.leftSides(from, to), this.universe);
    const leftDocids = Bitset.of(lefts.sides.keys(), context.capacity);
    const rights = this.docsOf(this.rightSides(to), leftDocids);
    const everyDistance = context.index.settings.proximityPrecision === 'byAttribute';
    for (const [docid, right] of rights.sides) {
      for (const l of lefts.sides.get(docid) ?? []) {
        for (const r of right) this.mark(docid, [l, r], { sets, everyDistance });
      }
    }
    return sets;
  }

  private mark(
    docid: number,
    [left, right]: readonly [Side, Side],
    { sets, everyDistance }: { sets: readonly Bitset[]; everyDistance: boolean },
  ): void {
    const { context } = this;
    const forward = context.distance(docid, left.wordId, right.wordId);
    if (everyDistance) {
      if (forward > 0) for (const set of sets) set.add(docid);
      return;
    }
    if (forward > 0) sets[forward - 1]?.add(docid);
    if (left.phrase || right.phrase || right.isCompletion) return;
    const backward = context.distance(docid, right.wordId, left.wordId);
    if (backward > 0) sets[backward]?.add(docid);
  }

  /**
   * With several words to the right, Meilisearch leaves out a left word that no document at hand has
   * where typos are tolerated, although it looks at distances in all fields otherwise.
   */
  private leftSides(subset: TermSubset, right: TermSubset): Side[] {
    const { words, phrases } = this.context.expansion(subset);
    const others = this.context.expansion(right);
    const isSelective = others.words.length + others.phrases.length > 1;
    const kept = words.filter((word) => {
      if (!isSelective || !this.context.isKnown(word)) return true;
      return this.context.wordDocids(word).intersects(this.universe);
    });
    return [
      ...kept.map(({ text }) => this.side(text, null)),
      ...phrases.map((phrase) => this.side(phrase.words[phrase.words.length - 1] ?? null, phrase)),
    ].filter((side) => side !== null);
  }

  private rightSides(subset: TermSubset): Side[] {
    const { words, phrases, commonPrefix } = this.context.expansion(subset);
    const sides = [
      ...words.map(({ text }) => this.side(text, null)),
      ...phrases.map((phrase) => this.side(phrase.words[0] ?? null, phrase)),
    ].filter((side) => side !== null);
    if (!commonPrefix) return sides;
    for (const text of this.context.wordsWithPrefix(commonPrefix.text)) {
      const side = this.side(text, null);
      if (side) sides.push({ ...side, isCompletion: text !== commonPrefix.text });
    }
    return sides;
  }

  private side(word: string | null, phrase: Phrase | null): Side | null {
    const entry = word === null ? undefined : this.context.index.word(word);
    return entry ? { wordId: entry.id, phrase, isCompletion: false } : null;
  }

  /** Which sides occur in which documents of `within`. */
  private docsOf(sides: readonly Side[], within: Bitset): SideDocs {
    const found = new Map<number, Side[]>();
    for (const side of sides) {
      const entry = this.context.index.wordById(side.wordId);
      const phraseDocids = side.phrase && this.context.phraseDocids(side.phrase);
      for (const docid of entry?.docids ?? []) {
        if (!within.has(docid) || (phraseDocids && !phraseDocids.has(docid))) continue;
        const list = found.get(docid);
        if (list) list.push(side);
        else found.set(docid, [side]);
      }
    }
    return { sides: found };
  }
}

export function proximityRule(context: SearchContext): RankingRule {
  return new GraphRule({
    context,
    strategy: null,
    builder: (universe) => new ProximityEdges(context, universe),
    detail: (rank) => ({ rule: 'proximity', rank }),
  });
}
