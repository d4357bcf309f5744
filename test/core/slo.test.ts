/**
 * Goal: the guard slows an operation step by step while users suffer, never further than it may, and takes
 * its steps back when all is well.
 * Method: the pure decision, fed with a timeline.
 */
import { breaches, guard, sumFigures, untouched } from '../../core/slo';
import type { GuardState, PodFigures } from '../../core/slo';

const limits = { searchP95Ms: 100, errorRate: 0.02, nodeQueueTasks: 50 };

interface World {
  rate: number | null;
  paused: boolean;
}

/** Looks every second for `seconds`; `bad` says when users suffer. Returns the steps with their times. */
function run(
  seconds: number,
  bad: (at: number) => boolean,
  farthest: 'throttle' | 'pause' | 'rollback',
  world: World = { rate: null, paused: false },
): string[] {
  const steps: string[] = [];
  let state: GuardState = untouched;
  for (let at = 0; at <= seconds; at += 1) {
    const decision = guard({
      ...{ state, now: at * 1_000, bad: bad(at), rate: world.rate, measuredRate: 400 },
      pausedByOther: world.paused && !state.paused,
      ...{ farthest, breachMs: 10_000, recoverMs: 30_000 },
    });
    state = decision.state;
    if (decision.step === null) continue;
    steps.push(`${at} ${decision.step} ${decision.documentsPerSecond ?? ''}`.trim());
    if (decision.documentsPerSecond !== undefined) world.rate = decision.documentsPerSecond;
    if (decision.step === 'pause') world.paused = true;
    if (decision.step === 'resume') world.paused = false;
  }
  return steps;
}

test('it halves, pauses and rolls back, each only after the breach has lasted', () => {
  expect(run(60, () => true, 'rollback')).toEqual([
    ...['10 halve 200', '20 halve 100', '30 halve 50', '40 pause', '50 rollback'],
  ]);
});

test.each([
  ['throttle', ['10 halve 200', '20 halve 100', '30 halve 50']],
  ['pause', ['10 halve 200', '20 halve 100', '30 halve 50', '40 pause']],
] as const)('with %s as the farthest step it goes no further', (farthest, steps) => {
  expect(run(120, () => true, farthest)).toEqual(steps);
});

test('a short breach changes nothing', () => {
  expect(run(60, (at) => at % 10 < 9, 'rollback')).toEqual([]);
});

test('when all is well it resumes and then gives back the rate that there was', () => {
  const world: World = { rate: 300, paused: false };
  expect(run(120, (at) => at <= 30, 'pause', world)).toEqual([
    ...['10 halve 150', '20 halve 75', '30 pause', '61 resume', '91 restore 300'],
  ]);
  expect(world).toEqual({ rate: 300, paused: false });
});

test("an operator's pause is the operator's: it is neither taken back nor rolled back", () => {
  expect(run(200, (at) => at < 100, 'rollback', { rate: null, paused: true })).toEqual([]);
});

const pod = (overrides: Partial<PodFigures>): PodFigures => ({
  ...{ pod: 'a', at: 0, requests: 100, errors: 0, searches: 100, searchP95Ms: 10 },
  ...overrides,
});

test('figures are summed, the slowest pod counts, and few requests say nothing', () => {
  const rest = { nodeQueueTasks: 3, canaries: [] };
  expect(sumFigures([pod({ errors: 4 }), pod({ searchP95Ms: 90 })], rest)).toEqual({
    ...{ requests: 200, errorRate: 0.02, searchP95Ms: 90, ...rest },
  });
  const few = pod({ requests: 3, errors: 3, searches: 3, searchP95Ms: 9_000 });
  expect(sumFigures([few], rest)).toMatchObject({ errorRate: 0, searchP95Ms: 0 });
});

test('each breach is told with its numbers', () => {
  const figures = { requests: 100, errorRate: 0.055, searchP95Ms: 250.04, nodeQueueTasks: 51 };
  expect(breaches({ ...figures, canaries: ['top'] }, limits)).toEqual([
    'search p95 250 ms > 100 ms',
    'errors 5.5 % > 2 %',
    'a node has 51 tasks waiting > 50',
    'red canaries: top',
  ]);
  const well = { requests: 0, errorRate: 0.02, searchP95Ms: 100, nodeQueueTasks: 50, canaries: [] };
  expect(breaches(well, limits)).toEqual([]);
});
