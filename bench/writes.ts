import { ApiClient } from '../cli/client';
import { startFleet } from '../local/fleet';
import type { RunningFleet } from '../local/fleet';
import { row } from './row';
import type { Row } from './row';
import { percentile } from './spread';
import { sizeOf } from './workload';
import type { Size } from './workload';
import { documentsWorkload } from './workloads/documents';

const nodes = 3;
const copies = 2;
/** The longest that this bench waits for one task. */
const waitMsMax = 400_000;

/** One way of writing the documents. Rates are of whole documents, not of copies. */
interface Written {
  readonly acceptedPerSecond: number;
  readonly searchablePerSecond: number;
  readonly p50Ms: number;
}

interface WritesRun {
  readonly ours: Written;
  /** Of as many nodes and copies as the fleet has, without anything before them. */
  readonly direct: Written;
}

/** Small writes, on real nodes where `MEILISEARCH_BIN` names one. */
export async function benchWrites(size: Size, runs: number): Promise<Row[]> {
  const done: WritesRun[] = [];
  for (let run = 0; run < runs; run += 1) done.push(await oneRun(size));
  const against = 'each sent to two of three nodes directly';
  const of = (name: string, unit: string, read: (written: Written) => number): Row =>
    row({
      ...{ name: `writes.${name}/direct`, unit, against },
      better: unit === 'ms' ? 'lower' : 'higher',
      ours: done.map(({ ours }) => read(ours)),
      theirs: done.map(({ direct }) => read(direct)),
    });
  return [
    of('accepted', 'writes/s', ({ acceptedPerSecond }) => acceptedPerSecond),
    of('searchable', 'writes/s', ({ searchablePerSecond }) => searchablePerSecond),
    of('p50', 'ms', ({ p50Ms }) => p50Ms),
  ];
}

async function oneRun(size: Size): Promise<WritesRun> {
  const fleet = await startFleet({
    ...{ nodes, shards: sizeOf(size, 'shards'), replicationFactor: copies },
  });
  try {
    const miroir = new ApiClient(fleet);
    const ours = await write(size, {
      targets: () => [miroir],
      setUp: async () => await createIndex(miroir),
    });
    const direct = await directNodes(fleet);
    return {
      ours,
      direct: await write(size, {
        targets: (document) =>
          Array.from(
            { length: copies },
            (_, copy) => direct[(document + copy) % nodes] as ApiClient,
          ),
        setUp: async () => void (await Promise.all(direct.map(createIndex))),
      }),
    };
  } finally {
    await fleet.close();
  }
}

const index = 'shop';

async function createIndex(api: ApiClient): Promise<void> {
  const body = { uid: index, primaryKey: 'id' };
  await api.waitTask((await api.post<{ taskUid: number }>('/indexes', body)).taskUid, waitMsMax);
}

/** New ones that nobody else uses. */
async function directNodes(fleet: RunningFleet): Promise<ApiClient[]> {
  const started: ApiClient[] = [];
  for (let node = 0; node < nodes; node += 1) {
    const { url } = await fleet.addNodeProcess({ group: 0 });
    started.push(new ApiClient({ api: url, masterKey: fleet.nodeKey, adminKey: '' }));
  }
  return started;
}

interface Way {
  /** Where a document goes. */
  readonly targets: (document: number) => readonly ApiClient[];
  readonly setUp: () => Promise<void>;
}

/** Each client sends its next document when the last one was accepted everywhere. */
async function write(size: Size, way: Way): Promise<Written> {
  const warmUp = sizeOf(size, 'warmUp');
  const measured = sizeOf(size, 'documents');
  const documents = JSON.parse(documentsWorkload(warmUp + measured).text) as object[];
  await way.setUp();
  const last = new Map<ApiClient, number>();
  const latencies: number[] = [];
  const path = `/indexes/${index}/documents`;
  let next = 0;
  const client = async (until: number): Promise<void> => {
    while (next < until) {
      const document = next;
      next += 1;
      const sent = performance.now();
      await Promise.all(
        way.targets(document).map(async (api) => {
          const { taskUid } = await api.post<{ taskUid: number }>(path, [documents[document]]);
          last.set(api, Math.max(taskUid, last.get(api) ?? 0));
        }),
      );
      latencies.push(performance.now() - sent);
    }
  };
  const clients = async (until: number): Promise<void> => {
    await Promise.all(Array.from({ length: sizeOf(size, 'clients') }, () => client(until)));
  };
  const ended = async (): Promise<void> => {
    await Promise.all(
      [...last].map(async ([api, uid]) => void (await api.waitTask(uid, waitMsMax))),
    );
  };
  await clients(warmUp);
  await ended();
  latencies.length = 0;
  const started = performance.now();
  await clients(warmUp + measured);
  const accepted = performance.now() - started;
  await ended();
  const searchable = performance.now() - started;
  return {
    acceptedPerSecond: (measured / accepted) * 1_000,
    searchablePerSecond: (measured / searchable) * 1_000,
    p50Ms: percentile(latencies, 50),
  };
}
