/**
 * Goal: a node that fills up is given no more shards, then no more documents, while deletes go on; and it
 * does not change its mind at every document.
 * Method: the marks alone; a pod on embedded nodes whose capacity is set just above or below what they have;
 * a node that fails its tasks for want of room.
 */
import { nextDiskState, readNodeExporter } from '../../core/disk';
import type { DiskState } from '../../core/disk';
import { nodeId } from '../../core/ids';
import { waitFor } from '../support/wait-for';
import { fleetForTest } from './support';
import type { FleetForTest, PodForTest } from './support';

jest.setTimeout(60_000);

const marks = { noMovesAt: 0.85, noGrowthAt: 0.95, hysteresis: 0.03 };

test('a mark is passed at its value and left behind only well below it', () => {
  let state: DiskState = 'ok';
  const uses = [0.8, 0.85, 0.83, 0.81, 0.84, 0.95, 0.93, 0.94, 0.91, 0.86, 0.82];
  const states = uses.map((use) => (state = nextDiskState(state, use, marks)));
  expect(states).toEqual([
    ...['ok', 'high', 'high', 'ok', 'ok', 'full', 'full', 'full', 'high', 'high', 'ok'],
  ]);
});

test('a node exporter is read by mount point', () => {
  const text = [
    '# TYPE node_filesystem_avail_bytes gauge',
    'node_filesystem_avail_bytes{device="a",mountpoint="/"} 5',
    'node_filesystem_avail_bytes{device="b",mountpoint="/data"} 2.5e+09',
    'node_filesystem_size_bytes{device="b",mountpoint="/data"} 1e+10 1700000000',
  ].join('\n');
  expect(readNodeExporter(text, '/data')).toEqual({ size: 1e10, free: 2.5e9 });
  expect(readNodeExporter(text, '/')).toBeNull();
  expect(readNodeExporter('', '/data')).toBeNull();
});

let fleet: FleetForTest;
let pod: PodForTest;
afterEach(() => fleet?.close());

const docs = Array.from({ length: 20 }, (_, id) => ({ id }));

async function begin(env: Record<string, string>): Promise<void> {
  fleet = await fleetForTest({ env: { MIROIR_DISK_EVERY_MS: '50', ...env } });
  pod = await fleet.pod();
}

async function expectRefused(): Promise<void> {
  // Documents of every shard, so that the full node has to take some.
  const answer = await pod.send('POST', '/indexes/films/documents', docs);
  expect([answer.status, answer.body['code']]).toEqual([507, 'miroir_disk_full']);
  expect(answer.body['message']).toContain('meili-1');
  const settings = await pod.send('PATCH', '/indexes/films/settings', { stopWords: ['a'] });
  expect(settings.body['code']).toBe('miroir_disk_full');
  const deleted = await pod.write('DELETE', '/indexes/films/documents/3');
  expect(deleted['status']).toBe('succeeded');
}

test('beyond its mark a node takes deletes only, and every pod knows', async () => {
  await begin({
    MIROIR_DISK_CAPACITIES: '{"meili-1":1}',
    MIROIR_DISK_CAPACITY_BYTES: '1000000000000',
  });
  const second = await fleet.pod();
  for (const each of [pod, second]) {
    await waitFor(() => each.ctx.disks.of(nodeId('meili-1'))?.state === 'full', {
      what: 'the mark',
    });
    expect(each.ctx.disks.of(nodeId('meili-0'))?.state).toBe('ok');
  }
  // Of one shard that is elsewhere a write is taken.
  const refused = await pod.send('POST', '/indexes/films/documents?primaryKey=id', docs);
  expect(refused.body['code']).toBe('miroir_disk_full');
  expect((await pod.send('GET', '/indexes')).body['total']).toBe(0);
});

test('a task that failed for want of room makes the node full at once, until it is measured otherwise', async () => {
  await begin({});
  await pod.write('POST', '/indexes/films/documents?primaryKey=id', docs);
  fleet.nodes[1]?.faults.add({ action: { kind: 'diskFull' } });
  await pod.send('POST', '/indexes/films/documents', [
    ...docs.map(({ id }) => ({ id, again: true })),
  ]);
  await waitFor(() => pod.ctx.disks.of(nodeId('meili-1'))?.state === 'full', {
    what: 'the failure',
  });
  fleet.nodes[1]?.faults.clear();
  // Its copies missed a write that the others took: they are stale, and need no room for the next one.
  const rows = pod.ctx.fleet.index('films')?.entry.placement.flatMap(({ shards }) => shards) ?? [];
  await waitFor(async () => (await pod.ctx.fleet.reload()) && rows.length > 0, {
    what: 'the table',
  });
  await pod.ctx.store.nodeDisks.put(nodeId('meili-1'), {
    ...{ state: 'ok', usedBytes: null, capacityBytes: null, at: Date.now() },
  });
  await waitFor(() => pod.ctx.disks.of(nodeId('meili-1'))?.state === 'ok', { what: 'room again' });
  const after = await pod.write('POST', '/indexes/films/documents', [{ id: 100 }]);
  expect(after['status']).toBe('succeeded');
});

test('deletes go on when growth is refused', async () => {
  await begin({ MIROIR_DISK_CAPACITIES: '{"meili-1":1000000000}' });
  await pod.write('POST', '/indexes/films/documents?primaryKey=id', docs);
  await waitFor(() => pod.ctx.disks.of(nodeId('meili-1')) !== null, { what: 'a measure' });
  await pod.ctx.disks.failed(nodeId('meili-1'), 'no_space_left_on_device');
  await expectRefused();
});
