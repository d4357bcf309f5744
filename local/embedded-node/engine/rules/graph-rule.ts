/**
 * Rules that rank by the cheapest path through the query graph. An edge has a cost and a condition,
 * a set of documents; the bucket of a cost is the union, over all paths of that cost, of the
 * documents that fulfil every condition on the path. Only paths that bring documents not found on an
 * earlier path of the bucket are handed to the next rule.
 */
import type { Bitset } from '../bitset';
import { ascending, END, type PathStep, QueryGraph, START } from '../query-graph';
import { type TermSubset, width } from '../query-term';
import type { Rank, ScoreDetail } from '../score-details';
import type { SearchContext } from '../search-context';
import type { MatchingStrategy } from '../settings';
import type { Bucket, BucketSource, RankingRule } from './rule';

/** What an edge demands of a document. `resolve` is called at most once per run of a rule. */
export interface Condition {
  readonly from: TermSubset | null;
  readonly to: TermSubset;
  resolve(): Bitset;
}

export interface EdgeSpec {
  readonly cost: number;
  readonly condition: Condition;
}

/** Builds the edges of one rule for one run over `universe`. */
export interface EdgeBuilder {
  edges(from: TermSubset | null, to: TermSubset): readonly EdgeSpec[];
}

export interface GraphRuleOptions {
  readonly context: SearchContext;
  /** Set for the words rule only: terms may be dropped, at a cost. */
  readonly strategy: MatchingStrategy | null;
  readonly builder: (universe: Bitset) => EdgeBuilder;
  readonly detail: (rank: Rank) => ScoreDetail;
}

interface Edge {
  readonly to: number;
  readonly cost: number;
  readonly condition: Condition | null;
  /** Nodes that must not be matched on a path that takes this edge. */
  readonly skips: ReadonlySet<number>;
}

const NO_SKIPS: ReadonlySet<number> = new Set();

export class GraphRule implements RankingRule {
  constructor(private readonly options: GraphRuleOptions) {}

  start(universe: Bitset, graph: QueryGraph | null): BucketSource {
    if (!graph) throw new Error('a graph rule ran without a query');
    return new GraphRun(this.options, universe, graph);
  }
}

class GraphRun implements BucketSource {
  private readonly edges: Edge[][];
  private readonly costsToEnd: ReadonlySet<number>[];
  private readonly costs: readonly number[];
  private readonly maxRank: number;
  private readonly resolved = new Map<Condition, Bitset>();
  private at = 0;

  constructor(
    private readonly options: GraphRuleOptions,
    universe: Bitset,
    graph: QueryGraph,
  ) {
    const { context, strategy } = options;
    const removal = strategy ? graph.removalOrder(context, strategy) : [];
    this.edges = buildEdges(graph, options.builder(universe), removal);
    this.costsToEnd = findCosts(this.edges);
    this.costs = [...(this.costsToEnd[START] ?? [])].sort((a, b) => a - b);
    const phraseWords = strategy ? Math.max(0, graph.wordsInPhrases() - 1) : 0;
    this.maxRank = 1 + phraseWords + (this.costs[this.costs.length - 1] ?? 0);
  }

  next(universe: Bitset): Bucket | null {
    const cost = this.costs[this.at];
    if (cost === undefined) return null;
    this.at += 1;
    const walk = new PathWalk(this.edges, this.costsToEnd, this.docidsOf, universe);
    walk.run(cost);
    const detail = this.options.detail({ rank: this.maxRank - cost, maxRank: this.maxRank });
    return { docids: walk.found, detail, graph: QueryGraph.fromPaths(walk.paths) };
  }

  private readonly docidsOf = (condition: Condition): Bitset => {
    let docids = this.resolved.get(condition);
    if (!docids) this.resolved.set(condition, (docids = condition.resolve()));
    return docids;
  };
}

/** Depth first through all paths of one cost, carrying the documents that fulfil the path so far. */
class PathWalk {
  readonly found: Bitset;
  readonly paths: PathStep[][] = [];
  private readonly left: Bitset;
  private readonly path: Condition[] = [];
  private readonly visited = new Set<number>();
  private isDone: boolean;

  constructor(
    private readonly edges: readonly (readonly Edge[])[],
    private readonly costsToEnd: readonly ReadonlySet<number>[],
    private readonly docidsOf: (condition: Condition) => Bitset,
    universe: Bitset,
  ) {
    this.left = universe.clone();
    this.found = universe.clone();
    this.found.clear();
    this.isDone = this.left.isEmpty();
  }

  run(cost: number): void {
    this.visit(START, cost, { docids: this.left, skips: NO_SKIPS });
  }

  private visit(
    node: number,
    budget: number,
    state: { docids: Bitset; skips: ReadonlySet<number> },
  ): void {
    for (const edge of this.edges[node] ?? []) {
      if (this.isDone) return;
      const budgetLeft = budget - edge.cost;
      if (budgetLeft < 0 || !this.costsToEnd[edge.to]?.has(budgetLeft)) continue;
      if (edge.to === END) {
        this.accept(state.docids);
        continue;
      }
      const skips = edge.skips.size === 0 ? state.skips : new Set([...state.skips, ...edge.skips]);
      if (!edge.condition) {
        this.visit(edge.to, budgetLeft, { docids: state.docids, skips });
        continue;
      }
      if (state.skips.has(edge.to) || overlaps(edge.skips, this.visited)) continue;
      const docids = state.docids.and(this.docidsOf(edge.condition));
      if (!docids.intersects(this.left)) continue;
      this.path.push(edge.condition);
      this.visited.add(edge.to);
      this.visit(edge.to, budgetLeft, { docids, skips });
      this.visited.delete(edge.to);
      this.path.pop();
    }
  }

  private accept(docids: Bitset): void {
    const fresh = docids.and(this.left);
    if (fresh.isEmpty()) return;
    this.paths.push(this.path.map(({ from, to }) => ({ from, to })));
    this.found.addAll(fresh);
    this.left.removeAll(fresh);
    this.isDone = this.left.isEmpty();
  }
}

function overlaps(a: ReadonlySet<number>, b: ReadonlySet<number>): boolean {
  for (const item of a) if (b.has(item)) return true;
  return false;
}

function buildEdges(
  graph: QueryGraph,
  builder: EdgeBuilder,
  removal: readonly (readonly number[])[],
): Edge[][] {
  const skipsOf = new Map<number, ReadonlySet<number>>();
  const dropped = new Set<number>();
  for (const group of removal) {
    const before = new Set(dropped);
    for (const id of group) skipsOf.set(id, before);
    for (const id of group) dropped.add(id);
  }
  return graph.nodes.map((node) => {
    const edges: Edge[] = [];
    for (const to of ascending(node.successors)) {
      const target = graph.nodes[to]?.subset;
      if (!target) {
        edges.push({ to, cost: 0, condition: null, skips: NO_SKIPS });
        continue;
      }
      const skips = skipsOf.get(to);
      if (skips) edges.push({ to, cost: width(target), condition: null, skips });
      for (const { cost, condition } of builder.edges(node.subset, target)) {
        edges.push({ to, cost, condition, skips: NO_SKIPS });
      }
    }
    return edges;
  });
}

/** For each node, every total cost of a path from it to the end. */
function findCosts(edges: readonly (readonly Edge[])[]): ReadonlySet<number>[] {
  const costs: ReadonlySet<number>[] = [];
  const visit = (node: number): ReadonlySet<number> => {
    const known = costs[node];
    if (known) return known;
    const found = new Set<number>(node === END ? [0] : []);
    for (const edge of edges[node] ?? []) {
      for (const cost of visit(edge.to)) found.add(edge.cost + cost);
    }
    costs[node] = found;
    return found;
  };
  visit(START);
  return costs;
}
