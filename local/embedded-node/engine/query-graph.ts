/**
 * All readings of a query as a graph from Start to End: each word alone, or joined with its one or
 * two predecessors. Rules narrow it: after a bucket only the readings that found documents remain.
 */
import { allowedTypos, type LocatedTerm } from './query-parser';
import { fullSubset, intersect, originalPhrase, type TermSubset, wordTerm } from './query-term';
import { Bitset } from './bitset';
import type { SearchContext } from './search-context';
import type { MatchingStrategy } from './settings';

export const START = 0;
export const END = 1;
const MAX_WORD_BYTES = 250;

export interface GraphNode {
  /** Null for Start, End and removed nodes. */
  readonly subset: TermSubset | null;
  readonly predecessors: ReadonlySet<number>;
  readonly successors: ReadonlySet<number>;
}

interface MutableNode {
  subset: TermSubset | null;
  predecessors: Set<number>;
  successors: Set<number>;
}

function newNode(subset: TermSubset | null): MutableNode {
  return { subset, predecessors: new Set(), successors: new Set() };
}

/** Ascending, as edges are followed. */
export function ascending(ids: ReadonlySet<number>): number[] {
  return [...ids].sort((a, b) => a - b);
}

/** One step of a path a rule followed: from where (if the rule looked at it) to where. */
export interface PathStep {
  readonly from: TermSubset | null;
  readonly to: TermSubset;
}

export class QueryGraph {
  private constructor(private readonly mutableNodes: MutableNode[]) {}

  get nodes(): readonly GraphNode[] {
    return this.mutableNodes;
  }

  /** The graph of a query, and its terms with the joined ones added. */
  static fromTerms(
    context: SearchContext,
    terms: readonly LocatedTerm[],
  ): { graph: QueryGraph; terms: readonly LocatedTerm[] } {
    const nodes = [newNode(null), newNode(null)];
    const all = [...terms];
    for (let last = 0; last < terms.length; last += 1) {
      for (let count = 1; count <= 3 && count <= last + 1; count += 1) {
        const parts = terms.slice(last - count + 1, last + 1);
        const located = count === 1 ? parts[0] : joinTerms(context, parts);
        if (!located) continue;
        if (count > 1) all.push(located);
        const ids = [last - count + 1, last] as const;
        nodes.push(newNode(fullSubset(located.term, located.positions, ids)));
      }
    }
    connect(nodes);
    return { graph: new QueryGraph(nodes), terms: all };
  }

  /** The graph of exactly these paths; equal terms with equal continuations become one node. */
  static fromPaths(paths: readonly (readonly PathStep[])[]): QueryGraph {
    const nodes = [newNode(null), newNode(null)];
    const known = new Map<string, number>();
    for (const path of paths) {
      const subsets = singleSubsets(path);
      const suffixes: string[] = [];
      subsets.reduceRight((suffix, { key }, i) => (suffixes[i] = `${key}>${suffix}`), '');
      const ids = subsets.map((subset, i) => {
        const suffix = suffixes[i] ?? '';
        let id = known.get(suffix);
        if (id === undefined) {
          id = nodes.push(newNode(subset)) - 1;
          known.set(suffix, id);
        }
        return id;
      });
      let previous = START;
      for (const id of [...ids, END]) {
        nodes[previous]?.successors.add(id);
        nodes[id]?.predecessors.add(previous);
        previous = id;
      }
    }
    return new QueryGraph(nodes);
  }

  /** The words of all phrases that are left. */
  wordsInPhrases(): number {
    let count = 0;
    for (const { subset } of this.mutableNodes) {
      const phrase = subset && originalPhrase(subset);
      if (phrase) count += phrase.words.filter((word) => word !== null).length;
    }
    return count;
  }

  /** Which nodes the strategy drops, in order; never the last that must match. */
  removalOrder(context: SearchContext, strategy: MatchingStrategy): number[][] {
    if (strategy === 'all') return [];
    const costOf = strategy === 'last' ? this.costsFromEnd() : this.costsByFrequency(context);
    if (!costOf) return [];
    const byCost = new Map<number, number[]>();
    let someMandatory = false;
    this.mutableNodes.forEach(({ subset }, id) => {
      if (!subset) return;
      if (originalPhrase(subset) || subset.isMandatory) {
        someMandatory = true;
        return;
      }
      let cost = 0;
      for (let term = subset.ids[0]; term <= subset.ids[1]; term += 1) {
        cost = Math.max(cost, costOf(term));
      }
      const group = byCost.get(cost);
      if (group) group.push(id);
      else byCost.set(cost, [id]);
    });
    const order = [...byCost].sort(([a], [b]) => a - b).map(([, group]) => group);
    if (!someMandatory) order.pop();
    return order;
  }

  /** The documents that satisfy some path once the nodes the strategy may drop are gone. */
  resolve(context: SearchContext, universe: Bitset, strategy: MatchingStrategy): Bitset {
    const graph = new QueryGraph(
      this.mutableNodes.map(({ subset, predecessors, successors }) => ({
        subset,
        predecessors: new Set(predecessors),
        successors: new Set(successors),
      })),
    );
    for (const group of this.removalOrder(context, strategy)) {
      for (const id of group) graph.bypass(id);
    }
    const reached = new Map<number, Bitset>([[START, universe]]);
    return graph.reach(context, END, reached);
  }

  private reach(context: SearchContext, id: number, reached: Map<number, Bitset>): Bitset {
    const known = reached.get(id);
    if (known) return known;
    const node = this.mutableNodes[id];
    let docids = Bitset.empty(context.capacity);
    for (const previous of node?.predecessors ?? []) {
      docids.addAll(this.reach(context, previous, reached));
    }
    if (node?.subset) docids = docids.and(context.subsetDocids(node.subset));
    reached.set(id, docids);
    return docids;
  }

  /** Removes a node; its predecessors lead to its successors. */
  private bypass(id: number): void {
    const node = this.mutableNodes[id];
    if (!node) return;
    for (const previous of node.predecessors) {
      const { successors } = this.mutableNodes[previous] ?? newNode(null);
      successors.delete(id);
      for (const next of node.successors) successors.add(next);
    }
    for (const next of node.successors) {
      const { predecessors } = this.mutableNodes[next] ?? newNode(null);
      predecessors.delete(id);
      for (const previous of node.predecessors) predecessors.add(previous);
    }
    this.mutableNodes[id] = newNode(null);
  }

  private costsFromEnd(): ((term: number) => number) | null {
    let first = Infinity;
    let last = 0;
    for (const { subset } of this.mutableNodes) {
      if (!subset) continue;
      first = Math.min(first, subset.ids[0]);
      last = Math.max(last, subset.ids[1]);
    }
    return first >= last ? null : (term) => 1 + last - term;
  }

  /** The most frequent term goes first; terms that occur nowhere go last. */
  private costsByFrequency(context: SearchContext): (term: number) => number {
    const docids = new Map<number, Bitset>();
    for (const { subset } of this.mutableNodes) {
      if (!subset) continue;
      for (let term = subset.ids[0]; term <= subset.ids[1]; term += 1) {
        const set = docids.get(term) ?? Bitset.empty(context.capacity);
        set.addAll(context.subsetDocids(subset));
        docids.set(term, set);
      }
    }
    const frequencies = [...docids]
      .sort(([a], [b]) => a - b)
      .map(([term, set]) => ({ term, frequency: set.size || Infinity }))
      .sort((a, b) => (a.frequency === b.frequency ? 0 : b.frequency - a.frequency));
    const weights = new Map<number, number>();
    let weight = 1;
    frequencies.forEach(({ term, frequency }, i) => {
      weights.set(term, weight);
      const next = frequencies[i + 1];
      if (next && next.frequency !== frequency) weight += 1;
    });
    return (term) => weights.get(term) ?? 0;
  }
}

/** Joins neighbouring words without blanks; null if they are not neighbours or not plain words. */
function joinTerms(context: SearchContext, parts: readonly LocatedTerm[]): LocatedTerm | null {
  const [first, last] = [parts[0], parts[parts.length - 1]];
  if (!first || !last) return null;
  for (const [i, part] of parts.entries()) {
    if (part.term.phrase || part.term.ngramWords) return null;
    const next = parts[i + 1];
    if (next && part.positions[1] + 1 !== next.positions[0]) return null;
  }
  const ngramWords = parts.map(({ term }) => term.original);
  const original = ngramWords.join('');
  if (Buffer.byteLength(original) > MAX_WORD_BYTES) return null;
  const maxTypos = Math.max(0, allowedTypos(context, original) - (parts.length - 1));
  const term = wordTerm(context, { original, maxTypos, isPrefix: last.term.isPrefix, ngramWords });
  return { term, positions: [first.positions[0], last.positions[1]] };
}

/** Each node leads to the nearest nodes that begin after it. */
function connect(nodes: readonly MutableNode[]): void {
  nodes.forEach((node, id) => {
    if (id === END) return;
    const end = node.subset ? node.subset.ids[1] : -1;
    let nearest = Infinity;
    for (const [otherId, { subset }] of nodes.entries()) {
      if (otherId === START) continue;
      const start = subset ? subset.ids[0] : Number.MAX_SAFE_INTEGER;
      if (start > end && start < nearest) nearest = start;
    }
    for (const [otherId, other] of nodes.entries()) {
      if (otherId === START) continue;
      const start = other.subset ? other.subset.ids[0] : Number.MAX_SAFE_INTEGER;
      if (start !== nearest) continue;
      node.successors.add(otherId);
      other.predecessors.add(id);
    }
  });
}

/** One subset per node of the path: what a step came from and what the step before led to agree. */
function singleSubsets(path: readonly PathStep[]): TermSubset[] {
  const subsets: TermSubset[] = [];
  let previous: TermSubset | null = null;
  for (const { from, to } of path) {
    if (previous) {
      if (from && from.ids[0] === previous.ids[0] && from.ids[1] === previous.ids[1]) {
        subsets.push(intersect(from, previous));
      } else {
        subsets.push(previous);
        if (from) subsets.push(from);
      }
    } else if (from) {
      subsets.push(from);
    }
    previous = to;
  }
  if (previous) subsets.push(previous);
  return subsets;
}
