/** Three buckets: an attribute is exactly the query, an attribute begins with it, neither. */
import { Bitset } from '../bitset';
import { bucketedPosition } from '../inverted-index';
import type { QueryGraph } from '../query-graph';
import { exactTerm } from '../query-term';
import type { MatchType } from '../score-details';
import type { SearchContext } from '../search-context';
import type { Bucket, BucketSource, RankingRule } from './rule';

/** Longer attributes are not counted, so they never count as exactly the query. */
const MAX_COUNTED_WORDS = 30;

interface ExactTerm {
  readonly words: readonly (string | null)[];
  readonly position: number;
  readonly id: number;
  readonly positionCount: number;
}

interface Matches {
  readonly exact: Bitset;
  readonly starts: Bitset;
}

export class ExactAttributeRule implements RankingRule {
  constructor(private readonly context: SearchContext) {}

  start(universe: Bitset, graph: QueryGraph | null): BucketSource {
    if (!graph) throw new Error('the exactness rule ran without a query');
    const matches = this.find(universe, exactTerms(graph));
    return new ExactAttributeRun(graph, matches);
  }

  private find(universe: Bitset, terms: readonly ExactTerm[]): Matches | null {
    if (!isWhole(terms)) return null;
    const wanted: { wordId: number; position: number }[] = [];
    for (const { words, position } of terms) {
      for (const [offset, word] of words.entries()) {
        if (word === null) continue;
        const entry = this.context.index.word(word);
        if (!entry) return null;
        wanted.push({ wordId: entry.id, position: bucketedPosition(position + offset) });
      }
    }
    const count = terms.reduce((sum, { positionCount }) => sum + positionCount, 0);
    const capacity = this.context.capacity;
    const matches = { exact: Bitset.empty(capacity), starts: Bitset.empty(capacity) };
    let found = false;
    for (const docid of this.withFirstWord(universe, wanted)) {
      found = this.sort(docid, { wanted, count }, matches) || found;
    }
    return found ? matches : null;
  }

  private withFirstWord(universe: Bitset, wanted: readonly { wordId: number }[]): Bitset {
    let docids = universe;
    for (const { wordId } of wanted) {
      const entry = this.context.index.wordById(wordId);
      docids = docids.and(Bitset.of(entry?.docids ?? [], this.context.capacity));
    }
    return docids;
  }

  /**
   * Puts a document among the matches. Each word must stand at its place in some field, and one
   * field must have all words: that both hold of the same field is not checked, as in Meilisearch.
   */
  private sort(
    docid: number,
    query: { wanted: readonly { wordId: number; position: number }[]; count: number },
    matches: Matches,
  ): boolean {
    const doc = this.context.index.documents.get(docid);
    if (!doc) return false;
    const fieldsOfWord = new Map<number, Set<number>>();
    const placesOfWord = new Map<number, Set<number>>();
    const fieldCounts = new Map<number, number>();
    doc.wordIds.forEach((id, i) => {
      const place = doc.places[i] ?? 0;
      const fid = place >>> 16;
      fieldCounts.set(fid, (fieldCounts.get(fid) ?? 0) + 1);
      if (!query.wanted.some(({ wordId }) => wordId === id)) return;
      addTo(placesOfWord, id, bucketedPosition(place & 0xffff));
      if (this.context.mayUse(fid)) addTo(fieldsOfWord, id, fid);
    });
    const { wanted, count } = query;
    if (!wanted.every(({ wordId, position }) => placesOfWord.get(wordId)?.has(position))) {
      return false;
    }
    let starts = false;
    for (const [fid, words] of fieldCounts) {
      if (!wanted.every(({ wordId }) => fieldsOfWord.get(wordId)?.has(fid))) continue;
      if (words === count && count <= MAX_COUNTED_WORDS) matches.exact.add(docid);
      else starts = true;
    }
    if (starts) matches.starts.add(docid);
    return true;
  }
}

function addTo(map: Map<number, Set<number>>, key: number, value: number): void {
  const set = map.get(key);
  if (set) set.add(value);
  else map.set(key, new Set([value]));
}

/** One exact word or phrase for each place of the query, the first node winning. */
function exactTerms(graph: QueryGraph): ExactTerm[] {
  const found: ExactTerm[] = [];
  for (const { subset } of graph.nodes) {
    const exact = subset && exactTerm(subset);
    if (!subset || exact === null) continue;
    found.push({
      words: typeof exact === 'string' ? [exact] : exact.words,
      position: subset.positions[0],
      id: subset.ids[0],
      positionCount: subset.positions[1] - subset.positions[0] + 1,
    });
  }
  found.sort((a, b) => a.id - b.id);
  return found.filter(({ id }, i) => i === 0 || found[i - 1]?.id !== id);
}

/** No word is missing at the beginning or between; a missing last word goes unnoticed. */
function isWhole(terms: readonly ExactTerm[]): boolean {
  if (terms[0]?.id !== 0) return false;
  return terms.every(({ id }, i) => i === 0 || id - (terms[i - 1]?.id ?? 0) <= 1);
}

class ExactAttributeRun implements BucketSource {
  private stage: MatchType;

  constructor(
    private readonly graph: QueryGraph,
    private readonly matches: Matches | null,
  ) {
    this.stage = matches ? 'exactMatch' : 'noExactMatch';
  }

  next(universe: Bitset): Bucket | null {
    const matchType = this.stage;
    const detail = { rule: 'exactAttribute', matchType } as const;
    const { graph, matches } = this;
    if (matchType === 'noExactMatch' || !matches)
      return { docids: universe.clone(), detail, graph };
    this.stage = matchType === 'exactMatch' ? 'matchesStart' : 'noExactMatch';
    const set = matchType === 'exactMatch' ? matches.exact : matches.starts;
    return { docids: universe.and(set), detail, graph };
  }
}
