/**
 * Goal: while users wait too long a real operation is slowed down, paused and rolled back, each step an event
 * with its numbers, and the fleet is as it was before.
 * Method: a rebalance by the real workflows and activities on embedded nodes, one of which a fault makes
 * slow; real searches to it are timed, and a real guard looks at what they took, by a clock that the test
 * moves.
 */
import { Figures } from '../../api/metrics/figures';
import { createActivities } from '../../activities/create-activities';
import type { SloConfig } from '../../config/failure-config';
import { groupId } from '../../core/ids';
import type { OperationReport } from '../../core/operations';
import { SloGuard, steerBy } from '../../worker/slo-guard';
import { documentsOf, origin, products, startFleet } from '../activities/fleet-for-test';
import type { TestFleet } from '../activities/fleet-for-test';
import { waitFor } from '../support/wait-for';
import { runOptions, startRuns } from '../workflows/run-for-test';
import type { TestRuns } from '../workflows/run-for-test';

jest.setTimeout(120_000);

const slo: SloConfig = {
  ...{ action: 'rollback', searchP95Ms: 50, errorRate: 0.5, nodeQueueTasks: 1_000_000 },
  ...{ everyMs: 1_000, breachMs: 3_000, recoverMs: 60_000 },
};
const slowMs = 80;
const documents = 3_000;

let fleet: TestFleet;
let runs: TestRuns;

beforeEach(async () => {
  fleet = await startFleet(2);
  await fleet.write(documentsOf(0, documents));
  runs = await startRuns({ activities: () => createActivities(fleet.tools) });
});
afterEach(async () => {
  await runs.close();
  await fleet.close();
});

/** What one look of the guard gets to see: the times of real searches. */
async function searched(): Promise<Figures> {
  const figures = new Figures();
  await Promise.all(
    Array.from({ length: 30 }, async () => {
      const begun = performance.now();
      const { status } = await fleet.client(0).search(products, { q: 'title', limit: 1 });
      const seconds = (performance.now() - begun) / 1_000;
      figures.add('/indexes/:indexUid/search', { status, seconds });
    }),
  );
  return figures;
}

test('a real rebalance is halved, paused and rolled back while searches are slow', async () => {
  const before = (await fleet.store.fleet.load()).indexes[0]?.placement;
  const handle = await runs.start('rebalance', {
    ...{ group: groupId(0), parent: null, ...origin },
    // Slow enough to be at work for a minute, did nobody step in.
    options: { ...runOptions, autoApprove: true, documentsPerSecond: 110, parallelSyncs: 1 },
  });
  const view = async () =>
    (await fleet.store.jobs.list({ limit: 100 })).find(({ id }) => id === handle.workflowId);
  await waitFor(
    async () =>
      (await fleet.store.jobs.list({ limit: 100 })).some(
        ({ kind, phase }) => kind === 'sync' && phase === 'copy',
      ),
    { what: 'the copy', deadlineMs: 60_000 },
  );
  fleet.nodes[0]?.faults?.add({ path: '/search', action: { kind: 'delay', ms: slowMs } });

  let now = 1_000_000;
  const guard = new SloGuard({
    ...{ config: { slo }, store: fleet.store, nodes: fleet.tools.nodes, id: 'guard' },
    ...{ steer: steerBy(runs.client), log: fleet.tools.log, now: () => now },
  });
  const events = () => fleet.store.figures.events(handle.workflowId);
  const seen: { rate: unknown; paused: unknown }[] = [];
  await waitFor(
    async () => {
      now += 1_000;
      const figures = await searched();
      await fleet.store.figures.publish(figures.take('pod-a', now));
      await guard.look();
      const progress = (await view())?.progress;
      seen.push({ rate: progress?.['documentsPerSecond'], paused: progress?.['paused'] });
      return (await events()).length >= 3;
    },
    { what: 'the three steps of the guard', deadlineMs: 60_000 },
  );
  const told = await events();
  expect(told.map(({ what }) => what)).toEqual(['halve: rate 55', 'pause', 'rollback']);
  for (const { who, why, figures } of told) {
    expect(who).toBe('slo-guard');
    expect(why).toMatch(/^search p95 [\d.]+ ms > 50 ms$/);
    expect(Number(figures['searchP95Ms'])).toBeGreaterThanOrEqual(slowMs);
  }
  // The run itself took each of them.
  expect(seen.some(({ rate, paused }) => rate === 55 && paused === false)).toBe(true);
  expect(seen.some(({ rate, paused }) => rate === 55 && paused === true)).toBe(true);
  const report = (await handle.result()) as OperationReport;
  expect(report.outcome).toBe('canceled');
  const after = (await fleet.store.fleet.load()).indexes[0]?.placement;
  expect(after).toEqual(before);
  expect((await fleet.documents(0)).size).toBe(documents);
  const onTarget = await fleet.client(1).getIndex(products);
  expect(onTarget === null ? 0 : (await fleet.documents(1)).size).toBe(0);
});
