/**
 * Goal: the time left is told from what was measured in this run, and from the plan before that.
 * Method: hand-made states of an operation with two syncs.
 */
import { etaOf } from '../../core/eta';
import type { EtaInput } from '../../core/eta';

const idle = { documents: 0, startedAt: null, finishedAt: null };
const input: EtaInput = {
  ...{ documents: 10_000, plannedPerSecond: 500, parallelSyncs: 2, now: 20_000, over: false },
  syncs: [idle, idle],
};

describe('etaOf', () => {
  it('goes by the plan until something was measured', () => {
    expect(etaOf(input)).toEqual({
      ...{ documentsDone: 0, documentsTotal: 10_000, documentsPerSecond: 1_000 },
      ...{ measured: false, secondsLeft: 10 },
    });
  });

  it('goes by the rate of this run', () => {
    const syncs = [{ documents: 2_000, startedAt: 10_000, finishedAt: null }, idle];
    expect(etaOf({ ...input, syncs })).toEqual({
      ...{ documentsDone: 2_000, documentsTotal: 10_000, documentsPerSecond: 200 },
      ...{ measured: true, secondsLeft: 40 },
    });
  });

  it('has nothing left when all syncs are over, and counts what came while it ran', () => {
    const done = { documents: 6_000, startedAt: 10_000, finishedAt: 16_000 };
    expect(etaOf({ ...input, syncs: [done, { ...done, finishedAt: 18_000 }] })).toEqual({
      ...{ documentsDone: 12_000, documentsTotal: 12_000, documentsPerSecond: 1_500 },
      ...{ measured: true, secondsLeft: 0 },
    });
    expect(etaOf({ ...input, over: true }).secondsLeft).toBe(0);
    expect(etaOf({ ...input, syncs: [] }).secondsLeft).toBe(0);
  });
});
