import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApiClient } from '../cli/client';
import { isOver, operation } from '../cli/operations';
import type { Operation } from '../cli/operations';
import { startFleet } from '../local/fleet';
import type { RunningFleet } from '../local/fleet';
import { documentChunks, writeBenchDump } from './import-dump';
import { watchMemory } from './memory';
import type { MemorySample } from './memory';
import { row } from './row';
import type { Row } from './row';
import { sizeOf } from './workload';
import type { Size } from './workload';

const index = 'shop';
const file = 'bench.dump';
/** The longest that this bench waits for one task or operation: a million documents take long. */
const waitMsMax = 6 * 3_600_000;

const nodes = 3;
const copies = 2;

interface ImportRun {
  readonly documents: number;
  readonly importPerSecond: number;
  /** Of one node. */
  readonly directPerSecond: number;
  /** Of as many nodes and copies as the fleet has. */
  readonly copiesPerSecond: number;
  readonly samples: readonly MemorySample[];
}

/**
 * Imports a dump into three nodes with two copies while the worker is killed in the middle.
 * Throws where a document is lost or was written by two tasks.
 */
export async function benchImport(size: Size, runs: number): Promise<Row[]> {
  const done: ImportRun[] = [];
  for (let run = 0; run < runs; run += 1) done.push(await oneRun(sizeOf(size, 'documents')));
  return [...rateRows(done), ...memoryRows(done)];
}

function rateRows(done: readonly ImportRun[]): Row[] {
  const rate = (name: string, against: string, theirs: (run: ImportRun) => number): Row =>
    row({
      ...{ name: `import.rate/${name}`, unit: 'documents/s', better: 'higher', against },
      documents: done[0]?.documents ?? 0,
      ours: done.map((run) => run.importPerSecond),
      theirs: done.map(theirs),
    });
  return [
    rate(
      'indexing',
      'the same documents sent to one node directly',
      ({ directPerSecond }) => directPerSecond,
    ),
    rate(
      'copies',
      'as many copies sent to as many nodes directly',
      ({ copiesPerSecond }) => copiesPerSecond,
    ),
  ];
}

/** The first row has the samples. */
function memoryRows(done: readonly ImportRun[]): Row[] {
  const memory = (
    part: string,
    { name, against }: Pick<Row, 'name' | 'against'>,
    of: (values: readonly number[]) => { ours: number; theirs: number },
  ): Row => {
    const found = done.map((run) => of(valuesOf(run.samples, part)));
    return row({
      ...{ name: `import.${part}-rss/${name}`, unit: 'MiB', better: 'lower', against },
      ours: found.map(({ ours }) => ours),
      theirs: found.map(({ theirs }) => theirs),
    });
  };
  const first = { name: 'first', against: 'its first sample' };
  const earlier = { name: 'earlier', against: 'the quarter of the time before the last one' };
  const rows = ['api', 'worker'].flatMap((part) => [
    memory(part, first, (all) => ({ ours: Math.max(...all), theirs: all[0] ?? NaN })),
    memory(part, earlier, lastQuarters),
  ]);
  const samples = done[0]?.samples ?? [];
  return rows.map((one, at) => (at === 0 ? { ...one, samples } : one));
}

/**
 * The most of the last quarter and of the one before. Both lie behind the warm-up and behind the start
 * of the second worker, so what grows with the documents shows, and nothing else does.
 */
function lastQuarters(values: readonly number[]): { ours: number; theirs: number } {
  // Of a tiny import on a quick machine there are no four samples, but the first and the last.
  const quarter = Math.max(1, Math.floor(values.length / 4));
  return {
    ours: Math.max(...values.slice(-quarter)),
    theirs: Math.max(...values.slice(-2 * quarter, -quarter)),
  };
}

const valuesOf = (samples: readonly MemorySample[], part: string): number[] =>
  samples.flatMap(({ mib }) => mib[part] ?? []);

async function oneRun(documents: number): Promise<ImportRun> {
  const dumps = mkdtempSync(join(tmpdir(), 'miroir-bench-import-'));
  try {
    await writeBenchDump(join(dumps, file), index, documents);
    const fleet = await startFleet({
      ...{ nodes, shards: 16, replicationFactor: copies },
      settings: {
        MIROIR_DUMPS_LOCATION: dumps,
        // A worker that was killed is missed soon, so the run does not measure the wait for it.
        MIROIR_WORKER_HEARTBEAT_MS: '1000',
        MIROIR_WORKER_STICKY_MS: '1000',
      },
    });
    try {
      return await measure(fleet, documents);
    } finally {
      await fleet.close();
    }
  } finally {
    rmSync(dumps, { recursive: true, force: true });
  }
}

async function measure(fleet: RunningFleet, documents: number): Promise<ImportRun> {
  const api = new ApiClient(fleet);
  // The worker has done something of everything before it is first looked at.
  const planned = await startImport(api, { dryRun: true });
  await reach(api, planned, isOver);
  const memory = watchMemory(() => partsOf(fleet));
  try {
    const started = performance.now();
    const id = await startImport(api);
    await reach(api, id, (view) => isOver(view) || (view.progress.copying ?? 0) >= documents / 3);
    await fleet.killWorker();
    await fleet.startWorker();
    const ended = await reach(api, id, isOver);
    const seconds = (performance.now() - started) / 1_000;
    if (ended.status !== 'succeeded') throw new Error(`${id} ended as ${ended.status}.`);
    const samples = memory.stop();
    await expectExactly(api, documents);
    return {
      ...{ documents, importPerSecond: documents / seconds, samples },
      copiesPerSecond: await indexDirectly(fleet, documents, { nodes, copies }),
      directPerSecond: await indexDirectly(fleet, documents, { nodes: 1, copies: 1 }),
    };
  } finally {
    memory.stop();
  }
}

async function startImport(api: ApiClient, choices: object = {}): Promise<string> {
  const body = { file, ...choices };
  return (await api.post<{ operation: string }>('/_miroir/imports', body)).operation;
}

/** The first api and the first worker. */
function partsOf(fleet: RunningFleet): Record<string, number> {
  const found: Record<string, number> = {};
  for (const [name, pid] of Object.entries(fleet.pids())) {
    const part = /^(api|worker)\b/.exec(name)?.[1];
    if (part !== undefined) found[part] ??= pid;
  }
  return found;
}

async function reach(
  api: ApiClient,
  id: string,
  reached: (view: Operation) => boolean,
): Promise<Operation> {
  const deadline = performance.now() + waitMsMax;
  for (;;) {
    // It is listed a moment after its start; and the worker that answers for its state may be dead.
    const view = await operation(api, id).catch(() => null);
    if (view !== null && reached(view)) return view;
    if (performance.now() > deadline) throw new Error(`${id} has not ended in time.`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** As many documents as the dump has, each written by one task. */
async function expectExactly(api: ApiClient, documents: number): Promise<void> {
  const stats = await api.get<{ numberOfDocuments: number }>(`/indexes/${index}/stats`);
  let received = 0;
  for (let from: number | null = null, more = true; more; more = from !== null) {
    const query = `indexUids=${index}&types=documentAdditionOrUpdate&limit=1000`;
    const page: TaskPage = await api.get(
      `/tasks?${query}${from === null ? '' : `&from=${String(from)}`}`,
    );
    for (const { details } of page.results) received += details.receivedDocuments;
    from = page.next;
  }
  if (stats.numberOfDocuments === documents && received === documents) return;
  const found = `${String(stats.numberOfDocuments)}, written ${String(received)}`;
  throw new Error(`Of ${String(documents)} documents there are ${found}.`);
}

interface TaskPage {
  readonly results: readonly { readonly details: { readonly receivedDocuments: number } }[];
  readonly next: number | null;
}

/** Documents a second of new nodes that nobody else uses, each chunk sent to `copies` of them at once. */
async function indexDirectly(
  fleet: RunningFleet,
  documents: number,
  plan: { nodes: number; copies: number },
): Promise<number> {
  const direct: { api: ApiClient; last: number | null }[] = [];
  for (let node = 0; node < plan.nodes; node += 1) {
    const { url } = await fleet.addNodeProcess({ group: 0 });
    const api = new ApiClient({ api: url, masterKey: fleet.nodeKey, adminKey: '' });
    direct.push({ api, last: null });
  }
  const path = '/indexes/direct/documents?primaryKey=id';
  const started = performance.now();
  let at = 0;
  for (const chunk of documentChunks(documents)) {
    const owners = direct.filter((_, node) => (node + at) % plan.nodes < plan.copies);
    await Promise.all(
      owners.map(async (node) => {
        node.last = (await node.api.post<{ taskUid: number }>(path, chunk)).taskUid;
      }),
    );
    at += 1;
  }
  // Of a few documents some nodes may have got none.
  await Promise.all(
    direct.map(async ({ api, last }) => last !== null && (await api.waitTask(last, waitMsMax))),
  );
  return (documents / (performance.now() - started)) * 1_000;
}
