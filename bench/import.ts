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

interface ImportRun {
  readonly documents: number;
  readonly importPerSecond: number;
  readonly directPerSecond: number;
  readonly samples: readonly MemorySample[];
}

/**
 * Imports a dump into three nodes with two copies while the worker is killed in the middle.
 * Throws where a document is lost or was written by two tasks.
 */
export async function benchImport(size: Size, runs: number): Promise<Row[]> {
  const done: ImportRun[] = [];
  for (let run = 0; run < runs; run += 1) done.push(await oneRun(sizeOf(size, 'documents')));
  const samples = done[0]?.samples ?? [];
  const memory = (part: string): Row =>
    row({
      ...{ name: `import.${part}-rss/first`, unit: 'MiB', better: 'lower' },
      ...{ against: 'its first sample', samples },
      ours: done.map((run) => Math.max(...valuesOf(run.samples, part))),
      theirs: done.map((run) => valuesOf(run.samples, part)[0] ?? NaN),
    });
  return [
    row({
      ...{ name: 'import.rate/indexing', unit: 'documents/s', better: 'higher' },
      against: 'the same documents sent to one node directly',
      documents: done[0]?.documents ?? 0,
      ours: done.map((run) => run.importPerSecond),
      theirs: done.map((run) => run.directPerSecond),
    }),
    memory('api'),
    { ...memory('worker'), samples: undefined },
  ];
}

const valuesOf = (samples: readonly MemorySample[], part: string): number[] =>
  samples.flatMap(({ mib }) => mib[part] ?? []);

async function oneRun(documents: number): Promise<ImportRun> {
  const dumps = mkdtempSync(join(tmpdir(), 'miroir-bench-import-'));
  try {
    await writeBenchDump(join(dumps, file), index, documents);
    const fleet = await startFleet({
      ...{ nodes: 3, shards: 16, replicationFactor: 2 },
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
    const directPerSecond = await indexDirectly(fleet, documents);
    return { documents, importPerSecond: documents / seconds, directPerSecond, samples };
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

async function indexDirectly(fleet: RunningFleet, documents: number): Promise<number> {
  const { url } = await fleet.addNodeProcess({ group: 0 });
  const direct = new ApiClient({ api: url, masterKey: fleet.nodeKey, adminKey: '' });
  const started = performance.now();
  let last = 0;
  for (const chunk of documentChunks(documents)) {
    const path = '/indexes/direct/documents?primaryKey=id';
    last = (await direct.post<{ taskUid: number }>(path, chunk)).taskUid;
  }
  await direct.waitTask(last, waitMsMax);
  return (documents / (performance.now() - started)) * 1_000;
}
