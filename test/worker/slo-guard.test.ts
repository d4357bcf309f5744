/**
 * Goal: what the pods publish reaches the guard, its steps reach the operation as an operator's commands
 * would, and each is an event with its numbers; only one worker acts.
 * Method: two guards over one Redis, with a clock that the test moves; commands are written down.
 */
import { Figures } from '../../api/metrics/figures';
import type { SloConfig } from '../../config/failure-config';
import type { JobView } from '../../store/record-types';
import { SloGuard } from '../../worker/slo-guard';
import type { Steer } from '../../worker/slo-guard';
import { openStore } from '../store/support';
import type { OpenStore } from '../store/support';

const slo: SloConfig = {
  ...{ action: 'rollback', searchP95Ms: 100, errorRate: 0.02, nodeQueueTasks: 100 },
  ...{ everyMs: 1_000, breachMs: 5_000, recoverMs: 10_000 },
};

let opened: OpenStore;
let now = 1_000_000;
const sent: string[] = [];

beforeEach(() => {
  opened = openStore();
  sent.length = 0;
});
afterEach(() => opened.close());

const job = (overrides: Partial<JobView> = {}): JobView => ({
  ...{ id: 'rebalance/all', kind: 'rebalance', status: 'running', phase: 'sync' },
  progress: { done: 0, total: 1, documentsCopied: 0, documentsPerSecond: 200, paused: false },
  ...{ startedAt: '2026-01-01T00:00:00Z', updatedAt: '2026-01-01T00:00:00Z' },
  temporal: { workflowId: 'rebalance/all', runId: 'r' },
  ...{ who: 'ada', why: '' },
  ...overrides,
});

const steer: Steer = (operation, update, message) => {
  const { documentsPerSecond } = message as { documentsPerSecond?: number };
  sent.push(`${operation} ${update} ${documentsPerSecond ?? ''}`.trim());
  return Promise.resolve();
};

const guardOf = (id: string, by: Steer = steer): SloGuard =>
  new SloGuard({
    ...{ config: { slo }, store: opened.store, steer: by, id, now: () => now },
    nodes: {} as never,
    log: { info: () => undefined, warn: () => undefined },
  });

async function publish(ms: number): Promise<void> {
  const figures = new Figures();
  for (let i = 0; i < 100; i += 1) {
    figures.add('/indexes/:indexUid/search', { status: 200, seconds: ms / 1_000 });
    figures.add('/_miroir/topology', { status: 500, seconds: 9 });
  }
  await opened.store.figures.publish(figures.take('pod-a', now));
}

async function pass(seconds: number, ms: number, guards: readonly SloGuard[]): Promise<void> {
  for (let i = 0; i < seconds; i += 1) {
    now += 1_000;
    await publish(ms);
    for (const guard of guards) await guard.look();
  }
}

test('slow searches halve the rate, pause, and roll back; each is an event with its numbers', async () => {
  await opened.store.jobs.put(job());
  await opened.store.jobs.put(job({ id: 'rollover/logs', kind: 'rollover' }));
  const guards = [guardOf('a'), guardOf('b')];
  await pass(6, 250, guards);
  expect(sent).toEqual(['rebalance/all setThrottle 100']);
  await opened.store.jobs.put(job({ progress: { ...job().progress, documentsPerSecond: 60 } }));
  await pass(5, 250, guards);
  expect(sent.slice(1)).toEqual(['rebalance/all pause']);
  await opened.store.jobs.put(job({ progress: { ...job().progress, paused: true } }));
  await pass(5, 250, guards);
  expect(sent.slice(2)).toEqual(['rebalance/all cancel']);
  await pass(30, 250, guards);
  expect(sent).toHaveLength(3);
  const events = await opened.store.figures.events('rebalance/all');
  expect(events.map(({ what }) => what)).toEqual(['halve: rate 100', 'pause', 'rollback']);
  expect(events[0]).toMatchObject({
    ...{ who: 'slo-guard', why: 'search p95 250 ms > 100 ms' },
    figures: { searchP95Ms: 250, errorRate: 0, nodeQueueTasks: 0, canaries: '' },
  });
});

test('a step that was refused is an event too, and is tried again', async () => {
  await opened.store.jobs.put(job());
  let refusals = 0;
  const refusing = guardOf('a', (...command) => {
    refusals += 1;
    return refusals === 1 ? Promise.reject(new Error('It is over.')) : steer(...command);
  });
  await pass(8, 250, [refusing]);
  expect(sent).toEqual(['rebalance/all setThrottle 100']);
  const [first] = await opened.store.figures.events('rebalance/all');
  expect(first?.what).toBe('halve: rate 100 was refused: It is over.');
});

test('figures that are old are not believed, and with good ones nothing happens', async () => {
  await opened.store.jobs.put(job());
  await pass(3, 250, [guardOf('a')]);
  now += 60_000;
  for (let i = 0; i < 10; i += 1) {
    now += 1_000;
    await guardOf('a').look();
  }
  await pass(20, 20, [guardOf('a')]);
  expect(sent).toEqual([]);
});
