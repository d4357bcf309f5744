import type { FastifyInstance } from 'fastify';
import type { Fleet, IndexEntry, ReplicaState } from '../../../core/fleet';
import type { NodeId } from '../../../core/ids';
import { operatorRoute } from './operator-route';

import type { ApiContext } from '../../context';
import { demandKnown, queryOf, readCount } from '../../http/page';

/** What the fleet is now, what it was, and whether this pod may serve. Read only. */
export function registerTopology(app: FastifyInstance, ctx: ApiContext): void {
  const options = operatorRoute(ctx);

  // No key: load balancers and Kubernetes ask it, and it tells nothing of the fleet.
  app.get('/_miroir/ready', async (_request, reply) => {
    const ready = ctx.fleet.ready() && ctx.pod.ready();
    return await reply.code(ready ? 200 : 503).send({ ready });
  });

  app.get('/_miroir/topology', options, async () => {
    const fleet = ctx.fleet.current();
    const pods = await ctx.store.pods.list();
    return {
      epoch: fleet.epoch,
      nodes: fleet.nodes.map((node) => ({
        ...node,
        health: ctx.health.view(node.id),
        replicas: countStates(fleet, node.id),
      })),
      indexes: fleet.indexes.map(summary),
      aliases: fleet.aliases,
      pods: pods.map(({ id, kind, alive, acknowledged }) => ({ id, kind, alive, acknowledged })),
    };
  });

  app.get('/_miroir/topology/log', options, async (request) => {
    const query = queryOf(request.query);
    demandKnown(query, ['limit']);
    const limit = readCount(query, 'limit', { otherwise: 50, code: 'bad_request' });
    return { results: await ctx.store.fleet.log(Math.min(limit, 1_000)) };
  });

  app.get('/_miroir/shards', options, (request) => {
    const query = queryOf(request.query);
    demandKnown(query, ['index', 'node']);
    const fleet = ctx.fleet.current();
    const rows = fleet.indexes
      .filter((entry) => query.get('index') === undefined || entry.uid === query.get('index'))
      .flatMap(shardRows)
      .filter((row) => {
        const node = query.get('node');
        return node === undefined || row.replicas.some((replica) => replica.node === node);
      });
    return { epoch: fleet.epoch, results: rows };
  });
}

function summary(entry: IndexEntry): object {
  const { uid, physicalUid, shardCount, replicationFactor, settingsVersion, primaryKey } = entry;
  const groups = entry.placement.map((placement) => placement.group);
  return { uid, physicalUid, primaryKey, shardCount, replicationFactor, settingsVersion, groups };
}

function shardRows(entry: IndexEntry): {
  index: string;
  group: number;
  shard: number;
  replicas: readonly { node: NodeId; state: ReplicaState }[];
}[] {
  return entry.placement.flatMap((placement) =>
    placement.shards.map((replicas, shard) => ({
      index: entry.uid,
      group: placement.group,
      shard,
      replicas,
    })),
  );
}

function countStates(fleet: Fleet, node: NodeId): Record<ReplicaState, number> {
  const counts = { 'in-sync': 0, joined: 0, syncing: 0, stale: 0, leaving: 0 };
  for (const entry of fleet.indexes) {
    for (const { shards } of entry.placement) {
      for (const replica of shards.flat()) if (replica.node === node) counts[replica.state] += 1;
    }
  }
  return counts;
}
