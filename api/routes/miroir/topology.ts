import type { FastifyInstance } from 'fastify';
import type { Fleet, IndexEntry, ReplicaState } from '../../../core/fleet';
import { MeiliError } from '../../../core/errors';
import { epoch as epochOf } from '../../../core/ids';
import type { NodeId } from '../../../core/ids';
import { topologyLogEntriesMax } from '../../../core/limits';
import { topologyDifference } from '../../../core/topology-diff';
import { operatorRoute } from './operator-route';

import type { ApiContext } from '../../context';
import { demandKnown, queryOf, readCount } from '../../http/page';

/** What the fleet is now, what it was, and whether this pod may serve. Read only. */
export function registerTopology(app: FastifyInstance, ctx: ApiContext): void {
  const options = operatorRoute(ctx);

  // No key: load balancers and Kubernetes ask it, and it tells nothing of the fleet.
  app.get('/_miroir/ready', async (_request, reply) => {
    const ready = ctx.fleet.ready() && ctx.pod.ready() && !ctx.fleet.lost();
    return await reply.code(ready ? 200 : 503).send({ ready });
  });

  app.get('/_miroir/topology', options, async (request) => {
    const query = queryOf(request.query);
    demandKnown(query, ['epoch']);
    if (query.has('epoch')) return pastTopology(await fleetAt(ctx, query, 'epoch'));
    const fleet = ctx.fleet.current();
    const pods = await ctx.store.pods.list();
    return {
      epoch: fleet.epoch,
      nodes: fleet.nodes.map((node) => ({
        ...node,
        health: ctx.health.view(node.id),
        disk: ctx.disks.of(node.id),
        replicas: countStates(fleet, node.id),
      })),
      indexes: fleet.indexes.map(summary),
      aliases: fleet.aliases,
      pods: pods.map(({ id, kind, alive, acknowledged }) => ({ id, kind, alive, acknowledged })),
    };
  });

  app.get('/_miroir/topology/log', options, async (request) => {
    const query = queryOf(request.query);
    demandKnown(query, ['limit', 'who', 'contains']);
    const limit = readCount(query, 'limit', { otherwise: 50, code: 'bad_request' });
    const who = query.get('who');
    const contains = query.get('contains');
    const entries = await ctx.store.fleet.log(topologyLogEntriesMax);
    const results = entries.filter(
      (entry) =>
        (who === undefined || entry.who === who) &&
        (contains === undefined || [entry.what, ...entry.ops].join('\n').includes(contains)),
    );
    return { results: results.slice(0, limit), oldest: entries.at(-1)?.epoch ?? null };
  });

  app.get('/_miroir/topology/diff', options, async (request) => {
    const query = queryOf(request.query);
    demandKnown(query, ['from', 'to']);
    const to = query.has('to') ? await fleetAt(ctx, query, 'to') : await ctx.store.fleet.load();
    return topologyDifference(await fleetAt(ctx, query, 'from'), to);
  });

  app.get('/_miroir/shards', options, async (request) => {
    const query = queryOf(request.query);
    demandKnown(query, ['index', 'node', 'epoch']);
    const fleet = query.has('epoch') ? await fleetAt(ctx, query, 'epoch') : ctx.fleet.current();
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

/** The fleet at the epoch that a parameter names; refused where the log does not reach back to it. */
async function fleetAt(
  ctx: ApiContext,
  query: ReadonlyMap<string, string>,
  name: string,
): Promise<Fleet> {
  if (!query.has(name)) {
    throw new MeiliError('bad_request', `Missing parameter \`${name}\`: expected an epoch`);
  }
  const epoch = epochOf(readCount(query, name, { otherwise: 0, code: 'bad_request' }));
  const past = await ctx.store.fleet.at(epoch);
  if (past.ok) return past.fleet;
  throw new MeiliError(
    'miroir_not_found',
    past.reason === 'future'
      ? `Epoch ${epoch} has not been reached; the fleet is at ${past.oldest}.`
      : `The topology log reaches back to epoch ${past.oldest}, not to ${epoch}.`,
  );
}

/** What was is told without health and pods, which are of the moment. */
function pastTopology(fleet: Fleet): object {
  return {
    epoch: fleet.epoch,
    nodes: fleet.nodes.map((node) => ({ ...node, replicas: countStates(fleet, node.id) })),
    indexes: fleet.indexes.map(summary),
    aliases: fleet.aliases,
  };
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
