/** Orders documents by their distance from a point; points within a metre of the first share a bucket. */
import { Bitset } from '../bitset';
import { isObject, type JsonObject, numberOf } from '../json';
import type { QueryGraph } from '../query-graph';
import type { SearchContext } from '../search-context';
import type { Bucket, BucketSource, RankingRule } from './rule';

const EARTH_RADIUS = 6_371_000;
const SAME_PLACE = 1;
const MAX_BUCKET = 1_000;
/** From this many points on Meilisearch takes them from a tree, in order of the exact distance. */
const TREE_FROM = 1_000;

export type Point = readonly [number, number];

export interface GeoSpec {
  readonly target: Point;
  readonly ascending: boolean;
}

function radians(degrees: number): number {
  return degrees * (Math.PI / 180);
}

/** Metres by the haversine formula, rounded to a millimetre. */
export function distanceBetween(a: Point, b: Point): number {
  const half = (angle: number): number => (1 - Math.cos(angle)) / 2;
  const [lat1, lat2] = [radians(a[0]), radians(b[0])];
  const across = Math.cos(lat1) * Math.cos(lat2) * half(radians(b[1]) - radians(a[1]));
  const total = half(lat2 - lat1) + across;
  return Math.round(2 * EARTH_RADIUS * Math.asin(Math.sqrt(total)) * 1000) / 1000;
}

function coordinate(value: unknown): number | null {
  if (typeof value === 'string' && value.trim() !== '') {
    const number = Number(value);
    return Number.isFinite(number) ? number : null;
  }
  return numberOf(value as never);
}

/** `_geo` of a document; coordinates may be strings. */
export function geoPoint(document: JsonObject | undefined): Point | null {
  const geo = document?.get('_geo');
  if (!isObject(geo)) return null;
  const lat = coordinate(geo.get('lat'));
  const lng = coordinate(geo.get('lng'));
  return lat === null || lng === null ? null : [lat, lng];
}

interface Located {
  readonly docid: number;
  readonly point: Point;
  readonly distance: number;
}

export class GeoRule implements RankingRule {
  constructor(
    private readonly context: SearchContext,
    private readonly spec: GeoSpec,
  ) {}

  start(universe: Bitset, graph: QueryGraph | null): BucketSource {
    const queue = this.located(universe);
    let at = 0;
    const { target, ascending } = this.spec;
    return {
      next: (left: Bitset): Bucket => {
        const docids = Bitset.empty(this.context.capacity);
        let first: Located | null = null;
        for (let count = 0; count < MAX_BUCKET; at += 1) {
          const next = queue[at];
          if (!next) break;
          if (!left.has(next.docid)) continue;
          if (first && Math.abs(first.distance - next.distance) > SAME_PLACE) break;
          first ??= next;
          docids.add(next.docid);
          count += 1;
        }
        const detail = { rule: 'geo', target, ascending } as const;
        if (!first) {
          return {
            docids: left.clone(),
            detail: { ...detail, point: null, distance: null },
            graph,
          };
        }
        const { point, distance } = first;
        return { docids, detail: { ...detail, point, distance }, graph };
      },
    };
  }

  private located(universe: Bitset): Located[] {
    const found: Located[] = [];
    for (const docid of universe) {
      const point = geoPoint(this.context.index.documents.get(docid)?.document);
      if (point) found.push({ docid, point, distance: distanceBetween(this.spec.target, point) });
    }
    const key = (distance: number): number =>
      found.length >= TREE_FROM ? distance : Math.trunc(distance);
    found.sort((a, b) => key(a.distance) - key(b.distance) || a.docid - b.docid);
    return this.spec.ascending ? found : found.reverse();
  }
}
