import type { NodeAsk } from '../../core/covering-set';
import type { IndexEntry, JsonValue } from '../../core/fleet';
import { joinFilters, normalizeClientFilter } from '../../core/filter/normalize';
import { shardOfId } from '../../core/hash';
import { bucketFilter } from '../../core/hidden-fields';
import { hiddenInFilter } from '../../core/search/hidden-names';
import { translateNodeError } from '../../core/search/node-error';
import {
  demandEmbedder,
  mergeSimilar,
  neighbourBody,
  ownerBody,
  ranksOtherwise,
  similarId,
  similarNotFound,
  vectorsOf,
} from '../../core/search/similar';
import type { SimilarNode, SimilarRequest } from '../../core/search/similar';
import { MeiliError } from '../../core/errors';
import type { JsonObject } from '../../core/search/types';
import type { RawAnswer } from '../../meili/types';
import type { ApiContext } from '../context';
import { askNode, demandAnswered } from './answers';
import { askPath } from './ask-path';
import type { PartAnswer } from './part-answer';
import type { Scattered } from './scatter';
import { scatter } from './scatter';
import type { SearchAnswer } from './types';

export interface SimilarOptions {
  readonly tenantFilter: JsonValue;
  readonly wish: 'partial' | 'error' | undefined;
  /** Only nodes known to have this version of the settings may answer; null: any. */
  readonly minSettingsVersion: number | null;
}

/**
 * Documents similar to one. Only the node that has it can be asked at the route itself; the others
 * search semantically with its vector. Throws MeiliError with Meilisearch's texts.
 */
export async function runSimilar(
  ctx: ApiContext,
  entry: IndexEntry,
  request: SimilarRequest,
  options: SimilarOptions,
): Promise<SearchAnswer> {
  const begun = performance.now();
  const { settings } = entry;
  demandEmbedder(settings, request.embedder);
  const hidden = hiddenInFilter(request.filter, settings, '');
  if (hidden !== null) throw new MeiliError('invalid_similar_filter', hidden.message);
  const id = similarId(request.id);
  const vectors = vectorsOf(await findDocument(ctx, entry, { id, ...options }), request.embedder);
  const read = await askAll(ctx, entry, { request, id, vector: vectors[0] ?? null, ...options });
  const degraded = demandAnswered(ctx, read, options.wish);
  const bytes = mergeSimilar({
    ttl: entry.ttl !== undefined,
    id,
    request,
    settings,
    answers: inOrder(read).map(({ answer }) => answer.bytes),
    processingTimeMs: Math.floor(performance.now() - begun),
  });
  const approximate = [
    ...(read.parts.length > 1 && ranksOtherwise(settings) ? ['similar-rules'] : []),
    ...(read.parts.length > 1 && vectors.length > 1 ? ['similar-vectors'] : []),
  ];
  return {
    bytes,
    headers: {
      ...degraded,
      ...(approximate.length === 0 ? {} : { 'x-miroir-approximate': approximate.join(', ') }),
    },
  };
}

const inOrder = (read: Scattered): PartAnswer[] =>
  [...read.parts].sort((a, b) => (a.node < b.node ? -1 : a.node > b.node ? 1 : 0));

/** The document with its vectors; a tenant's rule must let it through. */
async function findDocument(
  ctx: ApiContext,
  entry: IndexEntry,
  wanted: SimilarOptions & { id: string },
): Promise<JsonValue> {
  const tenant = normalizeClientFilter(wanted.tenantFilter);
  const read = await scatter(ctx, {
    entry,
    shards: [shardOfId(wanted.id, entry.shardCount)],
    fingerprint: JSON.stringify([entry.physicalUid, 'similar', wanted.id]),
    until: performance.now() + ctx.config.api.requestDeadlineMs,
    minSettingsVersion: wanted.minSettingsVersion,
    ask: (ask, deadlineMs) => {
      const filter = joinFilters(
        bucketsOf(entry, ask),
        tenant.ok ? tenant.parts : wanted.tenantFilter,
        null,
      );
      const body: JsonObject = { ids: [wanted.id], fields: ['_vectors'], retrieveVectors: true };
      return askNode(ctx, ask.node, {
        entry,
        route: 'documents/fetch',
        body: filter === null ? body : { ...body, filter },
        deadlineMs,
      });
    },
  });
  // Without its shard nothing can be said of the document, so there is no partial answer.
  demandAnswered(ctx, read, 'error');
  const part = read.parts.find(({ answer }) => answer.status >= 400);
  if (part !== undefined) throw refusal(entry, part.answer);
  const [document] = read.parts.flatMap(({ answer }) => documentsOf(answer));
  if (document === undefined) throw similarNotFound(wanted.id);
  return document;
}

function documentsOf(answer: RawAnswer): JsonValue[] {
  const body = JSON.parse(answer.bytes.toString('utf8')) as { results: JsonValue[] };
  return body.results;
}

const bucketsOf = (entry: IndexEntry, ask: NodeAsk): string | null =>
  ask.filtered ? bucketFilter(ask.shards, entry.shardCount) : null;

async function askAll(
  ctx: ApiContext,
  entry: IndexEntry,
  asked: SimilarOptions & { request: SimilarRequest; id: string; vector: number[] | null },
): Promise<Scattered> {
  const { request } = asked;
  const shard = shardOfId(asked.id, entry.shardCount);
  const { physicalUid } = entry;
  const read = await scatter(ctx, {
    entry,
    shards: null,
    fingerprint: JSON.stringify([physicalUid, 'similar', asked.id]),
    until: performance.now() + ctx.config.api.requestDeadlineMs,
    minSettingsVersion: asked.minSettingsVersion,
    ask: (ask, deadlineMs) => {
      const node: SimilarNode = {
        settings: entry.settings,
        bucketFilter: bucketsOf(entry, ask),
        tenantFilter: asked.tenantFilter,
      };
      const isOwner = ask.shards.includes(shard);
      return askPath(ctx, ask.node, {
        path: `/indexes/${physicalUid}/${isOwner ? 'similar' : 'search'}`,
        body: isOwner ? ownerBody(request, node) : neighbourBody(request, node, asked.vector),
        deadlineMs,
      });
    },
  });
  const refused = read.parts.filter(({ answer }) => answer.status >= 400);
  const owner = refused.find(({ ask }) => ask.shards.includes(shard));
  const part = owner ?? refused[0];
  if (part === undefined) return read;
  // The owner judges the client's own words; what it then refuses is what one Meilisearch would.
  const again =
    owner === undefined
      ? part.answer
      : await askPath(ctx, part.node, {
          path: `/indexes/${physicalUid}/similar`,
          body: { id: request.id, embedder: request.embedder, filter: request.filter, limit: 0 },
          deadlineMs: ctx.config.nodes.deadlineMs,
        });
  throw refusal(entry, again.status >= 400 ? again : part.answer);
}

function refusal(entry: IndexEntry, answer: RawAnswer): MeiliError {
  return translateNodeError({
    status: answer.status,
    body: JSON.parse(answer.bytes.toString('utf8')) as JsonValue,
    indexUid: entry.uid,
    physicalUid: entry.physicalUid,
    settings: entry.settings,
  });
}
