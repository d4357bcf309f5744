import type { Log } from '../activities/tools';
import { isStoreAway } from '../store/connect';
import type { RunningWorker } from './start-worker';

export interface Stay {
  readonly start: () => Promise<RunningWorker>;
  readonly log: Log;
  /** First and largest pause before it is started again. */
  readonly pauseMs: { readonly first: number; readonly max: number };
  /** Told when work has begun, each time. */
  readonly onStarted: () => void;
}

export interface Stayer {
  /** Resolves after `leave`; rejects with what no waiting can cure, as a wrong configuration. */
  readonly ended: Promise<void>;
  leave(): void;
}

/** The names of what Temporal's two connections throw while the server is away or starting. */
const awayNames = new Set([
  'TransportError',
  'ServiceError',
  'IllegalStateError',
  'UnexpectedError',
]);
/** gRPC: cancelled, deadline exceeded, unavailable, and what a server says that is just starting. */
const awayCodes = new Set([1, 4, 14, 5, 2]);

const isAway = (error: unknown): boolean => {
  if (isStoreAway(error)) return true;
  if (typeof error !== 'object' || error === null) return false;
  const { name, code } = error as { name?: string; code?: unknown };
  return awayNames.has(name ?? '') || (typeof code === 'number' && awayCodes.has(code));
};

/**
 * Keeps one worker at work: while Temporal or Redis is away it is started again and again, because an outage
 * must not need a hand on each worker. What was running resumes at its last heartbeat.
 */
export function keepWorking(stay: Stay): Stayer {
  let worker: RunningWorker | null = null;
  let leaving = false;
  let wake: () => void = () => undefined;

  const work = async (): Promise<void> => {
    let pauseMs = stay.pauseMs.first;
    while (!leaving) {
      try {
        worker = await stay.start();
        if (leaving) worker.shutdown();
        else stay.onStarted();
        pauseMs = stay.pauseMs.first;
        await worker.ended;
      } catch (error) {
        // A worker that has run was configured rightly, so whatever ended it may pass.
        if (worker === null && !isAway(error)) throw error;
        stay.log.warn({ err: error, pauseMs }, 'the worker cannot work now; it tries again');
      }
      worker = null;
      if (!leaving) await pause(pauseMs, (now) => (wake = now));
      pauseMs = Math.min(pauseMs * 2, stay.pauseMs.max);
    }
  };

  return {
    ended: work(),
    leave() {
      leaving = true;
      worker?.shutdown();
      wake();
    },
  };
}

/** A pause that `leave` cuts short. */
function pause(ms: number, onWake: (wake: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    onWake(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
