/**
 * Goal: placement operations run plan → approve → run: only the plan that was seen runs, at most so many
 * syncs at a time, and the operator's commands reach the running syncs.
 * Method: the real workflows on a real Temporal with activities that write down their calls.
 */
import type { WorkflowHandle } from '@temporalio/client';
import { groupId, nodeId, shardId } from '../../core/ids';
import type { OperationPlan, OperationReport, ProgressView } from '../../core/operations';
import { syncId } from '../../workflows/ids';
import { waitFor } from '../support/wait-for';
import { FakeWorld, planOf, runOptions, startRuns, syncInput } from './run-for-test';
import type { TestRuns } from './run-for-test';

jest.setTimeout(60_000);

const who = { who: 'ada' };

/** Children have fixed ids, so each test moves to nodes that no other one names. */
let unique = 0;
const targets = (count: number): string[] => {
  unique += 1;
  return Array.from({ length: count }, (_, i) => `n${String(unique)}x${String(i)}x${process.pid}`);
};
const childId = (target: string): string => syncId({ ...syncInput, target: nodeId(target) });

describe('operations by plan', () => {
  let world: FakeWorld;
  let runs: TestRuns;

  beforeEach(async () => {
    world = new FakeWorld();
    runs = await startRuns(world);
  });

  afterEach(() => runs.close());

  const input = { group: groupId(0), parent: null, ...who, why: 'test', options: runOptions };
  const auto = { ...input, options: { ...runOptions, autoApprove: true } };
  const result = (handle: WorkflowHandle) => handle.result() as Promise<OperationReport>;
  const progress = (handle: WorkflowHandle) => handle.query<ProgressView, []>('progress');
  const waiting = (handle: WorkflowHandle) =>
    waitFor(async () => (await progress(handle)).status === 'waiting-approval', {
      what: 'the plan to wait for approval',
    });

  test('runs the plan that was approved, and says who approved it', async () => {
    const [first = '', second = ''] = targets(2);
    world.plans = [planOf([first, second], 7)];
    const handle = await runs.start('rebalance', input);
    await waiting(handle);
    expect(await handle.query<OperationPlan | null, []>('plan')).toMatchObject({ epoch: 7 });
    await expect(
      handle.executeUpdate('approve', { args: [{ ...who, epoch: 6 }] }),
    ).rejects.toMatchObject({ cause: { type: 'plan-stale' } });
    expect(world.calls).not.toContain('openTarget');
    await handle.executeUpdate('approve', { args: [{ ...who, epoch: 7 }] });
    expect(await result(handle)).toMatchObject({
      outcome: 'done',
      approvedBy: 'ada',
      totals: { done: 2, failed: 0, documentsCopied: 20 },
    });
    // The parent holds the claim; the children do not ask for it.
    expect(world.calls.filter((call) => call.startsWith('claimGroups'))).toEqual(['claimGroups 0']);
    expect(world.calls.at(-1)).toBe('releaseGroups');
    expect(world.view(childId(first))).toMatchObject({ status: 'succeeded' });
    const { searchAttributes } = await handle.describe();
    expect(searchAttributes).toMatchObject({ MiroirApprover: ['ada'], MiroirEpoch: ['7'] });
  });

  test('a plan that is stale when it is approved must be approved anew', async () => {
    const [old = '', fresh = ''] = targets(2);
    world.plans = [planOf([old], 7), planOf([fresh], 8)];
    world.answer('checkPlan', { fresh: false, plan: planOf([fresh], 8) });
    const handle = await runs.start('rebalance', input);
    await waiting(handle);
    await handle.executeUpdate('approve', { args: [{ ...who, epoch: 7 }] });
    await waitFor(
      async () => {
        const plan = await handle.query<OperationPlan | null, []>('plan');
        return plan?.epoch === 8 && (await progress(handle)).status === 'waiting-approval';
      },
      { what: 'the new plan' },
    );
    expect(world.calls).not.toContain('openTarget');
    await handle.executeUpdate('approve', { args: [{ ...who, epoch: 8 }] });
    expect(await result(handle)).toMatchObject({ outcome: 'done', totals: { done: 1 } });
    expect(world.view(childId(old))).toBeUndefined();
  });

  test('a plan that nobody approves in time expires', async () => {
    world.plans = [planOf(targets(1), 7)];
    const options = { ...runOptions, approvalExpiryMs: 200 };
    const handle = await runs.start('rebalance', { ...input, options });
    expect(await result(handle)).toMatchObject({ outcome: 'expired' });
    expect(world.view(handle.workflowId)).toMatchObject({ status: 'canceled' });
  });

  test('nothing to move is an answer', async () => {
    world.plans = [planOf([], 7)];
    const handle = await runs.start('rebalance', input);
    expect(await result(handle)).toMatchObject({ outcome: 'nothing-to-do' });
  });

  test('runs at most two syncs at a time; pause, resume and throttle reach them', async () => {
    const names = targets(4);
    world.plans = [planOf(names, 7)];
    const gate = world.gate('verifyCopy');
    const handle = await runs.start('rebalance', auto);
    await waitFor(() => gate.reached === 2, { what: 'two syncs to verify' });
    await handle.executeUpdate('setThrottle', { args: [{ ...who, documentsPerSecond: 1_000 }] });
    await handle.executeUpdate('pause', { args: [who] });
    const running = names.filter((name) => world.view(childId(name)) !== undefined);
    expect(running).toHaveLength(2);
    await waitFor(() => running.every((name) => world.view(childId(name))?.status === 'paused'), {
      what: 'both children to pause',
    });
    for (const name of running) {
      expect(world.view(childId(name))?.progress.documentsPerSecond).toBe(500);
    }
    gate.open();
    await handle.executeUpdate('resume', { args: [who] });
    expect(await result(handle)).toMatchObject({ outcome: 'done', totals: { done: 4 } });
  });

  test('a cancel behind the cut over lets the syncs that are paused there go on', async () => {
    const names = targets(2);
    world.plans = [planOf(names, 7)];
    const gate = world.gate('cutOver');
    const handle = await runs.start('rebalance', auto);
    await waitFor(() => gate.reached === 2, { what: 'two syncs to cut over' });
    await handle.executeUpdate('pause', { args: [who] });
    await waitFor(() => names.every((name) => world.view(childId(name))?.status === 'paused'), {
      what: 'both children to pause',
    });
    await handle.executeUpdate('cancel', { args: [who] });
    gate.open();
    // What is cut over stays; nobody is left who could be told to resume.
    expect(await result(handle)).toMatchObject({ outcome: 'canceled', totals: { done: 2 } });
  });

  test('a sync that was paused behind the cut over and is reversed goes back', async () => {
    const [target = ''] = targets(1);
    world.plans = [planOf([target], 7)];
    const options = { ...auto.options, graceMs: 60_000 };
    const handle = await runs.start('rebalance', { ...auto, options });
    await waitFor(() => world.view(childId(target))?.phase === 'grace', { what: 'the grace time' });
    const child = runs.client.workflow.getHandle(childId(target));
    await child.executeUpdate('pause', { args: [who] });
    await child.executeUpdate('reverse', { args: [who] });
    expect(await result(handle)).toMatchObject({ totals: { reversed: 1 } });
  });

  test('a resume reaches a child that was paused by itself', async () => {
    const [target = ''] = targets(1);
    world.plans = [planOf([target], 7)];
    const gate = world.gate('verifyCopy');
    const handle = await runs.start('rebalance', auto);
    await waitFor(() => gate.reached === 1, { what: 'the sync to verify' });
    const child = runs.client.workflow.getHandle(childId(target));
    await child.executeUpdate('pause', { args: [who] });
    gate.open();
    await handle.executeUpdate('resume', { args: [who] });
    expect(await result(handle)).toMatchObject({ outcome: 'done', totals: { done: 1 } });
    await expect(handle.executeUpdate('resume', { args: [who] })).rejects.toThrow();
  });

  test('what is moved and what is copied between two nodes go one after the other', async () => {
    const [both = '', other = ''] = targets(2);
    const plan = planOf([both, both, other], 7);
    const [move, copy, third] = plan.syncs;
    if (move === undefined || copy === undefined || third === undefined) throw new Error('syncs');
    const shards = [shardId(5)];
    world.plans = [{ ...plan, syncs: [move, { ...copy, kind: 'copy', shards }, third] }];
    const gate = world.gate('verifyCopy');
    const handle = await runs.start('rebalance', auto);
    // The third does not wait for the second, whose pair is at work.
    await waitFor(() => gate.reached === 2, { what: 'the first and the third' });
    expect(world.view(childId(other))).toBeDefined();
    gate.open();
    expect(await result(handle)).toMatchObject({
      outcome: 'done',
      totals: { done: 3, failed: 0, errors: [] },
    });
  });

  test('a sync waits for one of its name that a terminated operation left', async () => {
    const names = targets(1);
    world.plans = [planOf(names, 7), planOf(names, 7)];
    const gate = world.gate('copyRanges');
    const terminated = await runs.start('rebalance', auto);
    await waitFor(() => gate.reached === 1, { what: 'the sync to copy' });
    await terminated.terminate('the test ends it');
    const undo = world.gate('removeLeaving');
    const handle = await runs.start('rebalance', auto);
    await waitFor(
      () => world.view(handle.workflowId)?.progress.waitingFor?.includes('terminated') === true,
      { what: 'the second operation to wait for the sync' },
    );
    gate.open();
    undo.open();
    expect(await result(handle)).toMatchObject({
      outcome: 'done',
      totals: { done: 1, failed: 0, errors: [] },
    });
  });

  test('a cancel undoes the running syncs and starts no more', async () => {
    const names = targets(3);
    world.plans = [planOf(names, 7)];
    const gate = world.gate('copyRanges');
    const handle = await runs.start('rebalance', auto);
    await waitFor(() => gate.reached === 2, { what: 'two syncs to copy' });
    await handle.executeUpdate('cancel', { args: [who] });
    expect(await result(handle)).toMatchObject({
      outcome: 'canceled',
      totals: { canceled: 2, done: 0 },
    });
    expect(world.calls).not.toContain('cutOver');
    expect(world.view(childId(names[2] ?? ''))).toBeUndefined();
  });

  test('a sync that fails does not keep the others, and is named', async () => {
    const [first = '', second = ''] = targets(2);
    world.plans = [planOf([first, second], 7)];
    const { ApplicationFailure } = await import('@temporalio/common');
    world.fail('verifyCopy', ApplicationFailure.nonRetryable('3 documents differ', 'copy-differs'));
    const handle = await runs.start('rebalance', auto);
    const report = await result(handle);
    expect(report).toMatchObject({ outcome: 'failed', totals: { done: 1, failed: 1 } });
    expect(report.totals.errors[0]).toMatch(/^sync\/.*: copy-differs: 3 documents differ$/);
  });

  test('copies that nobody wants go last', async () => {
    const [target = ''] = targets(1);
    const { physicalUid, index, group, shards } = syncInput;
    const removals = [{ physicalUid, index, group, node: nodeId('spare'), shards }];
    world.plans = [{ ...planOf([target], 7), removals }];
    const handle = await runs.start('rebalance', auto);
    expect(await result(handle)).toMatchObject({ outcome: 'done' });
    expect(world.calls.slice(-4)).toEqual([
      ...['startLeaving spare', 'passBarrier', 'removeLeaving spare', 'releaseGroups'],
    ]);
  });

  describe('nodes', () => {
    const node = nodeId('meili-9');
    const options = auto.options;

    test('a new node is checked, adopted, and gets its share', async () => {
      world.plans = [planOf(targets(1), 7)];
      const added = {
        ...{ id: node, url: 'http://meili-9:7700', group: groupId(0), zone: null, weight: 1 },
      };
      const handle = await runs.start('addNode', { node: added, ...who, why: 'grow', options });
      expect(await result(handle)).toMatchObject({ outcome: 'done', totals: { done: 1 } });
      expect(world.calls.slice(0, 3)).toEqual(['checkNewNode', 'adoptNode', 'planRebalance']);
    });

    test('a node that is refused changes nothing', async () => {
      world.answer('checkNewNode', { ok: false, reason: 'it runs 1.49.0' });
      const added = {
        ...{ id: node, url: 'http://meili-9:7700', group: groupId(0), zone: null, weight: 1 },
      };
      const handle = await runs.start('addNode', { node: added, ...who, why: 'grow', options });
      await expect(result(handle)).rejects.toMatchObject({ cause: { type: 'node-refused' } });
      expect(world.calls).toEqual(['checkNewNode']);
      expect(world.view(handle.workflowId)).toMatchObject({
        status: 'failed',
        error: 'node-refused: it runs 1.49.0',
      });
    });

    test('a drain that is cancelled makes the node an active one again', async () => {
      world.plans = [planOf(targets(1), 7)];
      const handle = await runs.start('drainNode', {
        ...{ node, parent: null, ...who, why: 'test', options: runOptions },
      });
      await waiting(handle);
      await handle.executeUpdate('cancel', { args: [who] });
      await expect(result(handle)).rejects.toThrow();
      expect(world.calls.filter((call) => call.startsWith('setNodeIntent'))).toEqual([
        ...['setNodeIntent draining', 'setNodeIntent active'],
      ]);
      expect(world.view(handle.workflowId)).toMatchObject({ status: 'canceled' });
    });

    test('a node leaves the table only after it was drained', async () => {
      world.plans = [planOf(targets(1), 7)];
      const handle = await runs.start('removeNode', {
        node,
        lost: false,
        ...who,
        why: 't',
        options,
      });
      expect(await result(handle)).toMatchObject({ outcome: 'done', totals: { done: 1 } });
      expect(world.calls.slice(0, 3)).toEqual([
        ...['mayLeave', 'setNodeIntent draining', 'planRebalance'],
      ]);
      expect(world.calls.slice(-2)).toEqual(['releaseGroups', 'removeNode']);
    });

    test("a lost node's copies are forgotten before anything waits for it", async () => {
      world.plans = [planOf(targets(1), 7)];
      const handle = await runs.start('removeNode', {
        node,
        lost: true,
        ...who,
        why: 't',
        options,
      });
      expect(await result(handle)).toMatchObject({ outcome: 'done' });
      expect(world.calls.indexOf('forgetCopies')).toBeLessThan(
        world.calls.indexOf('claimGroups 0'),
      );
    });

    test('the last holder is refused', async () => {
      world.answer('mayLeave', { ok: false, reason: 'meili-9 is the last active node of group 0' });
      const handle = await runs.start('removeNode', {
        node,
        lost: false,
        ...who,
        why: 't',
        options,
      });
      await expect(result(handle)).rejects.toMatchObject({ cause: { type: 'node-needed' } });
      expect(world.calls).toEqual(['mayLeave']);
    });
  });
});
