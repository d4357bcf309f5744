import type { FastifyInstance } from 'fastify';
import { MeiliError } from '../../../core/errors';
import type { IndexEntry } from '../../../core/fleet';
import { nodeId, shardId } from '../../../core/ids';
import { bucketCount } from '../../../core/limits';
import type { PlacementChange } from '../../../core/placement-change';
import { isShardCount } from '../../../core/reshard';
import { changeId } from '../../../workflows/ids';
import type { ApiContext } from '../../context';
import { Fields } from '../../http/fields';
import { operatorBody, operatorRoute } from './operator-route';
import { changeOptionFields } from './run-options';
import { startChange } from './start-operation';
import { withProgress } from './progress';

interface IndexParams {
  Params: { uid: string };
}

/** No group has more nodes in sight of anybody; more copies than nodes are said in the plan. */
const replicationFactorMax = 100;

/** Operations on one index's copies: the number of shards, the number of copies, repair. */
export function registerIndexPlacement(app: FastifyInstance, ctx: ApiContext): void {
  registerReshard(app, ctx);
  registerReplication(app, ctx);
  const options = operatorRoute(ctx);

  app.post<IndexParams>('/_miroir/indexes/:uid/repair', options, async (request, reply) => {
    const known = ['shard', 'node', ...changeOptionFields];
    const fields = new Fields(operatorBody(request), { known });
    const entry = find(ctx, request.params.uid);
    const number = fields.optionalNumber('shard', { min: 0, integer: true });
    if (number !== null && number >= entry.shardCount) {
      throw fields.invalid('shard', `\`${entry.uid}\` has ${entry.shardCount} shards`);
    }
    const named = fields.optionalString('node');
    if (named !== null && !ctx.fleet.current().nodes.some(({ id }) => id === named)) {
      throw new MeiliError('miroir_not_found', `Node \`${named}\` not found.`);
    }
    const change = {
      ...{ kind: 'repair' as const, physicalUid: entry.physicalUid },
      node: named === null ? null : nodeId(named),
      shard: number === null ? null : shardId(number),
    };
    return await startChange(ctx, { change, fields, request, reply });
  });
}

function registerReshard(app: FastifyInstance, ctx: ApiContext): void {
  const options = operatorRoute(ctx);

  app.post<IndexParams>('/_miroir/indexes/:uid/reshard', options, async (request, reply) => {
    const fields = new Fields(operatorBody(request), { known: ['shards', ...changeOptionFields] });
    const entry = find(ctx, request.params.uid);
    const shardCount = fields.optionalNumber('shards', { min: 1, integer: true });
    if (shardCount === null || !isShardCount(shardCount)) {
      throw fields.invalid('shards', `must be a power of two from 1 to ${bucketCount}`);
    }
    if (shardCount === entry.shardCount) {
      throw new MeiliError(
        'miroir_operation_refused',
        `Index \`${entry.uid}\` has ${shardCount} shards already.`,
      );
    }
    const change = reshardOf(entry, shardCount);
    return await startChange(ctx, { change, fields, request, reply });
  });

  app.get<IndexParams>('/_miroir/indexes/:uid/reshard/status', options, async (request) => {
    const entry = find(ctx, request.params.uid);
    const job = await ctx.store.jobs.get(changeId(reshardOf(entry, entry.shardCount)));
    const operation = job === null ? null : await withProgress(ctx, job);
    return { index: entry.uid, shards: entry.shardCount, operation };
  });
}

const reshardOf = ({ uid, physicalUid }: IndexEntry, shardCount: number): PlacementChange => ({
  ...{ kind: 'reshard', index: uid, physicalUid, shardCount },
});

function registerReplication(app: FastifyInstance, ctx: ApiContext): void {
  const options = operatorRoute(ctx);
  const known = ['replicationFactor', ...changeOptionFields];
  const read = (fields: Fields): number => {
    const factor = fields.optionalNumber('replicationFactor', { min: 1, integer: true });
    if (factor !== null && factor <= replicationFactorMax) return factor;
    throw fields.invalid('replicationFactor', `must be from 1 to ${replicationFactorMax}`);
  };
  const changeOf = (
    entries: readonly IndexEntry[],
    replicationFactor: number,
  ): PlacementChange => ({
    kind: 'set-replication',
    factors: entries.map(({ uid: index, physicalUid }) => ({
      ...{ index, physicalUid, replicationFactor },
    })),
  });

  app.post<IndexParams>('/_miroir/indexes/:uid/replication', options, async (request, reply) => {
    const fields = new Fields(operatorBody(request), { known });
    const change = changeOf([find(ctx, request.params.uid)], read(fields));
    return await startChange(ctx, { change, fields, request, reply });
  });

  app.post('/_miroir/replication', options, async (request, reply) => {
    const fields = new Fields(operatorBody(request), { known });
    const { indexes } = ctx.fleet.current();
    if (indexes.length === 0) {
      throw new MeiliError('miroir_operation_refused', 'There is no index.');
    }
    const change = changeOf(indexes, read(fields));
    return await startChange(ctx, { change, fields, request, reply });
  });
}

function find(ctx: ApiContext, uid: string): IndexEntry {
  const found = ctx.fleet.index(uid);
  if (found === null) throw new MeiliError('index_not_found', `Index \`${uid}\` not found.`);
  return found.entry;
}
