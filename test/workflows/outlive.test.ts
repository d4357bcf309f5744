/**
 * Goal: a sync whose source dies in any phase ends done from another in-sync copy, with what was written
 * and deleted meanwhile; one whose nodes come back goes on as before; one that nothing can help is undone,
 * and what it leaves on a node that is away goes with the next repair.
 * Method: the real workflow and the real activities on embedded nodes; a node drops every connection from the
 * first activity of a phase on, and writes go on without it, or do not.
 */
import { ApplicationFailure } from '@temporalio/common';
import { createActivities } from '../../activities/create-activities';
import type { Activities } from '../../activities/types';
import { groupId, nodeId, shardId } from '../../core/ids';
import type { ProgressView, SyncInput, SyncReport } from '../../core/operations';
import type { SyncFeed } from '../../core/sync-losses';
import { all, documentsOf, products, productsUid, startFleet } from '../activities/fleet-for-test';
import type { TestFleet } from '../activities/fleet-for-test';
import { waitFor } from '../support/wait-for';
import { startRuns } from './run-for-test';
import type { TestRuns } from './run-for-test';

jest.setTimeout(40_000);

const shards = [0, 1, 2, 3];
const options = {
  ...{ documentsPerSecond: null, graceMs: 0, smallRoundIds: 10, heartbeatTimeoutMs: 5_000 },
  ...{ sourceGraceMs: 200, awayMaxMs: 60_000 },
};
const input: SyncInput = {
  ...{ physicalUid: products, index: productsUid, group: groupId(0), sourceGroup: groupId(0) },
  ...{ source: nodeId('meili-0'), target: nodeId('meili-1'), shards: shards.map(shardId) },
  ...{ kind: 'copy', who: 'ada', why: 'test', parent: null, options },
};

describe('a sync and a node that dies', () => {
  let fleet: TestFleet;
  let runs: TestRuns;
  /** What happens when an activity is called for the first time, before it runs. */
  let before: Partial<Record<keyof Activities, () => Promise<void>>>;
  /** Activities that do what they are to do once without anybody hearing of it. */
  let lost: Set<string>;
  let calls: { name: string; feeds: readonly SyncFeed[] | undefined }[];

  beforeEach(async () => {
    before = {};
    calls = [];
    lost = new Set();
    fleet = await startFleet(3, { overrides: { nodeDeadlineMs: 1_000 } });
    for (const shard of all) await fleet.setRow(shard, 'meili-0:in-sync meili-2:in-sync');
    await fillCopy(2);
    await fleet.write(documentsOf(0, 120));
    runs = await startRuns({ activities: watched });
  });

  afterEach(async () => {
    for (const { faults } of fleet.nodes) faults?.clear();
    await runs.close();
    await fleet.close();
  });

  /** An empty index with the settings, as a node has it that never missed its creation. */
  async function fillCopy(node: number): Promise<void> {
    const client = fleet.client(node);
    await client.waitForTask(await client.createIndex(products, 'id'));
    const settings = await fleet.client(0).getSettings(products);
    await client.waitForTask(await client.updateSettings(products, settings));
  }

  function watched(): object {
    const real = createActivities(fleet.tools) as unknown as Record<
      string,
      (request: unknown) => Promise<unknown>
    >;
    return Object.fromEntries(
      Object.entries(real).map(([name, run]) => [
        name,
        async (request: unknown) => {
          const { ref, feeds } = request as { ref?: SyncInput; feeds?: readonly SyncFeed[] };
          calls.push({ name, feeds: feeds ?? (ref as { feeds?: readonly SyncFeed[] })?.feeds });
          const act = before[name as keyof Activities];
          delete before[name as keyof Activities];
          await act?.();
          const answer = await run(request);
          if (lost.delete(name)) throw new Error('the answer is lost');
          return answer;
        },
      ]),
    );
  }

  const kill = (node: number) =>
    fleet.nodes[node]?.faults?.add({ action: { kind: 'drop', when: 'before' } });
  const revive = (node: number) => fleet.nodes[node]?.faults?.clear();
  const called = (name: string) => calls.filter((call) => call.name === name);

  /** The next writes find the node away, so it is stale for their shards. */
  async function missWrites(node: number): Promise<void> {
    for (const shard of all) {
      const row = await fleet.row(shard);
      await fleet.setRow(
        shard,
        row.replace(`meili-${String(node)}:in-sync`, `meili-${String(node)}:stale`),
      );
    }
    await fleet.write([...documentsOf(0, 20, 1), ...documentsOf(200, 230)]);
    await fleet.remove(documentsOf(30, 40).map(({ id }) => id));
  }

  const sync = async (overrides: Partial<SyncInput> = {}): Promise<SyncReport> => {
    const handle = await runs.start('syncShards', { ...input, ...overrides });
    return (await handle.result()) as SyncReport;
  };
  const equal = async (a: number, b: number): Promise<void> => {
    const left = await fleet.documents(a, shards);
    expect(left.size).toBeGreaterThan(0);
    expect(await fleet.documents(b, shards)).toEqual(left);
  };
  const events = async () => {
    const [view] = await fleet.store.jobs.list().then((jobs) => jobs.filter(isSync));
    return await fleet.store.figures.events(view?.id ?? '');
  };
  const isSync = ({ kind }: { kind: string }) => kind === 'sync';

  const phases = [
    ...(['openTarget', 'copyRanges', 'catchUpRound', 'joinUnderFence', 'verifyCopy'] as const),
    'cutOver' as const,
  ];

  describe.each([
    ['and misses writes', true, phases],
    ['while nobody writes', false, ['openTarget', 'joinUnderFence', 'verifyCopy'] as const],
  ] as const)('the source dies for good %s', (_, misses, when) => {
    test.each(when)('in %s', async (phase) => {
      before[phase] = async () => {
        kill(0);
        if (misses) await missWrites(0);
      };
      expect(await sync()).toMatchObject({ outcome: 'done', error: null });
      await equal(1, 2);
      expect(await fleet.row(0)).toBe(
        `meili-0:${misses ? 'stale' : 'in-sync'} meili-2:in-sync meili-1:in-sync`,
      );
      const went = called('awaitSources').length > 0;
      expect(went).toBe(phase !== 'cutOver');
      if (!went) return;
      expect(called('verifyCopy').at(-1)?.feeds).toEqual([{ node: 'meili-2', group: 0, shards }]);
      expect(await events()).toMatchObject([
        {
          what: expect.stringContaining('goes on from meili-2 (4)') as string,
          why: misses ? 'meili-0 is not in sync any more' : 'meili-0 does not answer',
        },
      ]);
      expect(await fleet.store.figures.sourceChanges()).toEqual([{ index: 'products', count: 1 }]);
    });
  });

  test('what was copied already is not sent again', async () => {
    before.catchUpRound = () => Promise.resolve(void kill(0));
    const report = await sync();
    expect(report).toMatchObject({
      outcome: 'done',
      documentsCopied: (await fleet.documents(2, shards)).size,
    });
    expect(called('copyRanges')).toHaveLength(2);
  });

  test.each(['openTarget', 'copyRanges', 'joinUnderFence', 'verifyCopy'] as const)(
    'a source that comes back in time in %s is read on, from where it was',
    async (phase) => {
      before[phase] = () => Promise.resolve(void kill(0));
      before.awaitSources = () => Promise.resolve(void setTimeout(() => revive(0), 300));
      const patient = { ...options, sourceGraceMs: 30_000 };
      expect(await sync({ options: patient })).toMatchObject({ outcome: 'done' });
      await equal(1, 0);
      expect(called('verifyCopy').every(({ feeds }) => feeds === undefined)).toBe(true);
      expect(called('openTarget')).toHaveLength(phase === 'openTarget' ? 2 : 1);
      expect(await fleet.store.figures.sourceChanges()).toEqual([]);
    },
  );

  test.each(['copyRanges', 'joinUnderFence', 'verifyCopy'] as const)(
    'a target that comes back after the grace in %s is filled on',
    async (phase) => {
      before[phase] = () => Promise.resolve(void kill(1));
      before.awaitSources = () => Promise.resolve(void setTimeout(() => revive(1), 600));
      expect(await sync()).toMatchObject({ outcome: 'done' });
      await equal(1, 0);
      expect(called('openTarget')).toHaveLength(1);
    },
  );

  test('the only copy is waited for; then the sync is undone', async () => {
    for (const shard of shards) await fleet.setRow(shard, 'meili-0:in-sync meili-2:stale');
    before.catchUpRound = () => Promise.resolve(void kill(0));
    const report = await sync({ options: { ...options, awayMaxMs: 1_000 } });
    expect(report).toMatchObject({
      outcome: 'failed',
      error: expect.stringContaining('meili-0 does not answer') as string,
    });
    expect(await fleet.row(0)).toBe('meili-0:in-sync meili-2:stale');
    expect(await fleet.client(1).getIndex(products)).toBeNull();
  });

  test('a cancel is taken while it waits, and says what it waits for before', async () => {
    for (const shard of shards) await fleet.setRow(shard, 'meili-0:in-sync meili-2:stale');
    before.copyRanges = () => Promise.resolve(void kill(0));
    const handle = await runs.start('syncShards', input);
    await waitFor(
      async () =>
        (
          await handle.query<{ progress: { waitingFor: string | null } }, []>('progress')
        ).progress.waitingFor?.includes('meili-0 to answer again'),
      { what: 'the wait' },
    );
    await handle.executeUpdate('cancel', { args: [{ who: 'ada' }] });
    expect(await handle.result()).toMatchObject({ outcome: 'canceled' });
    expect(await fleet.row(0)).toBe('meili-0:in-sync meili-2:stale');
  });

  test('a move from a source that stays away ends, and the next repair cleans it', async () => {
    before.copyRanges = async () => {
      kill(0);
      await missWrites(0);
    };
    const report = await sync({ kind: 'move', options: { ...options, awayMaxMs: 1_000 } });
    expect(report).toMatchObject({ outcome: 'done' });
    expect(await fleet.row(0)).toBe('meili-0:leaving meili-2:in-sync meili-1:in-sync');
    await equal(1, 2);
    revive(0);
    const request = { node: nodeId('meili-0'), physicalUid: null };
    const { removals } = await fleet.run('planRepair', request);
    expect(removals).toMatchObject([{ node: 'meili-0', shards }]);
    const repair = { ...request, who: 'ada', why: 'test', options: repairOptions };
    const handle = await runs.start('repairReplica', repair);
    expect(await handle.result()).toMatchObject({ outcome: 'done' });
    expect(await fleet.row(0)).toBe('meili-2:in-sync meili-1:in-sync');
    expect((await fleet.documents(0, shards)).size).toBe(0);
  });

  test('a move whose source misses a write in its grace time is not reversed, and ends whole', async () => {
    const patient = { ...options, graceMs: 60_000 };
    const handle = await runs.start('syncShards', { ...input, kind: 'move', options: patient });
    const phase = async () => (await handle.query<ProgressView, []>('progress')).phase;
    await waitFor(async () => (await phase()) === 'grace', { what: 'the grace time' });
    expect(await fleet.row(0)).toBe('meili-0:joined meili-2:in-sync meili-1:in-sync');
    await fleet.setRow(0, 'meili-0:stale meili-2:in-sync meili-1:in-sync');
    lost.add('reverseCutOver');
    await handle.executeUpdate('reverse', { args: [{ who: 'ada' }] });
    const reason = 'shard 0 on meili-0: cannot be read, it is stale';
    expect(await handle.result()).toMatchObject({
      ...{ outcome: 'done', error: `reverse-refused: ${reason}` },
    });
    for (const shard of shards) {
      expect(await fleet.row(shard)).toBe('meili-2:in-sync meili-1:in-sync');
    }
    expect((await fleet.documents(0, shards)).size).toBe(0);
    await equal(1, 2);
    const jobs = await fleet.store.jobs.list();
    expect(jobs.find(isSync)?.progress).toMatchObject({ reverseRefused: reason });
    expect(await events()).toMatchObject([{ what: 'the way back is refused', why: reason }]);
  });

  test('copies that were stale before an opening whose answer is lost are stale after the undo', async () => {
    for (const shard of shards.slice(0, 2)) {
      await fleet.setRow(shard, 'meili-0:in-sync meili-2:in-sync meili-1:stale');
    }
    lost.add('openTarget');
    before.copyRanges = () => Promise.reject(ApplicationFailure.nonRetryable('no', 'test'));
    expect(await sync()).toMatchObject({ outcome: 'failed', error: 'test: no' });
    expect(called('openTarget')).toHaveLength(2);
    expect(await fleet.row(0)).toBe('meili-0:in-sync meili-2:in-sync meili-1:stale');
    expect(await fleet.row(3)).toBe('meili-0:in-sync meili-2:in-sync');
  });

  test('a target that never comes back is undone without it', async () => {
    before.copyRanges = () => Promise.resolve(void kill(1));
    const report = await sync({ options: { ...options, awayMaxMs: 1_000 } });
    expect(report).toMatchObject({
      outcome: 'failed',
      error: expect.stringContaining('meili-1 does not answer') as string,
    });
    expect(await fleet.row(0)).toBe('meili-0:in-sync meili-2:in-sync meili-1:leaving');
  });
});

const repairOptions = {
  ...{ ...options, autoApprove: true, parallelSyncs: 1, approvalExpiryMs: 1_000 },
};
