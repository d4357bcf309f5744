import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { MeiliError } from '../../core/errors';
import type { FleetTask } from '../../store/task-types';
import { identify } from '../auth/authorize';
import type { ApiContext } from '../context';
import type { Operation } from '../writes/plan';

/** What the engine answers to every write: the task in short, always as `enqueued`. */
export function summaryOf(task: FleetTask): object {
  const { uid, indexUid, type, enqueuedAt, customMetadata } = task;
  return {
    taskUid: uid,
    indexUid,
    status: 'enqueued',
    type,
    enqueuedAt,
    ...(customMetadata === undefined ? {} : { customMetadata }),
  };
}

/** Submits a write and answers with its task; 202 but for the routes of tasks themselves. */
export async function answerWithTask(
  ctx: ApiContext,
  reply: FastifyReply,
  operation: Operation,
  status = 202,
): Promise<FastifyReply> {
  const { task, degraded } = await ctx.writes.submit(operation);
  if (degraded !== null) reply.header('x-miroir-degraded', degraded);
  return await reply.code(status).send(summaryOf(task));
}

const keyBytesMax = 256;

/** The `Idempotency-Key` header with a hash of everything that makes the request what it is. */
export function idempotencyOf(
  request: FastifyRequest,
): { readonly key: string; readonly bodyHash: string } | undefined {
  const key = request.headers['idempotency-key'];
  if (typeof key !== 'string' || key === '') return undefined;
  if (key.length > keyBytesMax) {
    throw new MeiliError(
      'bad_request',
      `The Idempotency-Key header may have ${keyBytesMax} bytes at most.`,
    );
  }
  const hash = createHash('sha256').update(`${request.method} ${request.url}\n`);
  hash.update(`${request.headers['content-type'] ?? ''}\n`);
  hash.update(request.spoolHash ?? createHash('sha256').update(request.rawBody).digest());
  return { key, bodyHash: hash.digest('hex') };
}

/** Whether the caller's key may also make this index: additions and settings make it where it is not. */
export function mayCreateIndex(ctx: ApiContext, request: FastifyRequest, uid: string): boolean {
  try {
    return identify(ctx, request.headers.authorization, 'indexes.create').allowsIndex(uid);
  } catch {
    return false;
  }
}
