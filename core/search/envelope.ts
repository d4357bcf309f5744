import { utf8 } from './answer-bytes';
import type { MergedFacets } from './facets';
import type { MergeInput, SearchRequest } from './types';

export interface EnvelopeInput {
  readonly input: MergeInput;
  /** The pieces of each shown hit, one list a hit. */
  readonly hits: readonly (readonly Uint8Array[])[];
  readonly total: number;
  readonly facets: Pick<MergedFacets, 'distribution' | 'stats'> | null;
  /** JSON text of the vector the query was embedded to, where the client asked for vectors. */
  readonly queryVector: string | null;
  readonly performanceDetails: string | null;
  readonly semanticHitCount: number | null;
}

/** Writes a search answer with its members in Meilisearch's order. */
export function writeEnvelope(envelope: EnvelopeInput): Uint8Array {
  const { input, hits } = envelope;
  const pieces: Uint8Array[] = [];
  const uid = input.indexUid;
  pieces.push(
    utf8(uid === undefined ? '{"hits":[' : `{"indexUid":${JSON.stringify(uid)},"hits":[`),
  );
  hits.forEach((hit, i) => {
    if (i > 0) pieces.push(comma);
    for (const piece of hit) pieces.push(piece);
  });
  pieces.push(utf8(tail(envelope)));
  return Buffer.concat(pieces);
}

const comma = utf8(',');

function tail(envelope: EnvelopeInput): string {
  const { input, facets } = envelope;
  let text = `],"query":${JSON.stringify(input.request.q ?? '')}`;
  if (envelope.queryVector !== null) text += `,"queryVector":${envelope.queryVector}`;
  text += `,"processingTimeMs":${String(input.processingTimeMs)}`;
  text += pagingText(input.request, envelope.total);
  if (facets !== null) {
    text += `,"facetDistribution":${facets.distribution},"facetStats":${facets.stats}`;
  }
  text += `,"requestUid":${JSON.stringify(input.requestUid)}`;
  if (input.metadata !== undefined) text += `,"metadata":${JSON.stringify(input.metadata)}`;
  if (envelope.performanceDetails !== null) {
    text += `,"performanceDetails":${envelope.performanceDetails}`;
  }
  if (envelope.semanticHitCount !== null) {
    text += `,"semanticHitCount":${String(envelope.semanticHitCount)}`;
  }
  return `${text}}`;
}

function pagingText(request: SearchRequest, total: number): string {
  const { paging } = request;
  if (paging.mode === 'offset') {
    const { limit, offset } = paging;
    return `,"limit":${String(limit)},"offset":${String(offset)},"estimatedTotalHits":${String(total)}`;
  }
  const { hitsPerPage, page } = paging;
  const pages = hitsPerPage === 0 ? 0 : Math.ceil(total / hitsPerPage);
  return (
    `,"hitsPerPage":${String(hitsPerPage)},"page":${String(page)}` +
    `,"totalPages":${String(pages)},"totalHits":${String(total)}`
  );
}
