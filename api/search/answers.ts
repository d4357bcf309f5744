import type { IndexEntry, JsonValue } from '../../core/fleet';
import { MeiliError } from '../../core/errors';
import { translateNodeError } from '../../core/search/node-error';
import type { NodeId } from '../../core/ids';
import type { RawAnswer } from '../../meili/types';
import { isNodeError } from '../../meili/node-error';
import { clientOf } from '../client-of';
import type { ApiContext } from '../context';
import type { PartAnswer } from './part-answer';
import type { Scattered } from './scatter';

/** The routes of a node that a read is sent to. */
export type ReadRoute = 'search' | 'documents/fetch' | 'facet-search';

export interface NodeQuestion {
  readonly entry: IndexEntry;
  readonly route: ReadRoute;
  readonly body: object;
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
}

/** Asks one node; any status comes back, a missing answer throws a NodeError. */
export async function askNode(
  ctx: ApiContext,
  node: NodeId,
  question: NodeQuestion,
): Promise<RawAnswer> {
  const client = clientOf(ctx, node);
  if (client === null) throw Object.assign(new Error('The node has left.'), { code: 'node_gone' });
  return await client.request({
    method: 'POST',
    path: `/indexes/${question.entry.physicalUid}/${question.route}`,
    body: question.body,
    deadlineMs: question.deadlineMs,
    ...(question.signal === undefined ? {} : { signal: question.signal }),
  });
}

/**
 * The headers that say by which settings a read was made and what it lacks. Throws 503 `miroir_shard_unavailable` when
 * shards are missing and partial answers are not wanted.
 */
export function demandAnswered(
  ctx: ApiContext,
  scattered: Scattered,
  wish?: 'partial' | 'error',
): Record<string, string> {
  const settings = settingsHeaders(scattered);
  if (scattered.missing.length === 0) return settings;
  if ((wish ?? ctx.config.search.onMissingShard) === 'error' || scattered.parts.length === 0) {
    throw new MeiliError(
      'miroir_shard_unavailable',
      `No replica of ${scattered.missing.length} shard(s) answered: ${listed(scattered.missing)}.`,
    );
  }
  return { ...settings, 'x-miroir-degraded': `shards=${listed(scattered.missing)}` };
}

/** Which nodes answered by other settings than the catalogue's, and the lowest version among the answers. */
function settingsHeaders({ inconsistent, settingsVersion }: Scattered): Record<string, string> {
  const version = { 'x-miroir-settings-version': String(settingsVersion) };
  if (inconsistent.length === 0) return version;
  return { ...version, 'x-miroir-settings-inconsistent': inconsistent.join(',') };
}

function listed(shards: readonly number[]): string {
  return [...shards].sort((a, b) => a - b).join(',');
}

/**
 * What the client is told when a node refused its part. The node's own text speaks of the physical
 * index and of filters that the client never wrote, so a node is asked again with the client's own
 * words and no hits, and that refusal is translated. A missing physical index means that its creation
 * is still in the nodes' queues, which a client of one Meilisearch would be told the same way.
 */
export async function refusalOf(
  ctx: ApiContext,
  refused: PartAnswer,
  question: Omit<NodeQuestion, 'deadlineMs' | 'signal'>,
): Promise<MeiliError> {
  const { entry } = question;
  if (refused.answer.status === 404) {
    return new MeiliError('index_not_found', `Index \`${entry.uid}\` not found.`);
  }
  const again = await askNode(ctx, refused.node, {
    ...question,
    deadlineMs: ctx.config.nodes.deadlineMs,
  }).catch((error: unknown) => {
    if (isNodeError(error) || (error as { code?: string }).code === 'node_gone') return null;
    throw error;
  });
  if (again === null) {
    return new MeiliError(
      'miroir_shard_unavailable',
      'A node refused its part and went away before it said why. Retry.',
    );
  }
  const answer = again.status >= 400 ? again : refused.answer;
  return translateNodeError({
    status: answer.status,
    body: parseBody(answer.bytes),
    indexUid: entry.uid,
    physicalUid: entry.physicalUid,
    settings: entry.settings,
  });
}

function parseBody(bytes: Uint8Array): JsonValue {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8')) as JsonValue;
  } catch {
    return null;
  }
}
