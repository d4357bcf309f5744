/**
 * Goal: a sync runs its phases in the order of the runbook; cancel, pause, reverse and failures at each
 * phase leave the table before or after the move, never between.
 * Method: the real workflow on a real Temporal, with activities that write down that they were called
 * and wait at gates where the test wants to interfere.
 */
import { ApplicationFailure } from '@temporalio/common';
import type { WorkflowHandle } from '@temporalio/client';
import type { Activities } from '../../activities/types';
import { syncPhases } from '../../core/operations';
import type { ProgressView, SyncReport } from '../../core/operations';
import { shardId } from '../../core/ids';
import { waitFor } from '../support/wait-for';
import { FakeWorld, startRuns, syncInput } from './run-for-test';
import type { TestRuns } from './run-for-test';

jest.setTimeout(60_000);

const who = { who: 'ada' };
const filling = [
  'claimGroups 0',
  'staleCopies',
  'openTarget',
  'passBarrier',
  'copyRanges',
  'catchUpRound',
  'joinUnderFence',
  'verifyCopy',
  'canariesAreGreen',
];
const leaving = (node: string): string[] => [
  `startLeaving ${node}`,
  'passBarrier',
  `removeLeaving ${node}`,
  'releaseGroups',
];

describe('syncShards', () => {
  let world: FakeWorld;
  let runs: TestRuns;

  beforeEach(async () => {
    world = new FakeWorld();
    runs = await startRuns(world);
  });

  afterEach(() => runs.close());

  const result = (handle: WorkflowHandle) => handle.result() as Promise<SyncReport>;
  const progress = (handle: WorkflowHandle) => handle.query<ProgressView, []>('progress');
  const phasesSeen = (id: string) => [
    ...new Set(world.views.filter((view) => view.id === id).map(({ phase }) => phase)),
  ];

  test('moves in the order of the runbook and shows each phase', async () => {
    const handle = await runs.start('syncShards', syncInput);
    expect(await result(handle)).toMatchObject({
      outcome: 'done',
      documentsCopied: 10,
      error: null,
    });
    expect(world.calls).toEqual([...filling, 'cutOver', ...leaving('meili-0')]);
    expect(phasesSeen(handle.workflowId).filter((phase) => phase !== 'start')).toEqual([
      ...syncPhases,
      'done',
    ]);
    expect(world.view(handle.workflowId)).toMatchObject({
      status: 'succeeded',
      index: 'products',
      nodes: ['meili-0', 'meili-1'],
      who: 'ada',
      finishedAt: expect.any(String),
    });
    const { searchAttributes } = await handle.describe();
    expect(searchAttributes).toMatchObject({
      MiroirOp: ['sync'],
      MiroirIndex: ['products'],
      MiroirNode: ['meili-0,meili-1'],
      MiroirShard: ['0,3'],
      MiroirPhase: ['clean-up'],
    });
  });

  test('a copy leaves its source alone', async () => {
    const handle = await runs.start('syncShards', { ...syncInput, kind: 'copy' });
    expect(await result(handle)).toMatchObject({ outcome: 'done' });
    expect(world.calls).toEqual([...filling, 'cutOver', 'releaseGroups']);
  });

  test('catches up until a round is small, and again after a join that was not possible', async () => {
    world.answer(
      'catchUpRound',
      { handled: 900, sent: 900, left: 50 },
      { handled: 50, sent: 50, left: 20 },
      { handled: 4, sent: 4, left: 0 },
    );
    world.answer('joinUnderFence', { joined: false, reason: 'the source is busy' });
    const handle = await runs.start('syncShards', syncInput);
    await waitFor(
      async () => (await progress(handle)).progress.waitingFor?.includes('the source is busy'),
      { what: 'the reason of the wait' },
    );
    expect(await result(handle)).toMatchObject({ outcome: 'done', documentsCopied: 964 });
    expect(world.calls.filter((name) => /catchUp|join/.test(name))).toEqual([
      ...['catchUpRound', 'catchUpRound', 'catchUpRound', 'joinUnderFence'],
      ...['catchUpRound', 'joinUnderFence'],
    ]);
  });

  const beforeCutOver: (keyof Activities)[] = [
    ...(['openTarget', 'passBarrier', 'copyRanges', 'catchUpRound'] as const),
    ...(['joinUnderFence', 'verifyCopy', 'canariesAreGreen'] as const),
  ];

  test.each(beforeCutOver)('cancel during %s cleans the target and moves nothing', async (name) => {
    const gate = world.gate(name);
    const handle = await runs.start('syncShards', syncInput);
    await waitFor(() => gate.reached > 0, { what: `${name} to run` });
    await handle.executeUpdate('cancel', { args: [who] });
    gate.open();
    expect(await result(handle)).toMatchObject({ outcome: 'canceled', error: null });
    expect(world.calls).not.toContain('cutOver');
    expect(world.calls.slice(-4)).toEqual(leaving('meili-1'));
    expect(world.view(handle.workflowId)).toMatchObject({ status: 'canceled' });
  });

  test("a cancellation of the workflow itself is the operator's cancel", async () => {
    const gate = world.gate('copyRanges');
    const handle = await runs.start('syncShards', syncInput);
    await waitFor(() => gate.reached > 0, { what: 'the copy' });
    await handle.cancel();
    expect(await result(handle)).toMatchObject({ outcome: 'canceled' });
    expect(world.calls.slice(-4)).toEqual(leaving('meili-1'));
  });

  // The opening that is cancelled has changed the table and says nothing; its second attempt finds no stale copy.
  test.each(['openTarget', 'copyRanges'] as const)(
    'copies that were stale before are stale again after a cancel in %s',
    async (name) => {
      world.answer('staleCopies', [shardId(3)]);
      const gate = world.gate(name);
      const handle = await runs.start('syncShards', { ...syncInput, kind: 'copy' });
      await waitFor(() => gate.reached > 0, { what: `${name} to run` });
      await handle.executeUpdate('cancel', { args: [who] });
      expect(await result(handle)).toMatchObject({ outcome: 'canceled' });
      expect(world.calls.slice(-5)).toEqual(['restoreStale 3', ...leaving('meili-1')]);
      expect(world.calls.filter((call) => call === 'staleCopies')).toHaveLength(1);
    },
  );

  test('copies of a node that is too full for their repair stay stale', async () => {
    world.answer('staleCopies', [...syncInput.shards]);
    world.fail('openTarget', ApplicationFailure.nonRetryable('no room left', 'disk-full'));
    const handle = await runs.start('syncShards', { ...syncInput, kind: 'copy' });
    expect(await result(handle)).toMatchObject({ outcome: 'failed' });
    expect(world.calls.slice(-3)).toEqual(['openTarget', 'restoreStale 0,3', 'releaseGroups']);
  });

  test('an error that retrying cannot cure undoes the sync and says why', async () => {
    const full = ApplicationFailure.nonRetryable('no room left', 'disk-full');
    world.fail('copyRanges', full);
    const handle = await runs.start('syncShards', syncInput);
    expect(await result(handle)).toMatchObject({
      outcome: 'failed',
      error: 'disk-full: no room left',
    });
    expect(world.calls.slice(-4)).toEqual(leaving('meili-1'));
  });

  test('a pause holds the next phase back until it is resumed', async () => {
    const gate = world.gate('passBarrier');
    const handle = await runs.start('syncShards', syncInput);
    await waitFor(() => gate.reached > 0, { what: 'the barrier' });
    await handle.executeUpdate('pause', { args: [who] });
    await expect(handle.executeUpdate('pause', { args: [who] })).rejects.toMatchObject({
      cause: { type: 'already-paused' },
    });
    gate.open();
    await handle.executeUpdate('setThrottle', { args: [{ ...who, documentsPerSecond: 500 }] });
    expect(world.view(handle.workflowId)).toMatchObject({
      status: 'paused',
      progress: { paused: true, documentsPerSecond: 500 },
    });
    expect(world.calls).not.toContain('copyRanges');
    await handle.executeUpdate('resume', { args: [who] });
    expect(await result(handle)).toMatchObject({ outcome: 'done' });
  });

  test('a pause that the copy itself notices continues at its cursor', async () => {
    const cursor = { shardAt: 1, nextSlot: 4_096, compared: 7, sent: 7 };
    world.answer('copyRanges', { cursor, outcome: 'paused' });
    const handle = await runs.start('syncShards', syncInput);
    expect(await result(handle)).toMatchObject({ outcome: 'done', documentsCopied: 10 });
    const history = await handle.fetchHistory();
    const inputs = (history.events ?? [])
      .map((event) => event.activityTaskScheduledEventAttributes)
      .filter((event) => event?.activityType?.name === 'copyRanges')
      .map(
        (event) =>
          JSON.parse(Buffer.from(event?.input?.payloads?.[0]?.data ?? []).toString()) as object,
      );
    expect(inputs).toMatchObject([{ cursor: null }, { cursor }]);
  });

  test('a red canary holds the cut over back, visibly, until it is green', async () => {
    world.answer('canariesAreGreen', { ok: false, reason: 'green canaries; red: top-10' });
    const handle = await runs.start('syncShards', syncInput);
    await waitFor(
      async () => (await progress(handle)).progress.waitingFor?.includes('red: top-10'),
      {
        what: 'the red canary to be named',
      },
    );
    expect(world.calls).not.toContain('cutOver');
    expect(await result(handle)).toMatchObject({ outcome: 'done' });
  });

  test('a target that missed a write is filled again before the cut over', async () => {
    world.answer('cutOver', { ok: false, reason: 'shard 0 on meili-1 is stale' });
    const handle = await runs.start('syncShards', syncInput);
    expect(await result(handle)).toMatchObject({ outcome: 'done' });
    expect(world.calls).toEqual([
      ...filling,
      'cutOver',
      ...filling.slice(2),
      'cutOver',
      ...leaving('meili-0'),
    ]);
  });

  describe('after the cut over', () => {
    const input = { ...syncInput, options: { ...syncInput.options, graceMs: 60_000 } };

    const inGrace = async (): Promise<WorkflowHandle> => {
      const handle = await runs.start('syncShards', input);
      await waitFor(async () => (await progress(handle)).phase === 'grace', { what: 'the grace' });
      return handle;
    };

    test('cancel is refused and reverse flips back and cleans the target', async () => {
      const handle = await inGrace();
      await expect(handle.executeUpdate('cancel', { args: [who] })).rejects.toMatchObject({
        cause: { type: 'past-point-of-no-return' },
      });
      await handle.executeUpdate('reverse', { args: [who] });
      expect(await result(handle)).toMatchObject({ outcome: 'reversed' });
      expect(world.calls.slice(-6)).toEqual(['cutOver', 'reverseCutOver', ...leaving('meili-1')]);
    });

    test('a reverse that the source cannot take says why, and the move goes on to its end', async () => {
      const reason = 'shard 0 on meili-0: cannot be read, it is stale';
      world.answer('reverseCutOver', { ok: false, reason });
      const handle = await inGrace();
      await handle.executeUpdate('reverse', { args: [who] });
      expect(await result(handle)).toMatchObject({
        ...{ outcome: 'done', error: `reverse-refused: ${reason}` },
      });
      expect(world.calls.slice(-6)).toEqual(['cutOver', 'reverseCutOver', ...leaving('meili-0')]);
      const view = world.view(handle.workflowId);
      expect(view).toMatchObject({ status: 'succeeded', progress: { reverseRefused: reason } });
      expect(view).not.toHaveProperty('error');
    });

    test('reverse is refused before the cut over and after the clean-up began', async () => {
      const copying = world.gate('copyRanges');
      const cleaning = world.gate('removeLeaving');
      const handle = await runs.start('syncShards', syncInput);
      const refused = { cause: { type: 'not-reversible' } };
      await waitFor(() => copying.reached > 0, { what: 'the copy' });
      await expect(handle.executeUpdate('reverse', { args: [who] })).rejects.toMatchObject(refused);
      copying.open();
      await waitFor(() => cleaning.reached > 0, { what: 'the clean-up' });
      await expect(handle.executeUpdate('reverse', { args: [who] })).rejects.toMatchObject(refused);
      cleaning.open();
      expect(await result(handle)).toMatchObject({ outcome: 'done' });
    });

    test('a cancellation by Temporal does not stop the clean-up', async () => {
      const cleaning = world.gate('removeLeaving');
      const handle = await runs.start('syncShards', syncInput);
      await waitFor(() => cleaning.reached > 0, { what: 'the clean-up' });
      expect(world.views.at(-1)?.progress.waitingFor).toContain('the nodes to keep epoch');
      await handle.cancel();
      cleaning.open();
      expect(await result(handle)).toMatchObject({ outcome: 'done' });
    });
  });

  test('waits for another operation on its group and says so', async () => {
    world.answer('claimGroups', { ok: false, reason: 'group 0 is in use by rebalance/group-0' });
    const handle = await runs.start('syncShards', syncInput);
    await waitFor(
      async () => (await progress(handle)).progress.waitingFor?.includes('rebalance/group-0'),
      {
        what: 'the holder to be named',
      },
    );
    expect(await result(handle)).toMatchObject({ outcome: 'done' });
  });
});
