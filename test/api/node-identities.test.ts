/**
 * Goal: a node that came back empty, with an old snapshot or with another's disk is recognised, answers no
 * search and gets no write, and its copies become stale; a node that only restarted goes on as it was.
 * Method: embedded nodes are stopped, their data directories emptied, put back to an earlier copy or
 * exchanged, and started again on their ports. Searches run all the while and must find every document.
 */
import { cp, rm } from 'node:fs/promises';
import { disturb } from './disks';
import { fleetForTest } from './support';
import type { FleetForTest, PodForTest } from './support';
import { waitFor } from '../support/wait-for';

jest.setTimeout(60_000);

let fleet: FleetForTest;
let pod: PodForTest;

beforeEach(async () => {
  fleet = await fleetForTest({ env: { MIROIR_HEALTH_PROBE_MS: '50' } });
  pod = await fleet.pod();
  await pod.write('POST', '/indexes/films/documents?primaryKey=id', docs(0, 60));
});
afterEach(async () => {
  await fleet.close();
});

const docs = (from: number, to: number): { id: number; title: string }[] =>
  Array.from({ length: to - from }, (_, at) => ({ id: from + at, title: `film ${from + at}` }));

const health = (node: string) => pod.ctx.health.view(node as never);

function statesOf(node: string): Set<string> {
  const rows = pod.ctx.fleet.index('films')?.entry.placement.flatMap(({ shards }) => shards) ?? [];
  return new Set(rows.flat().flatMap((one) => (one.node === node ? [one.state] : [])));
}

/** Searches without pause until `stop`; what they found is what every one of them must have found. */
function searching(): { stop(): Promise<Set<number>> } {
  const totals = new Set<number>();
  let on = true;
  const loop = (async () => {
    while (on) {
      const { body } = await pod.send('POST', '/indexes/films/search', { q: '', limit: 100 });
      totals.add(Number(body['estimatedTotalHits']));
      totals.add((body['hits'] as unknown[] | undefined)?.length ?? -1);
    }
  })();
  return {
    stop: async () => {
      on = false;
      await loop;
      return totals;
    },
  };
}

async function expectRebuildNeeded(node: string, why: string): Promise<void> {
  await waitFor(() => health(node).strange === why && statesOf(node).has('stale'), {
    what: `${node} to be found ${why}`,
  });
  expect(statesOf(node)).toEqual(new Set(['stale']));
  expect(health(node).state).toBe('new');
  const answer = await pod.send('POST', '/indexes/films/documents', docs(60, 70));
  expect(answer.status).toBe(202);
  await pod.task(answer.body['taskUid']);
}

test('every node gets a name once, and all pods agree on it', async () => {
  const second = await fleet.pod();
  const names = pod.ctx.fleet.current().nodes.map(({ instanceId }) => instanceId);
  expect(new Set(names).size).toBe(3);
  expect(names).not.toContain(null);
  expect(second.ctx.fleet.current().nodes.map(({ instanceId }) => instanceId)).toEqual(names);
});

test('a node that only restarted serves again with what it has', async () => {
  const search = searching();
  await disturb(fleet, 1, () => Promise.resolve());
  await waitFor(
    () => health('meili-1').state === 'up' && pod.ctx.health.usable('meili-1' as never),
    {
      what: 'the node to be back',
    },
  );
  expect(await search.stop()).toEqual(new Set([60]));
  expect(statesOf('meili-1')).toEqual(new Set(['in-sync']));
});

test('a node that came back empty is new, and no search and no write goes to it', async () => {
  const search = searching();
  await disturb(fleet, 1, (disk) => rm(disk, { recursive: true, force: true }));
  await expectRebuildNeeded('meili-1', 'empty');
  const totals = await search.stop();
  totals.delete(70);
  expect([...totals].filter((total) => total < 60)).toEqual([]);
  const { results } = await fleet.askNode(1, '/indexes');
  expect((results as { uid: string }[]).filter(({ uid }) => !uid.startsWith('_miroir_'))).toEqual(
    [],
  );
});

test('a node that came back with an old snapshot is new, though its name is right', async () => {
  const old = `${fleet.disk(2)}-old`;
  await disturb(fleet, 2, (disk) => cp(disk, old, { recursive: true }));
  await waitFor(() => pod.ctx.health.usable('meili-2' as never), { what: 'the node to be back' });
  await pod.write('POST', '/indexes/films/documents', docs(60, 65));
  await pod.write('DELETE', '/indexes/films/documents/7');
  await disturb(fleet, 2, async (disk) => {
    await rm(disk, { recursive: true, force: true });
    await cp(old, disk, { recursive: true });
  });
  const search = searching();
  await waitFor(() => health('meili-2').strange === 'rolled-back', { what: 'the old snapshot' });
  await waitFor(() => statesOf('meili-2').has('stale'), { what: 'its copies to be stale' });
  expect(await search.stop()).toEqual(new Set([64]));
  expect(statesOf('meili-2')).toEqual(new Set(['stale']));
});

test("nodes that came back with each other's disks are both new, and no last copy is given up", async () => {
  await disturb(fleet, [0, 1], async (first, second) => {
    await cp(first, `${first}-kept`, { recursive: true });
    await rm(first, { recursive: true, force: true });
    await cp(second, first, { recursive: true });
    await rm(second, { recursive: true, force: true });
    await cp(`${first}-kept`, second, { recursive: true });
  });
  await waitFor(
    () => health('meili-0').strange === 'other-disk' && health('meili-1').strange === 'other-disk',
    { what: 'both to be found' },
  );
  const { body, headers } = await pod.send('POST', '/indexes/films/search', { q: '', limit: 100 });
  expect(headers['x-miroir-degraded']).toContain('shards=');
  // What is found is found once, from the one node that is the one it was.
  const ids = (body['hits'] as { id: number }[]).map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  const rows = pod.ctx.fleet.index('films')?.entry.placement.flatMap(({ shards }) => shards) ?? [];
  for (const row of rows) expect(row.map(({ state }) => state)).toContain('in-sync');
});
