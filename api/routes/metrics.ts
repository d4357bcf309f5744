import type { FastifyInstance } from 'fastify';
import { MeiliError } from '../../core/errors';
import type { Fleet, IndexEntry } from '../../core/fleet';
import type { FleetTaskStatus } from '../../store/task-types';
import { authorize } from '../auth/authorize';
import type { ApiContext } from '../context';
import { setArchiveGauges } from '../metrics/archive-gauges';
import type { FleetCache } from '../fleet-cache';
import type { Metrics } from '../metrics/metrics';
import { setLifeGauges } from '../metrics/life-gauges';
import { setMoveGauges } from '../metrics/move-gauges';
import { inParallel } from '../search/in-parallel';
import { indexStats } from '../stats/index-stats';
import { databaseSizes } from '../stats/database-sizes';

/** Counts every answer of this pod. Registered before the routes, or it would not see them. */
export function countRequests(app: FastifyInstance, metrics: Metrics, fleet: FleetCache): void {
  app.addHook('onRequest', async (request, reply) => {
    if (!isSearch(request.routeOptions.url)) return;
    metrics.searchBegan();
    // A client that goes away ends its search without an answer.
    reply.raw.once('close', () => metrics.searchEnded());
  });
  app.addHook('onResponse', async (request, reply) => {
    const approximate = String(reply.getHeader('x-miroir-approximate') ?? '').split(', ');
    if (approximate.includes('skipped-rule')) metrics.searchDegraded();
    const seconds = reply.elapsedTime / 1_000;
    const route = request.routeOptions.url ?? 'none';
    metrics.request(request.method, route, { status: reply.statusCode, seconds });
    const { indexUid } = (request.params ?? {}) as { indexUid?: string };
    if (indexUid === undefined || !fleet.ready() || fleet.alias(indexUid) === null) return;
    metrics.aliasNamed(indexUid, request.method);
  });
}

const isSearch = (route: string | undefined): boolean =>
  /\/(search|multi-search|facet-search|similar)$/.test(route ?? '');

/** `/metrics`: this pod's counters and the fleet's gauges, for Prometheus. */
export function registerMetrics(app: FastifyInstance, ctx: ApiContext): void {
  app.get('/metrics', { onRequest: authorize(ctx, 'metrics.get') }, async (request, reply) => {
    ctx.features.demand('metrics', 'Getting metrics');
    if (request.caller.patterns !== null) {
      throw new MeiliError(
        'invalid_api_key',
        'The provided API key is invalid. The API key for the `/metrics` route must allow access to all indexes.',
      );
    }
    const fleet = ctx.fleet.current();
    setFleetGauges(ctx, fleet);
    await setTaskGauges(ctx);
    await setArchiveGauges(ctx);
    await setIndexGauges(ctx, fleet.indexes);
    await setLifeGauges(ctx, fleet);
    await setMoveGauges(ctx);
    const text = await ctx.metrics.registry.metrics();
    return await reply.type('text/plain; version=0.0.4; charset=utf-8').send(text);
  });
}

function setFleetGauges(ctx: ApiContext, fleet: Fleet): void {
  const { metrics } = ctx;
  const states = { 'in-sync': 0, joined: 0, syncing: 0, stale: 0, leaving: 0 };
  for (const { placement } of fleet.indexes) {
    for (const { state } of placement.flatMap(({ shards }) => shards.flat())) states[state] += 1;
  }
  metrics.gauge('miroir_epoch', 'The epoch that this pod routes by', [{ value: fleet.epoch }]);
  metrics.gauge(
    'miroir_replicas',
    'Copies of shards by state',
    Object.entries(states).map(([state, value]) => ({ labels: { state }, value })),
  );
  metrics.gauge('miroir_stale_replicas', 'Copies that missed a write and wait for repair', [
    { value: states.stale },
  ]);
  metrics.gauge(
    'miroir_node_usable',
    'Whether this pod asks the node',
    fleet.nodes.map(({ id }) => ({ labels: { node: id }, value: ctx.health.usable(id) ? 1 : 0 })),
  );
  metrics.gauge(
    'miroir_node_strange',
    'Whether the node answers but is not the one it was, so that it must be rebuilt',
    fleet.nodes.map(({ id }) => ({
      labels: { node: id },
      value: ctx.health.view(id).strange === null ? 0 : 1,
    })),
  );
  metrics.gauge(
    'miroir_node_search_share',
    'Share of its queries that the node gets; below 1 while it starts slowly',
    fleet.nodes.map(({ id }) => ({ labels: { node: id }, value: ctx.health.share(id) })),
  );
  setDiskGauges(ctx, fleet);
  metrics.gauge('miroir_pod_ready', 'Whether this pod has its lease', [
    { value: ctx.pod.ready() ? 1 : 0 },
  ]);
}

function setDiskGauges({ metrics, disks: watch }: ApiContext, fleet: Fleet): void {
  const disks = fleet.nodes.flatMap(({ id }) => {
    const disk = watch.of(id);
    return disk === null ? [] : [{ node: id, disk }];
  });
  metrics.gauge(
    'miroir_node_disk_bytes',
    "Bytes that the node's databases take, or that its disk has in use",
    disks.map(({ node, disk }) => ({ labels: { node }, value: disk.usedBytes ?? 0 })),
  );
  metrics.gauge(
    'miroir_node_disk_capacity_bytes',
    'Room on the node; 0 where it is unknown',
    disks.map(({ node, disk }) => ({ labels: { node }, value: disk.capacityBytes ?? 0 })),
  );
  metrics.gauge(
    'miroir_node_disk_mark',
    '0: room; 1: no shard is moved there; 2: writes that make it grow are refused',
    disks.map(({ node, disk }) => ({
      labels: { node },
      value: { ok: 0, high: 1, full: 2 }[disk.state],
    })),
  );
}

/** Of more open tasks the newest are counted by type and index. */
const openTasksMax = 1_000;

function counted(
  kind: 'types' | 'indexes',
  names: readonly string[],
): { labels: { kind: string; value: string }; value: number }[] {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([value, count]) => ({ labels: { kind, value }, value: count }));
}

const openStatuses: readonly FleetTaskStatus[] = ['enqueued', 'processing'];

/** Only tasks that are not over: to count the others every one would have to be read. */
async function setTaskGauges(ctx: ApiContext): Promise<void> {
  const counts = await Promise.all(
    openStatuses.map(async (status) => {
      const page = await ctx.store.tasks.list({ limit: 1, filter: { statuses: [status] } });
      return { status, total: page.total };
    }),
  );
  const oldest = await ctx.store.tasks.list({
    limit: 1,
    reverse: true,
    filter: { statuses: openStatuses },
  });
  const since = oldest.tasks[0]?.enqueuedAt;
  const { metrics } = ctx;
  const { tasks } = await ctx.store.tasks.list({
    limit: openTasksMax,
    filter: { statuses: openStatuses },
  });
  metrics.gauge('meilisearch_nb_tasks', 'Meilisearch Number of tasks', [
    ...counts.map(({ status, total }) => ({
      labels: { kind: 'statuses', value: status },
      value: total,
    })),
    ...counted(
      'types',
      tasks.map(({ type }) => type),
    ),
    ...counted(
      'indexes',
      tasks.flatMap(({ indexUid }) => (indexUid === null ? [] : [indexUid])),
    ),
  ]);
  const processing = counts.some(({ status, total }) => status === 'processing' && total > 0);
  metrics.gauge('meilisearch_is_indexing', 'Meilisearch Is Indexing', [
    { value: processing ? 1 : 0 },
  ]);
  metrics.gauge(
    'meilisearch_task_queue_latency_seconds',
    'Meilisearch Task Queue Latency in Seconds',
    [{ value: since === undefined ? 0 : Math.max(0, Date.now() - Date.parse(since)) / 1_000 }],
  );
}

/** An index of which a shard is away has no count now; the others have theirs. */
async function setIndexGauges(ctx: ApiContext, entries: readonly IndexEntry[]): Promise<void> {
  const { metrics } = ctx;
  const counts = await inParallel(entries, async (entry) => {
    try {
      const { numberOfDocuments: value } = await indexStats(ctx, entry);
      return [{ labels: { index: entry.uid }, value }];
    } catch (error) {
      ctx.log.debug({ err: error, index: entry.uid }, 'index was not counted for the metrics');
      return [];
    }
  });
  const sizes = await databaseSizes(ctx);
  metrics.gauge('meilisearch_index_count', 'Meilisearch Index Count', [{ value: entries.length }]);
  const updates = entries.map(({ updatedAt }) => Date.parse(updatedAt)).filter((at) => at > 0);
  metrics.gauge(
    'meilisearch_last_update',
    'Meilisearch Last Update',
    updates.length === 0 ? [] : [{ value: Math.floor(Math.max(...updates) / 1_000) }],
  );
  metrics.gauge('meilisearch_index_docs_count', 'Meilisearch Index Docs Count', counts.flat());
  metrics.gauge('meilisearch_db_size_bytes', 'Meilisearch DB Size In Bytes', [
    { value: sizes.databaseSize },
  ]);
  metrics.gauge('meilisearch_used_db_size_bytes', 'Meilisearch Used DB Size In Bytes', [
    { value: sizes.usedDatabaseSize },
  ]);
}
