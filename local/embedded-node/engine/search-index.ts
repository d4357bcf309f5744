/** One index: documents in, ranked hits out. All in memory, one thread, no waiting. */
import { Bitset } from './bitset';
import { bucketSort, type Ranking } from './bucket-sort';
import { Distinct } from './distinct';
import { isGoodEnough, mergeRankings } from './hybrid';
import { InvertedIndex } from './inverted-index';
import type { JsonObject } from './json';
import { Matcher } from './matcher';
import { QueryGraph } from './query-graph';
import { type LocatedTerm, parseQuery } from './query-parser';
import { distanceBetween, geoPoint } from './rules/geo-rule';
import { geoTarget, rankingRules, type RuleMode } from './rules/index';
import { detailsJson, globalScore } from './score-details';
import { normalizeSynonyms, SearchContext } from './search-context';
import type { EngineSettings } from './settings';
import type { EngineHit, EngineQuery, EngineResult } from './types';

interface KeywordQuery {
  /** Null when the query has no words: all documents match. */
  readonly graph: QueryGraph | null;
  readonly terms: readonly LocatedTerm[];
  readonly universe: Bitset;
}

type Synonyms = ReadonlyMap<string, readonly (readonly string[])[]>;

/** A search engine over documents known by docid; equal documents keep the order of their docids. */
export class SearchIndex {
  private index: InvertedIndex;
  private synonyms: Synonyms | null = null;

  constructor(settings: EngineSettings) {
    this.index = new InvertedIndex(settings);
  }

  get documentCount(): number {
    return this.index.documents.size;
  }

  get settings(): EngineSettings {
    return this.index.settings;
  }

  /** Indexes all documents anew. */
  applySettings(settings: EngineSettings): void {
    const old = this.index;
    this.index = new InvertedIndex(settings);
    this.synonyms = null;
    for (const [docid, { document }] of old.documents) this.index.upsert(docid, document);
  }

  /** Adds or replaces. The document is kept by reference and must not be changed afterwards. */
  upsert(docid: number, document: JsonObject): void {
    this.index.upsert(docid, document);
  }

  remove(docid: number): void {
    this.index.remove(docid);
  }

  search(query: EngineQuery): EngineResult {
    const search = new Search(this.index, (this.synonyms ??= normalizeSynonyms(this.index)), query);
    return search.run();
  }
}

class Search {
  private readonly context: SearchContext;
  private readonly keyword: KeywordQuery;
  private readonly distinct: Distinct | null;

  constructor(
    private readonly index: InvertedIndex,
    synonyms: Synonyms,
    private readonly query: EngineQuery,
  ) {
    this.context = new SearchContext(index, query.attributesToSearchOn, synonyms);
    this.keyword = this.parse();
    const field = query.distinct ?? index.settings.distinctAttribute;
    this.distinct = field === null ? null : new Distinct(index, field);
  }

  run(): EngineResult {
    const { offset, limit, hybrid, vector } = this.query;
    const ratio = hybrid?.semanticRatio ?? 0;
    const hasText = (this.query.q ?? '').trim() !== '';
    if (!hybrid || ratio === 0 || (!hasText && !vector)) {
      return this.page(this.rankByWords(), null);
    }
    if (vector && (ratio === 1 || !hasText)) {
      const ranking = this.rankByVector(hybrid.embedder, vector, this.filtered());
      return this.page(ranking, Math.max(0, ranking.hits.length - offset), []);
    }
    const words = this.rankByWords();
    const length = offset + limit;
    const options = { length, semanticRatio: ratio, distinct: this.distinct };
    if (!vector || isGoodEnough(words, options)) return this.page(words, 0);
    const merged = mergeRankings(
      this.rankByVector(hybrid.embedder, vector, this.keyword.universe),
      words,
      options,
    );
    const semanticHits = merged.isSemantic.slice(offset, length).filter((semantic) => semantic);
    return this.page(merged, semanticHits.length);
  }

  /** The documents that pass the filter, whatever the text of the query. */
  private filtered(): Bitset {
    const { candidates } = this.query;
    const all = this.index.allDocids();
    return candidates ? all.and(Bitset.of(candidates, this.index.capacity)) : all.clone();
  }

  private parse(): KeywordQuery {
    const { q } = this.query;
    const universe = this.filtered();
    if ((q ?? '').trim() === '') return { graph: null, terms: [], universe };
    const parsed = parseQuery(this.context, q ?? '');
    for (const text of parsed.negativeWords) {
      universe.removeAll(this.context.wordDocids({ text, isDerived: false }));
    }
    for (const phrase of parsed.negativePhrases) {
      universe.removeAll(this.context.phraseDocids(phrase));
    }
    if (parsed.terms.length === 0) return { graph: null, terms: [], universe };
    return { ...QueryGraph.fromTerms(this.context, parsed.terms), universe };
  }

  private rankByWords(): Ranking {
    const { graph, universe } = this.keyword;
    const { matchingStrategy: strategy } = this.query;
    if (!graph) return this.rank({ kind: 'placeholder' }, null, universe);
    const matching = graph.resolve(this.context, universe, strategy);
    return this.rank({ kind: 'query', strategy }, graph, matching);
  }

  /** A purely semantic search takes no notice of the text, negative words included. */
  private rankByVector(embedder: string, target: readonly number[], universe: Bitset): Ranking {
    return this.rank({ kind: 'vector', vector: { embedder, target } }, null, universe);
  }

  private rank(mode: RuleMode, graph: QueryGraph | null, universe: Bitset): Ranking {
    const { offset, limit, exhaustive, sort, rankingScoreThreshold } = this.query;
    const { distinct } = this;
    const ranking = bucketSort({
      rules: rankingRules(this.context, sort, mode),
      graph,
      universe,
      length: offset + limit,
      distinct,
      scoreThreshold: rankingScoreThreshold,
      exhaustive,
    });
    if (!exhaustive || !distinct || mode.kind === 'vector') return ranking;
    return { ...ranking, candidates: distinct.apply(ranking.candidates).kept };
  }

  /** `terms`: what may be highlighted; a purely semantic search has no words to match. */
  private page(
    ranking: Ranking,
    semanticHitCount: number | null,
    terms: readonly LocatedTerm[] = this.keyword.terms,
  ): EngineResult {
    const { offset, limit } = this.query;
    const { rankingRules: rules } = this.index.settings;
    const isAttributeUnified = !rules.includes('attributeRank') && !rules.includes('wordPosition');
    const target = geoTarget(this.query.sort);
    let candidates: ReadonlySet<number> | null = null;
    const hits = ranking.hits.slice(offset, offset + limit).map(({ docid, details }): EngineHit => {
      const hit = {
        docid,
        rankingScore: globalScore(details),
        details: detailsJson(details, { isAttributeUnified }),
      };
      const point = target && geoPoint(this.index.documents.get(docid)?.document);
      if (!target || !point) return hit;
      return { ...hit, geoDistance: Math.round(distanceBetween(target, point)) };
    });
    return {
      hits,
      total: ranking.candidates.size,
      // Most searches ask for no facets, so the set is made only when it is read.
      get candidates(): ReadonlySet<number> {
        return (candidates ??= new Set(ranking.candidates));
      },
      semanticHitCount,
      matcher: new Matcher(this.index.formatTokenizer, terms, (name) =>
        this.index.knowsField(name),
      ),
    };
  }
}
