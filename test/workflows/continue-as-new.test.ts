/**
 * Goal: a run that goes on for very long starts over with a fresh history and forgets nothing: neither
 * what it counted, nor a pause, nor the children it has finished.
 * Method: the real workflows with rounds and children without end, on a real Temporal.
 */
import { groupId } from '../../core/ids';
import type { OperationReport, SyncReport } from '../../core/operations';
import { FakeWorld, planOf, runOptions, startRuns, syncInput } from './run-for-test';
import type { TestRuns } from './run-for-test';

jest.setTimeout(90_000);

describe('continue-as-new', () => {
  let world: FakeWorld;
  let runs: TestRuns;

  beforeEach(async () => {
    world = new FakeWorld();
    runs = await startRuns(world);
  });

  afterEach(() => runs.close());

  test('a sync that cannot join for long goes on in a new run, where it was', async () => {
    const rounds = 60;
    const busy = Array.from({ length: rounds }, () => ({ handled: 900, sent: 2, left: 900 }));
    world.answer('catchUpRound', ...busy);
    const options = { ...syncInput.options, historyEventsMax: 300 };
    const handle = await runs.start('syncShards', { ...syncInput, options });
    const first = (await handle.describe()).runId;
    const report = (await handle.result()) as SyncReport;
    expect(report).toMatchObject({ outcome: 'done', documentsCopied: 10 + rounds * 2 });
    const { runId } = await runs.client.workflow.getHandle(handle.workflowId).describe();
    expect(runId).not.toBe(first);
    // Nothing of the way there was done again.
    for (const name of ['openTarget', 'copyRanges', 'releaseGroups']) {
      expect(world.calls.filter((call) => call === name)).toEqual([name]);
    }
    const seen = world.views.filter(({ id }) => id === handle.workflowId);
    expect(new Set(seen.map(({ startedAt }) => startedAt)).size).toBe(1);
  });

  test('a parent drains its children before it goes on in a new run', async () => {
    const count = 30;
    const names = Array.from({ length: count }, (_, i) => `c${String(process.pid)}x${String(i)}`);
    world.plans = [planOf(names, 7)];
    const options = { ...runOptions, autoApprove: true, historyEventsMax: 120, graceMs: 1 };
    const handle = await runs.start('rebalance', {
      ...{ group: groupId(0), parent: null, who: 'ada', why: 'test', options },
    });
    const first = (await handle.describe()).runId;
    const report = (await handle.result()) as OperationReport;
    expect(report).toMatchObject({
      outcome: 'done',
      totals: { done: count, failed: 0, canceled: 0 },
    });
    const { runId } = await runs.client.workflow.getHandle(handle.workflowId).describe();
    expect(runId).not.toBe(first);
    expect(world.calls.filter((call) => call === 'planRebalance')).toHaveLength(1);
    expect(world.calls.filter((call) => call === 'cutOver')).toHaveLength(count);
  });
});
