/** The graph rules that look at one term at a time: words, typo, attribute, position, exactness. */
import { Bitset } from '../bitset';
import { bucketedPosition } from '../inverted-index';
import {
  exactTerm,
  makeSubset,
  maxTypoCost,
  type Phrase,
  type TermSubset,
  width,
} from '../query-term';
import type { SearchContext } from '../search-context';
import type { MatchingStrategy } from '../settings';
import { type Condition, type EdgeSpec, GraphRule } from './graph-rule';
import type { RankingRule } from './rule';

/** Conditions are shared by all edges to one subset, so each is resolved once. */
class ConditionPool {
  private readonly pool = new Map<string, Condition>();

  get(key: string, make: () => Condition): Condition {
    let condition = this.pool.get(key);
    if (!condition) this.pool.set(key, (condition = make()));
    return condition;
  }
}

function subsetCondition(context: SearchContext, to: TermSubset): Condition {
  return { from: null, to, resolve: () => context.subsetDocids(to) };
}

export function wordsRule(context: SearchContext, strategy: MatchingStrategy): RankingRule {
  return new GraphRule({
    context,
    strategy,
    builder: () => {
      const pool = new ConditionPool();
      return {
        edges: (_from, to) => [
          { cost: 0, condition: pool.get(to.key, () => subsetCondition(context, to)) },
        ],
      };
    },
    detail: (rank) => ({ rule: 'words', rank }),
  });
}

/** Joined words count as typos: two words as two, three as three. */
export function typoRule(context: SearchContext): RankingRule {
  return new GraphRule({
    context,
    strategy: null,
    builder: () => {
      const pool = new ConditionPool();
      return {
        edges: (_from, to) => {
          const base = width(to) === 1 ? 0 : width(to);
          return Array.from({ length: maxTypoCost(to) + 1 }, (_, typos): EdgeSpec => {
            const subset = makeSubset({
              ...to,
              zero: typos === 0 ? to.zero : 'nothing',
              one: typos === 1 && to.one,
              two: typos === 2 && to.two,
            });
            const key = `${subset.key}/${typos}`;
            const condition = pool.get(key, () => subsetCondition(context, subset));
            return { cost: base + typos, condition };
          });
        },
      };
    },
    detail: (rank) => ({ rule: 'typo', rank }),
  });
}

/** Adds the docid to the set of its cost. */
function put(byCost: Map<number, Bitset>, cost: number, docid: number, capacity: number): void {
  let set = byCost.get(cost);
  if (!set) byCost.set(cost, (set = Bitset.empty(capacity)));
  set.add(docid);
}

interface OccurrenceVisitor {
  (docid: number, place: number): void;
}

/** Calls `visit` for each occurrence, in the documents of `universe`, of the words of a subset. */
function forEachOccurrence(
  context: SearchContext,
  subset: TermSubset,
  scope: { universe: Bitset; visit: OccurrenceVisitor; visitPhrase: (phrase: Phrase) => void },
): void {
  const { words, phrases, commonPrefix } = context.expansion(subset);
  const isWanted = new Uint8Array(context.index.wordIdLimit);
  const docids = Bitset.empty(context.capacity);
  const texts = words.map(({ text }) => text);
  if (commonPrefix) texts.push(...context.wordsWithPrefix(commonPrefix.text));
  for (const text of texts) {
    const entry = context.index.word(text);
    if (!entry) continue;
    isWanted[entry.id] = 1;
    for (const docid of entry.docids) docids.add(docid);
  }
  for (const docid of docids.and(scope.universe)) {
    const doc = context.index.documents.get(docid);
    if (!doc) continue;
    for (let i = 0; i < doc.wordIds.length; i += 1) {
      if (isWanted[doc.wordIds[i] as number] === 1) scope.visit(docid, doc.places[i] ?? 0);
    }
  }
  for (const phrase of phrases) scope.visitPhrase(phrase);
}

function firstWord(phrase: Phrase): string | null {
  return phrase.words.find((word) => word !== null) ?? null;
}

/** Occurrences of a phrase are those of its first word, in documents that have the phrase. */
function forEachPhraseStart(
  context: SearchContext,
  phrase: Phrase,
  { universe, visit }: { universe: Bitset; visit: OccurrenceVisitor },
): void {
  const entry = context.index.word(firstWord(phrase) ?? '');
  if (!entry) return;
  for (const docid of context.phraseDocids(phrase).and(universe)) {
    const doc = context.index.documents.get(docid);
    if (!doc) continue;
    for (let i = 0; i < doc.wordIds.length; i += 1) {
      if (doc.wordIds[i] === entry.id) visit(docid, doc.places[i] ?? 0);
    }
  }
}

/** Edges by the cost of each occurrence; an empty edge of the greatest cost fixes the scale. */
function occurrenceEdges(
  context: SearchContext,
  to: TermSubset,
  {
    universe,
    costOf,
    maxCost,
  }: {
    universe: Bitset;
    costOf: (place: number) => number | null;
    maxCost: number | null;
  },
): EdgeSpec[] {
  const byCost = new Map<number, Bitset>();
  const visit: OccurrenceVisitor = (docid, place) => {
    const cost = costOf(place);
    if (cost !== null) put(byCost, cost, docid, context.capacity);
  };
  forEachOccurrence(context, to, {
    universe,
    visit,
    visitPhrase: (phrase) => forEachPhraseStart(context, phrase, { universe, visit }),
  });
  if (maxCost !== null && !byCost.has(maxCost)) byCost.set(maxCost, Bitset.empty(context.capacity));
  return [...byCost]
    .sort(([a], [b]) => a - b)
    .map(([cost, docids]) => ({ cost, condition: { from: null, to, resolve: () => docids } }));
}

/** Remembers the edges to each subset for the length of a run. */
function perSubset(make: (to: TermSubset) => EdgeSpec[]): (to: TermSubset) => EdgeSpec[] {
  const known = new Map<string, EdgeSpec[]>();
  return (to) => {
    let edges = known.get(to.key);
    if (!edges) known.set(to.key, (edges = make(to)));
    return edges;
  };
}

/** Attributes named earlier in searchableAttributes are better. */
export function attributeRule(context: SearchContext): RankingRule {
  return new GraphRule({
    context,
    strategy: null,
    builder: (universe) => {
      const edgesTo = perSubset((to) => {
        const { maxWeight, fields } = context.index;
        const size = width(to);
        const edges = occurrenceEdges(context, to, {
          universe,
          costOf: (place) => {
            const fid = place >>> 16;
            const weight = fields[fid]?.weight ?? null;
            return weight === null || !context.mayUse(fid) ? null : weight * size;
          },
          maxCost: maxWeight === null ? null : maxWeight * size,
        });
        return edges;
      });
      return { edges: (_from, to) => edgesTo(to) };
    },
    detail: (rank) => ({ rule: 'fid', rank }),
  });
}

const POSITION_LIMITS = [0, 1, 4, 7, 11, 16, 24, 64, 256, 1024];
const MAX_POSITION_COST = 10;

function positionCost(distance: number): number {
  const at = POSITION_LIMITS.findIndex((limit) => distance <= limit);
  return at < 0 ? MAX_POSITION_COST : at;
}

/** Words near the place they have in the query are better. */
export function positionRule(context: SearchContext): RankingRule {
  return new GraphRule({
    context,
    strategy: null,
    builder: (universe) => {
      const edgesTo = perSubset((to) =>
        occurrenceEdges(context, to, {
          universe,
          costOf: (place) => {
            const distance = Math.abs(bucketedPosition(place & 0xffff) - to.positions[0]);
            let cost = 0;
            for (let i = 0; i < width(to); i += 1) cost += positionCost(distance + i);
            return cost;
          },
          maxCost: width(to) * MAX_POSITION_COST,
        }),
      );
      return { edges: (_from, to) => edgesTo(to) };
    },
    detail: (rank) => ({ rule: 'position', rank }),
  });
}

/** Words that stand in the document exactly as in the query are better. */
export function exactWordsRule(context: SearchContext): RankingRule {
  const resolveExact = (to: TermSubset): Bitset => {
    const exact = exactTerm(to);
    if (exact === null) return Bitset.empty(context.capacity);
    if (typeof exact === 'string') return context.wordDocids({ text: exact, isDerived: false });
    return context.phraseDocids(exact);
  };
  return new GraphRule({
    context,
    strategy: null,
    builder: () => {
      const pool = new ConditionPool();
      return {
        edges: (_from, to) => {
          const kept =
            exactTerm(to) === null ? to : { ...to, zero: 'exact' as const, one: false, two: false };
          const exact = makeSubset({ ...kept, isMandatory: true });
          return [
            {
              cost: 0,
              condition: pool.get(`${to.key}/exact`, () => ({
                from: null,
                to: exact,
                resolve: () => resolveExact(to),
              })),
            },
            {
              cost: width(to),
              condition: pool.get(`${to.key}/any`, () => subsetCondition(context, to)),
            },
          ];
        },
      };
    },
    detail: (rank) => ({ rule: 'exactWords', rank }),
  });
}
