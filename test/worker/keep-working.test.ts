/**
 * Goal: an outage of Temporal or Redis needs no hand on a worker, a wrong configuration ends it at once.
 * Method: starts that fail in given ways, one after another.
 */
import type { RunningWorker } from '../../worker/start-worker';
import { keepWorking } from '../../worker/keep-working';

const silent = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

const named = (name: string, message = name): Error => Object.assign(new Error(message), { name });

interface Act {
  readonly error?: Error;
  readonly runError?: Error;
}

/** A worker that does what the next act says and works on when there is none. */
function play(acts: readonly Act[]): {
  starts: () => number;
  working: Promise<void>;
  stayer: ReturnType<typeof keepWorking>;
} {
  let starts = 0;
  let atWork: () => void = () => undefined;
  const working = new Promise<void>((resolve) => (atWork = resolve));
  const start = (): Promise<RunningWorker> => {
    const act = acts[starts];
    starts += 1;
    if (act?.error !== undefined) return Promise.reject(act.error);
    if (act?.runError !== undefined) {
      return Promise.resolve({ ended: Promise.reject(act.runError), shutdown: () => undefined });
    }
    let end: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => (end = resolve));
    atWork();
    return Promise.resolve({ ended, shutdown: () => end() });
  };
  const stayer = keepWorking({
    ...{ start, log: silent, pauseMs: { first: 1, max: 2 }, onStarted: () => undefined },
  });
  return { starts: () => starts, working, stayer };
}

test('starts again while Temporal or Redis is away', async () => {
  const { starts, working, stayer } = play([
    { error: named('TransportError', 'Failed to call GetSystemInfo') },
    { error: Object.assign(new Error('14 UNAVAILABLE'), { code: 14 }) },
    { error: named('MaxRetriesPerRequestError') },
    { error: Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }) },
  ]);
  await working;
  expect(starts()).toBe(5);
  stayer.leave();
  await stayer.ended;
});

test('starts again when it has worked and was ended by anything', async () => {
  const { starts, working, stayer } = play([{ runError: new Error('the poll failed') }]);
  await working;
  expect(starts()).toBe(2);
  stayer.leave();
  await stayer.ended;
});

test('ends at once by what no waiting cures', async () => {
  const { starts, stayer } = play([{ error: new Error('MIROIR_FAILPOINT must name some of …') }]);
  await expect(stayer.ended).rejects.toThrow(/FAILPOINT/);
  expect(starts()).toBe(1);
});

test('leaves in the middle of a pause', async () => {
  const stayer = keepWorking({
    start: () => Promise.reject(named('TransportError')),
    ...{ log: silent, pauseMs: { first: 3_600_000, max: 3_600_000 }, onStarted: () => undefined },
  });
  await Promise.resolve();
  stayer.leave();
  await stayer.ended;
});
