import type { JsonValue } from '../../fleet';
import { objectMembers, spanEquals, utf8 } from '../answer-bytes';
import { detailsKey, formattedKey, positionsKey, scoreKey } from '../hits';
import { projectHit, projectionOf } from '../project';
import { floatText } from '../rust-text';
import type { Paging } from '../types';
import type { FederatedHit } from './query-list';

export interface FederatedAnswer {
  readonly hits: readonly FederatedHit[];
  readonly paging: Paging;
  readonly total: number;
  readonly processingTimeMs: number;
  readonly requestUid: string;
  /** JSON texts by the position of the query; null where no query asked for vectors. */
  readonly queryVectors: ReadonlyMap<number, string> | null;
  readonly mergedFacets: { readonly distribution: string; readonly stats: string } | null;
  readonly facetsByIndex: string | null;
  readonly metadata: JsonValue;
  /** Whether any query was semantic or hybrid. */
  readonly semantic: boolean;
  readonly performanceDetails: string | null;
}

/** Writes a federated answer with its members in Meilisearch's order. */
export function writeFederated(answer: FederatedAnswer): Uint8Array {
  const pieces: Uint8Array[] = [utf8('{"hits":[')];
  answer.hits.forEach((hit, i) => {
    if (i > 0) pieces.push(comma);
    pieces.push(...hitPieces(hit));
  });
  pieces.push(utf8(`]${tail(answer)}}`));
  return Buffer.concat(pieces);
}

const comma = utf8(',');

function tail(answer: FederatedAnswer): string {
  let text = '';
  if (answer.queryVectors !== null) {
    const vectors = [...answer.queryVectors].sort(([a], [b]) => a - b);
    text += `,"queryVectors":{${vectors.map(([i, json]) => `"${String(i)}":${json}`).join(',')}}`;
  }
  text += `,"processingTimeMs":${String(answer.processingTimeMs)}`;
  text += pagingText(answer.paging, answer.total);
  if (answer.mergedFacets !== null) {
    const { distribution, stats } = answer.mergedFacets;
    text += `,"facetDistribution":${distribution},"facetStats":${stats}`;
  }
  if (answer.facetsByIndex !== null) text += `,"facetsByIndex":${answer.facetsByIndex}`;
  text += `,"requestUid":${JSON.stringify(answer.requestUid)}`;
  if (answer.metadata !== null) text += `,"metadata":${JSON.stringify(answer.metadata)}`;
  if (answer.semantic) {
    text += `,"semanticHitCount":${String(answer.hits.filter(isSemantic).length)}`;
  }
  if (answer.performanceDetails !== null) {
    text += `,"performanceDetails":${answer.performanceDetails}`;
  }
  return text;
}

const isSemantic = ({ hit }: FederatedHit): boolean =>
  hit.details.some(([rule]) => rule === 'vectorSort');

function pagingText(paging: Paging, total: number): string {
  if (paging.mode === 'offset') {
    const { limit, offset } = paging;
    return `,"limit":${String(limit)},"offset":${String(offset)},"estimatedTotalHits":${String(total)}`;
  }
  const { hitsPerPage, page } = paging;
  const pages = hitsPerPage === 0 ? 0 : Math.ceil(total / hitsPerPage);
  return `,"hitsPerPage":${String(hitsPerPage)},"page":${String(page)},"totalPages":${String(pages)},"totalHits":${String(total)}`;
}

/** What the engine writes after the document and `_federation`. */
const trailing = [formattedKey, positionsKey, scoreKey, detailsKey];

/** The hit as its query's client may see it, with `_federation` where the engine puts it. */
function hitPieces({ of, hit, weighted }: FederatedHit): Uint8Array[] {
  const projected: Uint8Array[] = [];
  const { showRankingScore, showRankingScoreDetails } = of.query.request;
  const shown = { ...of.asked, showRankingScore, showRankingScoreDetails };
  projectHit(hit, projectionOf(shown, of.settings, of.ttl ?? false), projected);
  const bytes = Buffer.concat(projected);
  const { members } = objectMembers(bytes, 0);
  let first = members.length;
  while (first > 0 && isTrailing(bytes, members[first - 1])) first--;
  const at = members[first]?.keyStart ?? bytes.length;
  const federation = utf8(
    `"_federation":{"indexUid":${JSON.stringify(of.query.indexUid)},"queriesPosition":${String(of.query.position)},"weightedRankingScore":${floatText(weighted.global)}}`,
  );
  // A quote stands before a key; without a member after it the closing brace does.
  return [
    bytes.subarray(0, at - 1),
    ...(first === members.length && members.length > 0 ? [comma] : []),
    federation,
    ...(first < members.length ? [comma] : []),
    bytes.subarray(at - 1),
  ];
}

const isTrailing = (
  bytes: Uint8Array,
  member: { keyStart: number; keyEnd: number } | undefined,
): boolean =>
  member !== undefined &&
  trailing.some((key) => spanEquals(bytes, member.keyStart, member.keyEnd, key));
