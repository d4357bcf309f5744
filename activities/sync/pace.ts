import type { Call, ActivityTools } from '../tools';

/** The operator's wishes are read so often from the run's view. */
const lookMs = 1_000;

export interface Pace {
  /** Waits as long as the throttle asks for after so many documents. `false`: paused, stop here. */
  after(documents: number, sent: number): Promise<boolean>;
}

interface Wishes {
  readonly paused: boolean;
  readonly documentsPerSecond: number | null;
}

/**
 * Keeps a copy at the operator's rate. The wishes come from the view in the store and not through the
 * workflow, so that pause and throttle reach an activity that runs for hours. A write that is due is
 * never paused half way: the pause takes effect between ranges.
 */
export function createPace(tools: ActivityTools, call: Call, runKey: string): Pace {
  let wishes: Wishes = { paused: false, documentsPerSecond: null };
  let lookAt = 0;
  let windowStart = tools.clock.now();
  let inWindow = 0;

  const look = async (sent: number): Promise<void> => {
    if (tools.clock.now() < lookAt) return;
    lookAt = tools.clock.now() + lookMs;
    const view = await tools.store.jobs.update(runKey, (job) => ({
      ...job,
      progress: { ...job.progress, copying: sent },
    }));
    const rate = view?.progress['documentsPerSecond'];
    const next: Wishes = {
      paused: view?.progress['paused'] === true,
      documentsPerSecond: typeof rate === 'number' ? rate : null,
    };
    // A new rate starts a new window: the old one's account says nothing about it.
    if (next.documentsPerSecond !== wishes.documentsPerSecond) {
      windowStart = tools.clock.now();
      inWindow = 0;
    }
    wishes = next;
  };

  return {
    async after(documents, sent) {
      await look(sent);
      inWindow += documents;
      for (;;) {
        if (wishes.paused) return false;
        if (wishes.documentsPerSecond === null) return true;
        const dueAt = windowStart + (inWindow / wishes.documentsPerSecond) * 1_000;
        const waitMs = Math.min(dueAt - tools.clock.now(), lookMs);
        if (waitMs <= 0) return true;
        await tools.clock.sleep(waitMs, call.signal);
        await look(sent);
      }
    },
  };
}
