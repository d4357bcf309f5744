/**
 * Goal: rollover, canary, settings and expiry runs do their steps in order, undo what is before the point of no
 * return, and a scheduled run takes the lock of the fixed id.
 * Method: the real workflows on a real Temporal with activities that write down their calls.
 */
import { ApplicationFailure } from '@temporalio/common';
import type { WorkflowHandle } from '@temporalio/client';
import { indexUid, nodeId, physicalUid } from '../../core/ids';
import type { RolloverReport } from '../../core/operations';
import { expireId, rolloverId, settingsId } from '../../workflows/ids';
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

  test('a check of settings repairs each index that drifted, and says why', async () => {
    const uid = `p-${runs.taskQueue}`;
    world.answer('checkSettings', {
      indexes: 2,
      drifted: [
        {
          ...{ physicalUid: physicalUid(uid), index: indexUid('products') },
          nodes: [{ node: nodeId('meili-1'), settings: ['synonyms'] }],
        },
      ],
      unanswered: [],
    });
    const input = { physicalUid: null, repair: true, ...who, why: 'test' };
    const handle = await runs.start('settingsCheck', input);
    expect(await handle.result()).toMatchObject({ repaired: [uid], failed: [] });
    expect(world.calls).toEqual(['checkSettings', 'broadcastSettings']);
    expect(world.view(settingsId(physicalUid(uid)))).toMatchObject({
      why: 'settings drifted on meili-1 (synonyms)',
    });
  });

  test('a check that may not repair only reports', async () => {
    const nodes = [{ node: nodeId('meili-1'), settings: ['synonyms'] }];
    const drifted = { physicalUid: physicalUid('p-1'), index: indexUid('products'), nodes };
    world.answer('checkSettings', { indexes: 2, drifted: [drifted], unanswered: [] });
    const handle = await runs.start('settingsCheck', {
      ...{ physicalUid: null, repair: false, ...who, why: 'test' },
    });
    expect(await handle.result()).toMatchObject({ drifted: [drifted], repaired: [] });
    expect(world.calls).toEqual(['checkSettings']);
  });

  const options = { documentsPerSecond: 10, batchDocuments: 5, documentsMax: 100 };
  const expire = { physicalUid: null, options, ...who, why: 'test' };

  test('a sweep goes on where it was paused, and past an index that cannot be swept', async () => {
    world.answer('expiringIndexes', [physicalUid('p-1'), physicalUid('p-2')]);
    world.answers.set('sweepIndex', [
      ApplicationFailure.nonRetryable('no shard', 'shard-unreadable'),
      { deleted: 4, left: 9, outcome: 'paused' },
      { deleted: 2, left: 1, outcome: 'done' },
    ]);
    const handle = await runs.start('expireDocuments', expire);
    expect(await handle.result()).toEqual({
      ...{ indexes: 2, deleted: 6, left: 1 },
      failed: [{ physicalUid: 'p-1', reason: 'shard-unreadable: no shard' }],
    });
    expect(world.view(handle.workflowId)).toMatchObject({
      ...{ status: 'failed', kind: 'ttl' },
      progress: { documentsCopied: 6, done: 2, total: 2 },
    });
  });

  test('two scheduled sweeps do not run beside each other', async () => {
    const uid = physicalUid(`p-${runs.taskQueue}`);
    const gate = world.gate('sweepIndex');
    await runs.start('expireDocuments', { ...expire, physicalUid: uid }, expireId(uid));
    await waitFor(() => gate.reached > 0, { what: 'the first sweep' });
    const second = await runs.start('scheduledExpiry', { ...expire, physicalUid: uid });
    expect(await second.result()).toBeNull();
    gate.open();
  });
});
