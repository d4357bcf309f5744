/**
 * Goal: rollover, canary and settings runs do their steps in order, undo what is before the point of no
 * return, and a scheduled run takes the lock of the fixed id.
 * Method: the real workflows on a real Temporal with activities that write down their calls.
 */
import { ApplicationFailure } from '@temporalio/common';
import type { WorkflowHandle } from '@temporalio/client';
import { physicalUid } from '../../core/ids';
import type { RolloverReport } from '../../core/operations';
import { rolloverId } from '../../workflows/ids';
import { waitFor } from '../support/wait-for';
import { FakeWorld, startRuns } from './run-for-test';
import type { TestRuns } from './run-for-test';

jest.setTimeout(60_000);

const who = { who: 'ada' };

describe('small operations', () => {
  let world: FakeWorld;
  let runs: TestRuns;

  beforeEach(async () => {
    world = new FakeWorld();
    runs = await startRuns(world);
  });

  afterEach(() => runs.close());

  const input = { policy: 'logs', force: false, dryRun: false, ...who, why: 'test' };
  const result = (handle: WorkflowHandle) => handle.result() as Promise<RolloverReport>;
  const steps = ['decideRollover', 'createNextIndex', 'waitIndexReady'];

  test('a rollover makes the index before it flips, and deletes last', async () => {
    const handle = await runs.start('rolloverAlias', input);
    expect(await result(handle)).toMatchObject({
      ...{ outcome: 'rolled-over', version: 3, from: 'logs-1', to: 'logs-2' },
    });
    expect(world.calls).toEqual([...steps, 'flipAliases', 'retainIndexes']);
    expect(world.view(handle.workflowId)).toMatchObject({ status: 'succeeded', phase: 'done' });
  });

  test('a rollover that is not due does nothing', async () => {
    world.answer('decideRollover', {
      ...{
        policy: 'logs',
        version: 3,
        act: false,
        outcome: 'not-due',
        reason: 'no trigger is met',
      },
      ...{ from: null, to: null, physicalUid: null, createdAt: '', readTargets: null, doomed: [] },
    });
    const handle = await runs.start('rolloverAlias', input);
    expect(await result(handle)).toMatchObject({ outcome: 'not-due', to: null });
    expect(world.calls).toEqual(['decideRollover']);
  });

  test('a cancel before the flip takes the new index away again', async () => {
    const gate = world.gate('waitIndexReady');
    const handle = await runs.start('rolloverAlias', input);
    await waitFor(() => gate.reached > 0, { what: 'the index to settle' });
    await handle.executeUpdate('cancel', { args: [who] });
    gate.open();
    await expect(result(handle)).rejects.toThrow();
    expect(world.calls).toEqual([...steps, 'dropNextIndex']);
    expect(world.view(handle.workflowId)).toMatchObject({ status: 'canceled' });
  });

  test('a failure before the flip never leaves the alias behind a half-made index', async () => {
    world.fail(
      'createNextIndex',
      ApplicationFailure.nonRetryable('bad template', 'policy-invalid'),
    );
    const handle = await runs.start('rolloverAlias', input);
    await expect(result(handle)).rejects.toThrow();
    expect(world.calls).toEqual(['decideRollover', 'createNextIndex', 'dropNextIndex']);
  });

  test('a scheduled rollover does not start beside a running one', async () => {
    const policy = `p-${runs.taskQueue}`;
    const gate = world.gate('createNextIndex');
    await runs.start('rolloverAlias', { ...input, policy }, rolloverId(policy));
    await waitFor(() => gate.reached > 0, { what: 'the first rollover' });
    const second = await runs.start('scheduledRollover', { ...input, policy });
    expect(await result(second)).toMatchObject({ outcome: 'already-running' });
    gate.open();
    await waitFor(() => world.view(rolloverId(policy))?.status === 'succeeded', {
      what: 'the first rollover to end',
    });
    const third = await runs.start('scheduledRollover', { ...input, policy });
    expect(await result(third)).toMatchObject({ outcome: 'rolled-over' });
  });

  test('a red canary is a result, not a failure of its run', async () => {
    const handle = await runs.start('runCanary', { canary: 'top-10' });
    expect(await handle.result()).toMatchObject({ ok: false });
    expect(world.view(handle.workflowId)).toMatchObject({ status: 'succeeded', phase: 'red' });
    const { searchAttributes } = await handle.describe();
    expect(searchAttributes).toMatchObject({ MiroirOp: ['canary'], MiroirPhase: ['red'] });
  });

  test('a settings broadcast reports what every node has', async () => {
    const handle = await runs.start('settingsBroadcast', {
      ...{ physicalUid: physicalUid('products-1'), ...who, why: 'drift' },
    });
    expect(await handle.result()).toMatchObject({ settingsVersion: 2, settingsHash: 'abc' });
  });
});
