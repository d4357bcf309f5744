import type { FastifyInstance } from 'fastify';
import { MeiliError } from '../../../core/errors';
import type { NodeId } from '../../../core/ids';
import { hiddenField } from '../../../core/hidden-fields';
import { stripHiddenMembers } from '../../../core/json/members';
import { findMember, skipValue, skipWhitespace } from '../../../core/json/scan';
import type { FleetTask } from '../../../store/task-types';
import { authorize } from '../../auth/authorize';
import type { ApiContext } from '../../context';
import { clientOf } from '../../client-of';
import { partsOf, roleOf } from '../../follower/fold';
import { faultOf } from '../../writes/node-fault';
import { demandTask } from './demand-task';

/**
 * `GET /tasks/{uid}/documents`: what an addition brings, as long as a node of each of its shards has it
 * to work off. Documents come node by node, in the order of the payload within each.
 */
export function registerTaskDocuments(app: FastifyInstance, ctx: ApiContext): void {
  app.get<{ Params: { uid: string } }>(
    '/tasks/:uid/documents',
    { onRequest: authorize(ctx, 'tasks.get') },
    async (request, reply) => {
      ctx.features.demand('getTaskDocumentsRoute', 'Getting the documents of an enqueued task');
      const task = await demandTask(ctx, request);
      const documents = await documentsOf(ctx, task);
      if (documents === null) {
        throw new MeiliError(
          'task_file_not_found',
          `Task \`${String(task.uid)}\` does not contain any documents. Only \`documentAdditionOrUpdate\` tasks with the statuses \`enqueued\` or \`processing\` contain documents`,
        );
      }
      return await reply.type('application/x-ndjson').send(documents);
    },
  );
}

/** Null when a shard's part is on no node any more. */
async function documentsOf(ctx: ApiContext, task: FleetTask): Promise<Buffer | null> {
  if (task.type !== 'documentAdditionOrUpdate' || task.finishedAt !== null) return null;
  const parts = partsOf(task);
  const missing = new Set(Object.values(parts).flat());
  if (missing.size === 0) return null;
  const claimed = new Set<string>();
  const lines: Uint8Array[] = [];
  for (const ref of task.nodeTasks) {
    const shards = parts[ref.node] ?? [];
    if (roleOf(ref) !== 'main' || !shards.some((shard) => missing.has(shard))) continue;
    const payload = await payloadOf(ctx, ref.node, Number(ref.uid));
    if (payload === null) continue;
    for (const shard of shards) missing.delete(shard);
    takeNew(payload, claimed, lines);
  }
  return missing.size > 0 ? null : Buffer.concat(lines);
}

/**
 * Adds the documents of buckets that no payload before had: copies of a shard come once. A node writes its
 * documents one after another, with or without a blank between them.
 */
function takeNew(payload: Buffer, claimed: Set<string>, lines: Uint8Array[]): void {
  const own = new Set<string>();
  let start = skipWhitespace(payload, 0);
  while (start < payload.length) {
    const end = skipValue(payload, start);
    const span = findMember(payload, start, hiddenField.bucket);
    const bucket = span === null ? '' : payload.toString('utf8', span.start, span.end);
    if (span !== null && !claimed.has(bucket)) {
      own.add(bucket);
      lines.push(stripHiddenMembers(payload, start, end, { ttl: true }), Buffer.from('\n'));
    }
    start = skipWhitespace(payload, end);
  }
  for (const bucket of own) claimed.add(bucket);
}

/** Null when the node has worked it off, or does not answer. */
async function payloadOf(ctx: ApiContext, node: NodeId, uid: number): Promise<Buffer | null> {
  const client = clientOf(ctx, node);
  if (client === null || !ctx.health.usable(node)) return null;
  try {
    const known = ctx.fleet.node(node);
    if (known !== null) await ctx.features.tell(known, client);
    const path = `/tasks/${String(uid)}/documents`;
    const { status, bytes } = await client.request({ method: 'GET', path });
    return status === 200 ? bytes : null;
  } catch (error) {
    if (faultOf(error) === null) throw error;
    return null;
  }
}
