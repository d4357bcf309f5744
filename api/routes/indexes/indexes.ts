import type { FastifyInstance } from 'fastify';
import { MeiliError } from '../../../core/errors';
import type { IndexEntry, JsonValue } from '../../../core/fleet';
import type { IndexUid } from '../../../core/ids';
import { BodyReader } from '../../../core/search/values';
import { authorize } from '../../auth/authorize';
import type { ApiContext } from '../../context';
import { updatedAtOf } from '../../follower/update-times';
import { Fields } from '../../http/fields';
import { readPage } from '../../http/page';
import { countDocuments, countWhenQuiet } from '../../writes/count';
import { demandIndexUid, invalidIndexUid, isIndexUid } from '../../writes/operations/common';
import {
  CreateIndex,
  DeleteIndex,
  SwapIndexes,
  UpdateIndex,
} from '../../writes/operations/index-operations';
import type { Swap } from '../../writes/operations/index-operations';
import { answerWithTask } from '../task-reply';
import { oneIndex } from '../target';

interface IndexParams {
  Params: { indexUid: string };
}

/** `/indexes`, `/indexes/{uid}` and `/swap-indexes`: the catalogue, which only this fleet knows. */
export function registerIndexes(app: FastifyInstance, ctx: ApiContext): void {
  app.get('/indexes', { onRequest: authorize(ctx, 'indexes.get') }, async (request) => {
    const page = readPage(request.query, {
      offset: 'invalid_index_offset',
      limit: 'invalid_index_limit',
    });
    const entries = ctx.fleet
      .current()
      .indexes.filter((entry) => request.caller.allowsIndex(entry.uid))
      .sort((a, b) => (a.uid < b.uid ? -1 : 1));
    const shown = entries.slice(page.offset, page.offset + page.limit);
    const results = await Promise.all(shown.map((entry) => viewOf(ctx, entry)));
    return { results, offset: page.offset, limit: page.limit, total: entries.length };
  });

  app.post('/indexes', { onRequest: authorize(ctx, 'indexes.create') }, async (request, reply) => {
    const fields = new Fields(request.body as JsonValue, {
      known: ['uid', 'primaryKey'],
      codes: { uid: 'invalid_index_uid', primaryKey: 'invalid_index_primary_key' },
      missing: { uid: 'missing_index_uid' },
    });
    const uid = demandIndexUid(fields.string('uid'), 'Invalid value at `.uid`: ');
    const primaryKey = fields.optionalString('primaryKey');
    request.caller.demandIndex(uid);
    const defaults = ctx.config.fleet;
    return await answerWithTask(ctx, reply, new CreateIndex({ uid, primaryKey, defaults }));
  });

  app.get<IndexParams>(
    '/indexes/:indexUid',
    { onRequest: authorize(ctx, 'indexes.get') },
    async (request) => ({
      ...(await viewOf(ctx, oneIndex(ctx, request.params.indexUid))),
      uid: request.params.indexUid,
    }),
  );

  app.patch<IndexParams>(
    '/indexes/:indexUid',
    { onRequest: authorize(ctx, 'indexes.update') },
    async (request, reply) => {
      const uid = demandIndexUid(request.params.indexUid);
      const { primaryKey, newUid } = readUpdate(request.body as JsonValue);
      if (newUid !== null) request.caller.demandIndex(newUid);
      const counted = (entry: IndexEntry): Promise<number> => countWhenQuiet(ctx, entry);
      const update = new UpdateIndex({ uid, primaryKey, newUid, countWhenQuiet: counted });
      return await answerWithTask(ctx, reply, update);
    },
  );

  app.delete<IndexParams>(
    '/indexes/:indexUid',
    { onRequest: authorize(ctx, 'indexes.delete') },
    async (request, reply) => {
      const uid = demandIndexUid(request.params.indexUid);
      const deletion = new DeleteIndex({
        uid,
        count: (entry, what) => countDocuments(ctx, entry, what),
      });
      return await answerWithTask(ctx, reply, deletion);
    },
  );

  app.post(
    '/swap-indexes',
    { onRequest: authorize(ctx, 'indexes.swap') },
    async (request, reply) => {
      const swaps = readSwaps(request.body as JsonValue);
      for (const { indexes } of swaps) for (const uid of indexes) request.caller.demandIndex(uid);
      return await answerWithTask(ctx, reply, new SwapIndexes(swaps));
    },
  );
}

async function viewOf(ctx: ApiContext, entry: IndexEntry): Promise<object> {
  const { uid, createdAt, primaryKey } = entry;
  return { uid, createdAt, updatedAt: await updatedAtOf(ctx.store, entry), primaryKey };
}

function readUpdate(body: JsonValue): { primaryKey: string | null; newUid: IndexUid | null } {
  const fields = new Fields(body, {
    known: ['primaryKey', 'uid'],
    codes: { uid: 'invalid_index_uid', primaryKey: 'invalid_index_primary_key' },
    immutable: { createdAt: 'immutable_index_created_at', updatedAt: 'immutable_index_updated_at' },
  });
  const primaryKey = fields.optionalString('primaryKey');
  const uid = fields.optionalString('uid');
  return {
    primaryKey,
    newUid: uid === null ? null : demandIndexUid(uid),
  };
}

function readSwaps(body: JsonValue): Swap[] {
  if (!Array.isArray(body)) {
    throw new BodyReader('', 'bad_request').wrongType('an array', body);
  }
  const swaps = body.map((item, at) => readSwap(item, at));
  const seen = new Set<string>();
  const repeated = new Set<string>();
  for (const uid of swaps.flatMap(({ indexes }) => indexes)) {
    if (seen.has(uid)) repeated.add(uid);
    seen.add(uid);
  }
  if (repeated.size === 0) return swaps;
  const list = [...repeated]
    .sort()
    .map((uid) => `\`${uid}\``)
    .join(', ');
  throw new MeiliError(
    'invalid_swap_duplicate_index_found',
    `Indexes must be declared only once during a swap. ${list} ${repeated.size === 1 ? 'was' : 'were'} specified several times.`,
  );
}

function readSwap(item: JsonValue, at: number): Swap {
  const fields = new Fields(item, {
    at: `[${at}]`,
    known: ['indexes', 'rename'],
    codes: { indexes: 'invalid_swap_indexes', rename: 'invalid_swap_rename' },
    missing: { indexes: 'missing_swap_indexes' },
  });
  const uids = fields.strings('indexes').map((uid, inner) => {
    if (!isIndexUid(uid)) {
      const place = `Invalid value at \`[${at}].indexes[${inner}]\`: `;
      throw new MeiliError('invalid_swap_indexes', invalidIndexUid(uid, place).message);
    }
    return demandIndexUid(uid);
  });
  const [left, right, ...more] = uids;
  if (left === undefined || right === undefined || more.length > 0) {
    throw new MeiliError(
      'invalid_swap_indexes',
      `Two indexes must be given for each swap. The list \`${JSON.stringify(uids)}\` contains ${uids.length} indexes.`,
    );
  }
  return { indexes: [left, right], rename: fields.optionalBoolean('rename', false) };
}
