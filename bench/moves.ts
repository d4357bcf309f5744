import { ApiClient } from '../cli/client';
import { awaitOver } from '../cli/operations';
import type { Operation } from '../cli/operations';
import { startFleet } from '../local/fleet';
import type { LocalNode, RunningFleet } from '../local/fleet';
import { row } from './row';
import type { Row } from './row';
import { percentile } from './spread';
import { sizeOf } from './workload';
import type { Size } from './workload';
import { documentsWorkload } from './workloads/documents';

const index = 'shop';
/** The longest that this bench waits for one task or operation. */
const waitMsMax = 400_000;

/** One run: what the move did, and what it is held against. */
interface MoveRun {
  readonly copied: number;
  readonly bound: number;
  readonly copyPerSecond: number;
  readonly indexPerSecond: number;
  readonly p95During: number;
  readonly p95Before: number;
  readonly fencedMsPerShard: number;
  readonly fenceMaxMs: number;
}

/** Adds a node to a running fleet, on real nodes where `MEILISEARCH_BIN` names one. */
export async function benchMoves(size: Size, runs: number): Promise<Row[]> {
  const done: MoveRun[] = [];
  for (let run = 0; run < runs; run += 1) done.push(await oneRun(size));
  const of = (read: (run: MoveRun) => number): number[] => done.map(read);
  return [
    row({
      ...{ name: 'moves.documents/bound', unit: 'documents', better: 'lower' },
      against: 'the fair share of the new node',
      ...{ ours: of((run) => run.copied), theirs: of((run) => run.bound) },
    }),
    row({
      ...{ name: 'moves.copy/indexing', unit: 'documents/s', better: 'higher' },
      against: 'as many sent to the target directly under the same load',
      ...{ ours: of((run) => run.copyPerSecond), theirs: of((run) => run.indexPerSecond) },
    }),
    row({
      ...{ name: 'moves.p95/before', unit: 'ms', better: 'lower' },
      against: 'searches before the move',
      ...{ ours: of((run) => run.p95During), theirs: of((run) => run.p95Before) },
    }),
    row({
      ...{ name: 'moves.fence/max', unit: 'ms/shard', better: 'lower' },
      against: 'the longest that a fence may stand',
      ...{ ours: of((run) => run.fencedMsPerShard), theirs: of((run) => run.fenceMaxMs) },
    }),
  ];
}

async function oneRun(size: Size): Promise<MoveRun> {
  const fleet = await startFleet({
    nodes: sizeOf(size, 'nodes'),
    shards: sizeOf(size, 'shards'),
    replicationFactor: 1,
    settings: {
      MIROIR_SYNC_GRACE_MS: '100',
      MIROIR_FENCE_MAX_MS: String(fenceMaxOf(size)),
      MIROIR_REQUEST_DEADLINE_MS: String(sizeOf(size, 'requestDeadlineMs')),
      // Barriers wait for the longest request, so a tiny run has a short one.
      MIROIR_NODE_DEADLINE_MS: String(Math.floor(sizeOf(size, 'requestDeadlineMs') / 1.2)),
    },
  });
  try {
    return await measure(fleet, size);
  } finally {
    await fleet.close();
  }
}

const fenceMaxOf = (size: Size): number => Math.floor(sizeOf(size, 'requestDeadlineMs') / 2.4);

async function measure(fleet: RunningFleet, size: Size): Promise<MoveRun> {
  const api = new ApiClient(fleet);
  const { text } = documentsWorkload(sizeOf(size, 'documents'));
  const documents = JSON.parse(text) as object[];
  const batch = sizeOf(size, 'batch');
  await fill(api, documents, batch);
  const load = startLoad(api, documents);
  await load.untilSearches(sizeOf(size, 'searchesBefore'));
  const before = load.take();
  const node = await fleet.addNodeProcess({ group: 0 });
  const { id, url } = node;
  const started = await api.post<{ operation: string }>('/_miroir/nodes', {
    ...{ id, url, group: 0, autoApprove: true },
  });
  const ended = await awaitOver(api, started.operation);
  const during = load.take();
  if (ended.status !== 'succeeded') throw new Error(`${ended.id} ended as ${ended.status}.`);
  const syncs = await syncsTo(api, id);
  const copied = ended.progress.documentsCopied;
  const moved = documents.slice(0, Math.max(1, Math.min(copied, documents.length)));
  // The clients go on: the copy had them beside it, too.
  const indexPerSecond = await indexDirectly(fleet, node, { documents: moved, batch });
  await load.stop();
  return {
    copied,
    bound: documents.length / (sizeOf(size, 'nodes') + 1),
    copyPerSecond: (copied / Math.max(1, sum(syncs, 'copyMs'))) * 1_000,
    indexPerSecond,
    p95During: percentile(during, 95),
    p95Before: percentile(before, 95),
    fencedMsPerShard: Math.max(0.01, sum(syncs, 'fencedMs') / Math.max(1, shardsOf(ended))),
    fenceMaxMs: fenceMaxOf(size),
  };
}

/** An index whose documents are all there and searchable. */
async function fill(api: ApiClient, documents: readonly object[], batch: number): Promise<void> {
  const { taskUid } = await api.post<{ taskUid: number }>('/indexes', {
    ...{ uid: index, primaryKey: 'id' },
  });
  await api.waitTask(taskUid);
  const tasks: number[] = [];
  for (let at = 0; at < documents.length; at += batch) {
    const answer = await api.post<{ taskUid: number }>(
      `/indexes/${index}/documents`,
      documents.slice(at, at + batch),
    );
    tasks.push(answer.taskUid);
  }
  for (const uid of tasks) await api.waitTask(uid, waitMsMax);
}

interface Load {
  untilSearches(count: number): Promise<void>;
  /** The milliseconds of the searches since it was last asked. */
  take(): number[];
  stop(): Promise<void>;
}

/** Two clients that search and one that replaces documents, each its next request after the last. */
function startLoad(api: ApiClient, documents: readonly object[]): Load {
  const queries = ['harbor', 'silent garden', 'copper window', 'été', 'night'];
  let latencies: number[] = [];
  let stopping = false;
  const searcher = async (first: number): Promise<void> => {
    for (let turn = first; !stopping; turn += 1) {
      const sent = performance.now();
      await api.post(`/indexes/${index}/search`, { q: queries[turn % queries.length], limit: 20 });
      latencies.push(performance.now() - sent);
    }
  };
  const writer = async (): Promise<void> => {
    for (let turn = 0; !stopping; turn += 1) {
      const { taskUid } = await api.post<{ taskUid: number }>(`/indexes/${index}/documents`, [
        documents[(turn * 37) % documents.length],
      ]);
      await api.waitTask(taskUid, waitMsMax);
    }
  };
  const loops = Promise.all([searcher(0), searcher(2), writer()]);
  return {
    async untilSearches(count) {
      while (latencies.length < count) {
        await Promise.race([loops, new Promise((resolve) => setTimeout(resolve, 10))]);
      }
    },
    take() {
      const taken = latencies;
      latencies = [];
      return taken;
    },
    async stop() {
      stopping = true;
      await loops;
    },
  };
}

/** The same number of documents sent to the node itself, as an index of its own, until they are indexed. */
async function indexDirectly(
  fleet: RunningFleet,
  node: LocalNode,
  { documents, batch }: { readonly documents: readonly object[]; readonly batch: number },
): Promise<number> {
  const direct = new ApiClient({ api: node.url, masterKey: fleet.nodeKey, adminKey: '' });
  const started = performance.now();
  let last = 0;
  for (let at = 0; at < documents.length; at += batch) {
    const answer = await direct.post<{ taskUid: number }>(
      '/indexes/direct/documents?primaryKey=id',
      documents.slice(at, at + batch),
    );
    last = answer.taskUid;
  }
  await direct.waitTask(last, waitMsMax);
  return (documents.length / (performance.now() - started)) * 1_000;
}

type SyncView = Operation & { readonly nodes?: readonly string[] };

async function syncsTo(api: ApiClient, target: string): Promise<SyncView[]> {
  const { results } = await api.get<{ results: SyncView[] }>(
    '/_miroir/operations?kind=sync&limit=1000',
  );
  return results.filter(({ nodes }) => nodes?.[1] === target);
}

const sum = (syncs: readonly SyncView[], name: string): number =>
  syncs.reduce((total, { progress }) => {
    const value = (progress as { readonly [member: string]: unknown })[name];
    return total + (typeof value === 'number' ? value : 0);
  }, 0);

function shardsOf({ plan }: Operation): number {
  if (plan === null || plan === undefined || plan.kind !== undefined) return 0;
  return plan.syncs.reduce((count, { shards }) => count + shards.length, 0);
}
