/** Orders documents by the cosine of their vectors with the query's, in single precision. */
import { Bitset } from '../bitset';
import { isObject, type Json, type JsonObject, numberOf } from '../json';
import type { QueryGraph } from '../query-graph';
import type { SearchContext } from '../search-context';
import type { EmbedderSettings } from '../settings';
import type { Bucket, BucketSource, RankingRule } from './rule';

const F32_EPSILON = 2 ** -23;

function asVector(value: Json): Float32Array | null {
  if (!Array.isArray(value)) return null;
  const numbers = value.map((item) => numberOf(item));
  return numbers.every((number) => number !== null) ? Float32Array.from(numbers) : null;
}

/** The vectors of a document for an embedder: one, several, or in an object with `embeddings`. */
export function vectorsOf(document: JsonObject | undefined, embedder: string): Float32Array[] {
  const all = document?.get('_vectors');
  let value = isObject(all) ? all.get(embedder) : undefined;
  if (isObject(value)) value = value.get('embeddings');
  if (!Array.isArray(value) || value.length === 0) return [];
  const single = asVector(value);
  if (single) return [single];
  return value.map(asVector).filter((vector) => vector !== null);
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i += 1) {
    sum = Math.fround(sum + Math.fround((a[i] ?? 0) * (b[i] ?? 0)));
  }
  return sum;
}

/** Between 0 and 1; 0.5 for vectors at right angles. A vector of length 0 is near everything. */
export function cosineDistance(a: Float32Array, b: Float32Array): number {
  const { fround } = Math;
  const lengths = fround(fround(Math.sqrt(dot(a, a))) * fround(Math.sqrt(dot(b, b))));
  if (lengths <= F32_EPSILON) return 0;
  const cosine = Math.max(-1, Math.min(1, fround(dot(a, b) / lengths)));
  return fround(fround(1 - cosine) / 2);
}

/** Maps the similarities a model really gives to ones spread around 0.5. */
function shift(score: number, distribution: EmbedderSettings['distribution']): number {
  if (!distribution) return score;
  const { fround } = Math;
  const factor = fround(fround(0.4) / fround(distribution.sigma));
  const offset = fround(0.5 - fround(factor * fround(distribution.mean)));
  const shifted = fround(fround(factor * score) + offset);
  return shifted <= 0 ? F32_EPSILON : Math.min(1, shifted);
}

export interface VectorSpec {
  readonly embedder: string;
  readonly target: readonly number[];
}

export class VectorRule implements RankingRule {
  constructor(
    private readonly context: SearchContext,
    private readonly spec: VectorSpec,
  ) {}

  start(universe: Bitset, graph: QueryGraph | null): BucketSource {
    const scored = this.scored(universe);
    let at = 0;
    return {
      next: (left: Bitset): Bucket => {
        for (;;) {
          const first = scored[at];
          if (!first) {
            return { docids: left.clone(), detail: { rule: 'vector', similarity: null }, graph };
          }
          const docids = Bitset.empty(this.context.capacity);
          while (scored[at]?.distance === first.distance) {
            const docid = scored[at]?.docid ?? -1;
            if (left.has(docid)) docids.add(docid);
            at += 1;
          }
          if (docids.isEmpty()) continue;
          return {
            docids,
            detail: { rule: 'vector', similarity: this.similarityOf(first.distance) },
            graph,
          };
        }
      },
    };
  }

  private similarityOf(distance: number): number {
    const { embedders } = this.context.index.settings;
    return shift(Math.fround(1 - distance), embedders[this.spec.embedder]?.distribution);
  }

  /** Nearest first. Buckets are equal distances: two of them may print the same similarity. */
  private scored(universe: Bitset): { docid: number; distance: number }[] {
    const { embedder, target } = this.spec;
    const wanted = Float32Array.from(target);
    const scored: { docid: number; distance: number }[] = [];
    for (const docid of universe) {
      const vectors = vectorsOf(this.context.index.documents.get(docid)?.document, embedder);
      if (vectors.length === 0) continue;
      const distance = Math.min(...vectors.map((vector) => cosineDistance(vector, wanted)));
      scored.push({ docid, distance });
    }
    return scored.sort((a, b) => a.distance - b.distance || a.docid - b.docid);
  }
}
